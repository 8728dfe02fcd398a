"""A scan becomes its synthetic counterpart, in place, whatever its shape, spacing and orientation."""

import itertools
import time

import numpy as np
import pytest
import torch
from scipy import ndimage
from synthesis_examples import PATCHES, WHOLE, Leaning, a_model, a_scan, on_cpu
from torch import nn

from mrsynth import synthesis as module
from mrsynth import tiling
from mrsynth.errors import Cancelled, InputError
from mrsynth.networks.identity import Identity
from mrsynth.networks.residual_unet import ResidualUNet
from mrsynth.synthesis import SynthesisOptions, synthesize
from mrsynth.volume import Volume

ORIENTATIONS = [
    (axes, signs) for axes in itertools.permutations(range(3)) for signs in itertools.product((1, -1), repeat=3)
]
MIRRORED = {**WHOLE, "mirrored": True}


class Stretch(nn.Module):
    """Blurs, so that every prediction depends on where its patch ends."""

    size_multiple = (1, 1, 1)

    def __init__(self) -> None:
        super().__init__()
        self.blur = nn.Conv3d(1, 1, 3, padding=1, bias=False)
        nn.init.constant_(self.blur.weight, 1 / 27)

    def forward(self, source: torch.Tensor) -> torch.Tensor:
        return self.blur(source)


class SliceMean(Identity):
    """Makes each slice its own mean."""

    def forward(self, source: torch.Tensor) -> torch.Tensor:
        return source.mean(dim=(2, 3), keepdim=True).expand_as(source)


@pytest.mark.parametrize("axes, signs", ORIENTATIONS)
def test_the_identity_returns_the_scan_in_any_orientation(axes, signs):
    affine = np.eye(4)
    spacing = (1.0, 1.0, 4.0)
    for volume_axis, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        affine[:3, volume_axis] = 0
        affine[axis, volume_axis] = sign * spacing[volume_axis]
    affine[:3, 3] = (-20, 30, 5)
    scan = Volume(a_scan().voxels, affine)
    result = synthesize(scan, a_model(), on_cpu(uncertainty=True))
    np.testing.assert_allclose(result.volume.voxels, scan.voxels, rtol=1e-5)
    np.testing.assert_array_equal(result.volume.affine, scan.affine)
    assert not result.uncertainty.voxels.any()


@pytest.mark.parametrize("inference", [PATCHES, WHOLE], ids=["patches", "whole"])
@pytest.mark.parametrize("mode", ["paper", "smooth"])
@pytest.mark.parametrize("shape", [(12, 10, 6), (2, 1, 1), (3, 30, 5), (9, 8, 1), (40, 33, 17)])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 4.0), (0.5, 0.5, 1.25), (1.0, 0.3, 9.0)])
def test_the_identity_returns_the_scan_of_any_shape_and_spacing(inference, mode, shape, spacing):
    scan = a_scan(shape, spacing)
    result = synthesize(scan, a_model(inference=inference), on_cpu(mode=mode))
    np.testing.assert_allclose(result.volume.voxels, scan.voxels, rtol=1e-5, atol=1e-5)


def test_the_identity_returns_a_scan_that_is_cut_into_tiles(monkeypatch):
    monkeypatch.setattr(tiling, "LARGEST_TILE_VOXELS", 40 * 40 * 32)
    scan = a_scan((70, 50, 40))
    result = synthesize(scan, a_model(inference=WHOLE), on_cpu(uncertainty=True))
    np.testing.assert_allclose(result.volume.voxels, scan.voxels, rtol=1e-5)


@pytest.mark.parametrize(("plane", "others"), [("axial", (0, 1)), ("coronal", (0, 2)), ("sagittal", (1, 2))])
def test_a_model_of_a_plane_sees_slices_of_that_plane_however_the_scan_was_acquired(plane, others):
    axial = a_scan((8, 9, 7))
    inference = {"mode": "paper", "patch": [9, 9, 9], "stride": [9, 9, 9], "smooth_stride": None}
    grid = {"slice_spacing_mm": [1.0, 6.0], "in_plane_spacing_mm": [0.8, 6.0], "plane": plane}
    result = synthesize(axial, a_model(SliceMean(), inference, **grid), on_cpu())
    seen = result.volume.voxels
    assert all(np.ptp(seen, axis=axis).max() < 1e-3 for axis in others)
    across = ({0, 1, 2} - set(others)).pop()
    assert np.ptp(seen, axis=across).max() > 1
    assert result.warnings


def test_a_scan_larger_than_those_of_training_is_standardised_by_as_much_of_its_middle():
    scan = a_scan((24, 20, 10))
    wide = Volume(np.pad(scan.voxels, ((5, 6), (2, 3), (2, 3))), scan.affine)
    normalization = {"kind": "zscore", "target_mean": 1.0, "target_std": 0.5, "extent_mm": [24.0, 20.0, 40.0]}
    expected, found = (synthesize(each, a_model(normalization=normalization), on_cpu()).volume for each in (scan, wide))
    np.testing.assert_allclose(found.voxels[5:-6, 2:-3, 2:-3], expected.voxels, rtol=1e-5)


def test_the_network_sees_slices_along_the_last_axis():
    coronal = a_scan((6, 5, 4), spacing=(1.0, 4.0, 1.0))
    result = synthesize(coronal, a_model(SliceMean(), {**PATCHES, "patch": [6, 4, 5], "stride": [6, 4, 5]}), on_cpu())
    expected = np.broadcast_to(coronal.voxels.mean((0, 2), keepdims=True), coronal.shape)
    np.testing.assert_allclose(result.volume.voxels, expected, rtol=1e-5)


def test_thin_slices_go_through_as_interleaved_stacks():
    seen = []

    class Looking(Identity):
        def forward(self, source: torch.Tensor) -> torch.Tensor:
            seen.append(source[0, 0].numpy().copy())
            return source

    scan = a_scan((8, 8, 12), spacing=(1.0, 1.0, 1.5))
    model = a_model(Looking(), {**PATCHES, "stride": [8, 8, 4]}, slice_spacing_mm=[4.4, 4.6])
    synthesize(scan, model, on_cpu())
    tissue = float(np.median(scan.voxels[scan.voxels > 0]))
    assert len(seen) == 3
    for first, stack in enumerate(seen):
        np.testing.assert_allclose(stack * tissue, scan.voxels[..., first::3], rtol=1e-5)


@pytest.mark.parametrize("mode", ["paper", "smooth"])
def test_the_batch_size_does_not_change_the_result(mode):
    one, many = (synthesize(a_scan(), a_model(Stretch()), on_cpu(mode=mode, batch_size=size)) for size in (1, 7))
    np.testing.assert_allclose(one.volume.voxels, many.volume.voxels, rtol=1e-5)


def test_paper_mode_is_the_plain_mean_of_the_patches():
    scan = a_scan((10, 8, 4))
    result = synthesize(scan, a_model(Stretch(), {**PATCHES, "stride": [2, 8, 4]}), on_cpu(mode="paper"))
    first, second = (Stretch()(torch.from_numpy(scan.voxels[None, None, s : s + 8])).detach()[0, 0] for s in (0, 2))
    expected = np.concatenate([first[:2], (first[2:] + second[:-2]) / 2, second[-2:]])
    np.testing.assert_allclose(result.volume.voxels, expected, rtol=1e-4)


def test_the_result_is_on_the_scale_that_the_card_says():
    scan = a_scan()
    result = synthesize(scan, a_model(normalization={"kind": "robust", "target_to_source": 2.5}), on_cpu())
    np.testing.assert_allclose(result.volume.voxels, 2.5 * scan.voxels, rtol=1e-5)


@pytest.mark.parametrize("inference", [PATCHES, WHOLE, MIRRORED], ids=["patches", "whole", "mirrored"])
def test_asking_for_the_uncertainty_does_not_change_the_result(inference):
    scan = a_scan((40, 33, 17))
    plain, asked = (
        synthesize(scan, a_model(Stretch(), inference), on_cpu(uncertainty=asked)) for asked in (False, True)
    )
    assert plain.uncertainty is None
    assert np.array_equal(plain.volume.voxels, asked.volume.voxels)
    assert asked.uncertainty.voxels.min() >= 0


def test_the_uncertainty_is_where_overlapping_patches_disagree(monkeypatch):
    monkeypatch.setattr("mrsynth.stack_synthesis.UNCERTAINTY_SMOOTHING_PIXELS", 0.0)
    scan = a_scan((10, 8, 4))
    spread = synthesize(
        scan, a_model(Stretch(), {**PATCHES, "stride": [2, 8, 4]}), on_cpu(uncertainty=True)
    ).uncertainty.voxels
    assert spread[2, 1:7, 1:3].min() > 1  # the rim of the second patch, inside the first
    assert spread[4:6].max() < 1e-3  # inside both


def test_the_uncertainty_is_averaged_over_neighbours_in_the_plane_and_not_across_slices(monkeypatch):
    scan, model = a_scan((16, 12, 6)), a_model(Stretch(), {**PATCHES, "stride": [4, 8, 4]})
    smooth = synthesize(scan, model, on_cpu(uncertainty=True))
    monkeypatch.setattr("mrsynth.stack_synthesis.UNCERTAINTY_SMOOTHING_PIXELS", 0.0)
    plain = synthesize(scan, model, on_cpu(uncertainty=True))
    expected = ndimage.gaussian_filter(plain.uncertainty.voxels, (1, 1, 0), mode="nearest")
    np.testing.assert_allclose(smooth.uncertainty.voxels, expected, rtol=1e-4, atol=1e-4)
    assert not np.allclose(plain.uncertainty.voxels, expected, rtol=0.1)
    assert np.array_equal(plain.volume.voxels, smooth.volume.voxels)


@pytest.mark.parametrize("turned", [np.diag([1.0, 1, 4, 1]), np.diag([-1.0, 1, 4, 1])], ids=["to-right", "to-left"])
def test_the_uncertainty_is_where_left_and_right_are_not_treated_alike_in_the_scan_s_units(turned):
    scan = Volume(a_scan((8, 8, 4)).voxels, turned)
    result = synthesize(scan, a_model(Leaning()), on_cpu(uncertainty=True))
    tissue = float(np.median(scan.voxels[scan.voxels > 0]))
    lean = np.linspace(0, 1, 8)
    expected = ndimage.gaussian_filter1d(np.abs(lean - lean[::-1]) / 2 * tissue, 1.0, mode="nearest")
    np.testing.assert_allclose(result.uncertainty.voxels[:, 3, 2], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("slope, axis", [((1, 2, 4), 0), ((4, 1, 1), 2)])
def test_left_and_right_are_along_the_slices_of_a_sagittal_scan_only(slope, axis):
    scan = Volume(a_scan((6, 6, 6)).voxels, np.diag([*map(float, slope), 1.0]))
    assert module.left_right_axis(module.SliceOrder.of(scan)) == axis


def test_a_real_network_takes_any_shape():
    torch.manual_seed(0)
    network = ResidualUNet(widths=(2, 2, 2, 2), blocks=(1, 1, 1, 1))
    result = synthesize(a_scan((37, 21, 5)), a_model(network, WHOLE), on_cpu(uncertainty=True))
    assert result.volume.shape == result.uncertainty.shape == (37, 21, 5)


@pytest.mark.parametrize("inference, least", [(PATCHES, "8 x 8 x 4"), (WHOLE, "32 x 32 x 16")])
@pytest.mark.parametrize("slices", [1, 3])
def test_fewer_slices_than_the_network_works_on_give_a_warning_that_names_the_limit(inference, least, slices):
    result = synthesize(a_scan((40, 40, slices)), a_model(inference=inference), on_cpu())
    assert len(result.warnings) == 1
    assert f"at least {least} voxels" in result.warnings[0]
    assert f"found 40 x 40 x {slices}" in result.warnings[0]


def test_a_scan_that_fills_a_patch_gives_no_warning():
    result = synthesize(a_scan(), a_model(), on_cpu())
    assert result.warnings == ()
    assert result.device == "cpu"
    assert result.seconds >= 0


def test_spacings_that_the_model_has_not_seen_give_a_warning():
    result = synthesize(a_scan(spacing=(1.0, 1.0, 20.0)), a_model(), on_cpu())
    assert "slice spacing 20 mm" in result.warnings[0]


def test_a_fall_back_for_lack_of_memory_gives_a_warning():
    class Greedy(Identity):
        def forward(self, source: torch.Tensor) -> torch.Tensor:
            if len(source) > 1:
                raise torch.OutOfMemoryError("out of memory")
            return source

    scan = a_scan()
    result = synthesize(scan, a_model(Greedy()), on_cpu(batch_size=4))
    np.testing.assert_allclose(result.volume.voxels, scan.voxels, rtol=1e-5)
    assert result.warnings == ("cpu ran short of memory: continued with batches of 1",)


@pytest.mark.parametrize("inference", [PATCHES, WHOLE, MIRRORED], ids=["patches", "whole", "mirrored"])
@pytest.mark.parametrize("uncertainty", [False, True])
def test_progress_runs_from_nothing_to_all(inference, uncertainty):
    steps = []
    scan = a_scan((80, 40, 24), spacing=(1.0, 1.0, 2.0))
    synthesize(scan, a_model(inference=inference), on_cpu(uncertainty=uncertainty, batch_size=3), steps.append)
    done = [step.done for step in steps]
    assert done[0] == 0
    assert done == sorted(set(done))
    assert {(step.stage, step.total, step.device) for step in steps} == {("synthesis", done[-1], "cpu")}


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_a_run_is_cancelled_between_batches(allowed):
    steps = []
    with pytest.raises(Cancelled):
        synthesize(a_scan(), a_model(), on_cpu(batch_size=1), steps.append, cancelled=lambda: len(steps) > allowed)
    assert len(steps) == allowed + 1


def test_a_run_is_cancelled_before_it_begins():
    with pytest.raises(Cancelled):
        synthesize(a_scan(), a_model(), on_cpu(), cancelled=lambda: True)


def test_a_run_is_cancelled_in_the_middle_of_a_long_pass():
    class Nap(nn.Module):
        def forward(self, source: torch.Tensor) -> torch.Tensor:
            time.sleep(0.02)
            return source

    network = nn.Sequential(*(Nap() for _ in range(500)))  # ten seconds
    network.size_multiple = (1, 1, 1)
    began = time.monotonic()
    with pytest.raises(Cancelled):
        synthesize(a_scan(), a_model(network, WHOLE), on_cpu(), cancelled=lambda: time.monotonic() - began > 0.1)
    assert time.monotonic() - began < 2


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="expected a preset of .*found 'fast'"):
        SynthesisOptions(mode="fast")


def test_a_batch_of_nothing_is_refused():
    with pytest.raises(ValueError, match="expected a batch size of at least 1, found 0"):
        SynthesisOptions(batch_size=0)


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="cuda:99") as caught:
        synthesize(a_scan(), a_model(), SynthesisOptions(device="cuda:99"))
    assert caught.value.code == "no_device"
