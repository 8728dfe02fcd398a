import numpy as np
import pytest
from ixi_examples import AFFINE, scan_voxels

from mrsynth.errors import InputError
from mrsynth.grid import interleaved_stacks
from mrsynth.normalization import ZScoreNormalizer
from mrsynth.orientation import SliceOrder, slice_order
from mrsynth.volume import Volume
from mrsynth_training.preprocessing import PreprocessingOptions, prepare_pair

RAS = np.diag([0.9375, 0.9375, 1.25, 1.0])


def a_pair(shape, affine=RAS):
    return tuple(Volume(scan_voxels(seed, shape), affine) for seed in (1, 2))


def test_the_protocols_sizes_give_224_x_224_x_32():
    assert PreprocessingOptions().shape == (224, 224, 32)
    prepared = prepare_pair(*a_pair((256, 256, 130)), PreprocessingOptions())
    assert prepared.voxels.shape == (2, 224, 224, 32) and prepared.voxels.dtype == np.float32
    spacing_mm = np.linalg.norm(prepared.affine[:3, :3], axis=0)
    np.testing.assert_allclose(spacing_mm, (0.9375, 0.9375, 3.75))


def test_it_is_the_centre_cropped_every_third_slice_kept_and_standardised_by_hand():
    source, target = a_pair((256, 256, 130))
    prepared = prepare_pair(source, target, PreprocessingOptions())
    for channel, volume in zip(prepared.voxels, (source, target), strict=True):
        kept = volume.voxels[16:240, 16:240, 17:113][:, :, ::3].astype(np.float64)
        np.testing.assert_allclose(channel, (kept - kept.mean()) / kept.std(), atol=2e-6)


def test_source_and_target_are_standardised_each_by_its_own_numbers():
    prepared = prepare_pair(*a_pair((40, 40, 30)), PreprocessingOptions((32, 32, 24)))
    for channel in prepared.voxels:
        assert channel.mean(dtype=np.float64) == pytest.approx(0, abs=1e-6)
        assert channel.std(dtype=np.float64) == pytest.approx(1, abs=1e-6)
    assert prepared.scales[0] != prepared.scales[1]


def test_the_scale_leads_back_to_the_scans_own_intensities():
    source, target = a_pair((40, 40, 30))
    prepared = prepare_pair(source, target, PreprocessingOptions((32, 32, 24)))
    back = prepared.voxels[1] * prepared.scales[1].spread + prepared.scales[1].offset
    np.testing.assert_allclose(back, target.voxels[4:36, 4:36, 3:27:3], atol=1e-3)


@pytest.mark.parametrize("first", [0, 1, 2])
def test_the_kept_slices_are_an_interleaved_stack_of_synthesis(first):
    source, target = a_pair((16, 16, 12))
    prepared = prepare_pair(source, target, PreprocessingOptions((16, 16, 12), first_slice=first))
    stack = source.voxels[list(interleaved_stacks(source.shape, (1, 1, 3)))[first]]
    np.testing.assert_allclose(prepared.voxels[0], (stack - stack.mean()) / stack.std(), atol=1e-5)


def test_a_smaller_scan_is_padded_about_its_centre_with_its_darkest_value():
    source, target = a_pair((13, 16, 9))
    prepared = prepare_pair(source, target, PreprocessingOptions((16, 16, 12), slice_step=1))
    channel = prepared.voxels[0]
    inner = channel[2:15, :, 2:11]
    assert prepared.acquired == (13, 16, 9)
    assert inner.std(dtype=np.float64) == pytest.approx(1, abs=1e-6)
    outside = np.ones(channel.shape, bool)
    outside[2:15, :, 2:11] = False
    assert set(channel[outside]) == {inner.min()}


@pytest.mark.parametrize("affine", [RAS, AFFINE, RAS[[2, 0, 1, 3]][:, [0, 1, 2, 3]]], ids=["RAS", "LAS", "turned"])
@pytest.mark.parametrize("plane", ["acquired", "axial", "coronal", "sagittal"])
def test_every_voxel_stays_at_its_place_in_the_patient(affine, plane):
    source, target = a_pair((20, 24, 13), affine)
    options = PreprocessingOptions((16, 25, 12), first_slice=1, plane=plane)
    prepared = prepare_pair(source, target, options)
    found = 0
    for index in np.ndindex(prepared.voxels.shape[1:]):
        place = np.linalg.inv(source.affine) @ prepared.affine @ (*index, 1)
        i, j, k = np.rint(place[:3]).astype(int)
        np.testing.assert_allclose(place[:3], (i, j, k), atol=1e-6)
        if all(0 <= n < size for n, size in zip((i, j, k), source.shape, strict=True)):
            value = prepared.voxels[0][index] * prepared.scales[0].spread + prepared.scales[0].offset
            assert value == pytest.approx(source.voxels[i, j, k], abs=1e-2)
            found += 1
    assert found == np.prod(prepared.acquired)


@pytest.mark.parametrize(
    ("plane", "directions"), [("axial", (0, 1, 2)), ("coronal", (0, 2, 1)), ("sagittal", (1, 2, 0))]
)
def test_a_plane_has_its_slices_along_its_own_direction(plane, directions):
    order = slice_order(a_pair((8, 8, 8), AFFINE)[0], plane)
    stack_affine = prepare_pair(*a_pair((8, 8, 8), AFFINE), PreprocessingOptions((8, 8, 8), 1, plane=plane)).affine
    assert tuple(np.abs(stack_affine[:3, :3]).argmax(axis=0)) == directions
    assert (stack_affine[:3, :3].sum(axis=0) > 0).all()
    assert order.plane == plane
    assert slice_order(a_pair((8, 8, 8))[0], "acquired") == SliceOrder.of(a_pair((8, 8, 8))[0])


def test_synthesis_standardises_a_whole_scan_as_its_preparation_does():
    source, target = a_pair((40, 35, 29), AFFINE)
    options = PreprocessingOptions((20, 22, 18))
    prepared = prepare_pair(source, target, options)
    order = slice_order(source, "acquired")
    spacings = np.linalg.norm(prepared.affine[:3, :3], axis=0)
    normalizer = ZScoreNormalizer(1.0, 1.0, extent_mm=tuple(spacings * options.shape))
    stack, _ = normalizer.normalize(order.to_stack(source.voxels), order.stack_spacing_mm)
    x, y, z = ((found - size) // 2 for found, size in zip(stack.shape, options.size, strict=True))
    # Every slice counts there and every third here, so that the two differ by the noise of a third of the slices.
    taken = stack[x : x + 20, y : y + 22, z : z + 18 : 3]
    np.testing.assert_allclose(taken, prepared.voxels[0], atol=0.05)


def test_a_constant_that_only_the_crop_reveals_is_refused():
    voxels = np.zeros((32, 32, 12), np.float32)
    voxels[0, 0, 0] = 100
    with pytest.raises(InputError) as caught:
        prepare_pair(Volume(voxels, RAS), Volume(voxels, RAS), PreprocessingOptions((16, 16, 12)))
    assert caught.value.code == "constant"


@pytest.mark.parametrize(("slices", "fits"), [(5, False), (17, False), (18, True)])
def test_a_scan_that_would_be_mostly_padding_is_too_small(slices, fits):
    source, target = a_pair((16, 16, slices))
    options = PreprocessingOptions((16, 16, 36))
    if fits:
        assert prepare_pair(source, target, options).acquired == (16, 16, 6)
        return
    with pytest.raises(InputError, match="expected at least half of") as caught:
        prepare_pair(source, target, options)
    assert caught.value.code == "too_small"


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": (224, 224)},
        {"size": (224, 224, 0)},
        {"slice_step": 0},
        {"slice_step": 97},
        {"first_slice": 3},
        {"plane": "oblique"},
    ],
)
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match="expected"):
        PreprocessingOptions(**wrong)
