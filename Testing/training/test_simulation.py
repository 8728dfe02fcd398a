import math

import nibabel as nib
import numpy as np
import pytest
import torch
from small_heads import SMALL_SLICES, small_head, write_head

from mrsynth.errors import InputError, MissingFile
from mrsynth.spin_echo import IXI_GUYS, IXI_HAMMERSMITH, signal
from mrsynth_training.acquisition import (
    PLANES,
    SliceGeometry,
    add_rician_noise,
    blur_in_plane,
    draw_geometry,
    draw_protocol,
    draw_shading,
    ixi_geometry,
    resample_to_slices,
)
from mrsynth_training.anatomy import TissueMaps, add_lesion, draw_anatomy
from mrsynth_training.label_maps import LAST_LABEL, TISSUE_LABELS, list_label_maps, read_label_map
from mrsynth_training.random_fields import Randomness
from mrsynth_training.simulation import TARGET_TE_PD_MS, TARGET_TE_T2_MS, simulate
from mrsynth_training.tissues import GREY_TO_WHITE, RANGES, draw_tissues, tissue_table
from mrsynth_training.variety import Variety


@pytest.fixture(scope="module")
def a_pair():
    return simulate(small_head(), seed=3, kind="ixi", geometry=SMALL_SLICES)


def test_the_same_seed_gives_the_same_scan_and_another_seed_another(a_pair):
    again = simulate(small_head(), seed=3, kind="ixi", geometry=SMALL_SLICES)
    other = simulate(small_head(), seed=4, kind="ixi", geometry=SMALL_SLICES)
    assert np.array_equal(a_pair.t2, again.t2) and np.array_equal(a_pair.pd_target, again.pd_target)
    assert not np.array_equal(a_pair.t2, other.t2)


@pytest.mark.parametrize(
    ("kind", "sums"), [("ixi", (641.17, 1411.16, 1346.09, 0)), ("random", (686.56, 1345.24, 1369.79, 370.26))]
)
def test_a_seeds_scan_stays_what_figures_were_measured_on(kind, sums):
    scan = simulate(small_head(), 3, kind, SMALL_SLICES)
    found = [float(image.sum(dtype=np.float64)) for image in (scan.t2, scan.pd, scan.pd_target, scan.lesions)]
    assert found == pytest.approx(sums, rel=1e-3)


def test_all_echoes_lie_on_one_grid_and_are_magnitudes(a_pair):
    echoes = (a_pair.t2, a_pair.pd, a_pair.t2_target, a_pair.pd_target)
    assert {echo.shape for echo in echoes} == {(32, 32, 8)}
    assert all(echo.dtype == np.float32 and echo.min() >= 0 for echo in echoes)


def test_fluid_is_brightest_on_t2_but_not_on_pd(a_pair):
    ventricle = a_pair.t2_target > np.percentile(a_pair.t2_target, 99)
    head = a_pair.pd_target > 0.3 * a_pair.pd_target.max()
    assert a_pair.t2_target[ventricle].mean() > 2 * a_pair.t2_target[head].mean()
    assert a_pair.pd_target[ventricle].mean() < 1.6 * a_pair.pd_target[head].mean()


def test_at_ixis_own_echo_times_the_targets_are_the_scan_without_its_noise(a_pair):
    assert (a_pair.protocol.te_pd_ms, a_pair.protocol.te_t2_ms) == (TARGET_TE_PD_MS, TARGET_TE_T2_MS)
    inside = a_pair.pd_target > 0.3 * a_pair.pd_target.max()
    error = (a_pair.pd - a_pair.pd_target)[inside]
    assert abs(error).mean() < 3 * a_pair.noise


def test_an_unknown_protocol_is_refused():
    with pytest.raises(ValueError, match="'ixi' or 'random', found 'pet'"):
        simulate(small_head(), seed=0, kind="pet", geometry=SMALL_SLICES)


def test_every_label_with_a_tissue_has_its_constants_and_air_has_no_protons():
    tissues = draw_tissues(Randomness(0))
    table = tissue_table(tissues)
    for name, labels in TISSUE_LABELS.items():
        for label in labels:
            expected = [tissues[name].t1_ms, tissues[name].t2_ms, tissues[name].pd]
            assert table[:, label].tolist() == pytest.approx(expected)
    assert table.shape == (3, LAST_LABEL + 1)
    assert table[2, 0] == 0


@pytest.mark.parametrize("seed", range(20))
def test_grey_matter_relaxes_more_slowly_than_white_and_fluid_slowest(seed):
    tissues = draw_tissues(Randomness(seed))
    assert tissues["white matter"].t2_ms < tissues["grey matter"].t2_ms < tissues["csf"].t2_ms
    assert tissues["white matter"].pd < tissues["grey matter"].pd


@pytest.mark.parametrize("plane", PLANES)
def test_a_head_sampled_at_its_own_grid_keeps_its_axes(plane, monkeypatch):
    monkeypatch.setattr("mrsynth_training.acquisition._draw_pose", lambda random, axes: torch.eye(3)[:, list(axes)])
    monkeypatch.setattr(Randomness, "uniform", lambda self, low, high: 0.0)
    images = torch.rand(1, 16, 16, 16)
    geometry = SliceGeometry(plane, 16, 16, pixel_mm=1.0, spacing_mm=1.0, thickness_mm=1.0)
    slices = resample_to_slices(images, torch.tensor([7.5, 7.5, 7.5]), geometry, Randomness(0))
    torch.testing.assert_close(slices, images.permute(0, *(1 + axis for axis in PLANES[plane])), atol=1e-4, rtol=1e-4)


def test_a_thick_slice_is_the_mean_of_what_lies_in_it(monkeypatch):
    monkeypatch.setattr("mrsynth_training.acquisition._draw_pose", lambda random, axes: torch.eye(3)[:, list(axes)])
    monkeypatch.setattr(Randomness, "uniform", lambda self, low, high: 0.0)
    images = torch.arange(16.0).expand(1, 8, 8, 16).contiguous()  # intensity is the height
    geometry = SliceGeometry("axial", 8, 2, pixel_mm=1.0, spacing_mm=4.0, thickness_mm=4.0)
    slices = resample_to_slices(images, torch.tensor([3.5, 3.5, 7.5]), geometry, Randomness(0))
    torch.testing.assert_close(slices[0, 4, 4], torch.tensor([5.5, 9.5]))


def test_blur_keeps_the_mean_of_what_lies_inside():
    image = torch.zeros(21, 21, 2)
    image[10, 10] = 1
    blurred = blur_in_plane(image, 0.8)
    torch.testing.assert_close(blurred.sum(dim=(0, 1)), torch.ones(2))
    assert blurred[10, 10, 0] > blurred[9, 10, 0] == pytest.approx(float(blurred[10, 9, 0]))


def test_noise_in_air_is_rician_and_vanishes_with_sigma():
    image = torch.zeros(64, 64, 8)
    noisy = add_rician_noise(image, 2.0, 0.0, Randomness(0))
    assert float(noisy.mean()) == pytest.approx(2.0 * np.sqrt(np.pi / 2), rel=0.02)  # mean of a Rayleigh distribution
    torch.testing.assert_close(add_rician_noise(image + 3, 0.0, 0.5, Randomness(0)), image + 3)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.7])
def test_correlated_noise_is_as_strong_as_white_noise(correlation):
    signal = torch.full((96, 96, 8), 100.0)
    noisy = add_rician_noise(signal, 2.0, correlation, Randomness(0))
    assert float(noisy[4:-4, 4:-4].std()) == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize("correlation", [2.0, 3.7, 6.0])
def test_a_field_varies_as_much_between_its_nodes_as_at_them(correlation):
    random = Randomness(0)
    fields = torch.stack([random.field((9, 10, 11), correlation) for _ in range(3000)])
    torch.testing.assert_close(fields.std(dim=0), torch.ones(9, 10, 11), atol=0.08, rtol=0)


def test_shading_is_smooth_and_positive():
    shading = draw_shading(torch.Size([64, 64, 8]), 1.0, (0.3, 0.3), Randomness(1))
    assert shading.min() > 0
    assert float(shading.diff(dim=0).abs().max()) < 0.1


def test_the_coil_sees_more_of_the_scalp_by_as_much_as_was_said():
    flat, risen = (draw_shading(torch.Size([64, 64, 8]), 2.0, (rise, rise), Randomness(1)) for rise in (0.0, 0.3))
    ratio = (risen / flat).mean(dim=2)
    assert float(ratio[32, 32]) == pytest.approx(1) and float(ratio[0, 32]) == pytest.approx(math.exp(0.3 * 0.64**2))


@pytest.mark.parametrize("seed", range(30))
def test_drawn_slices_and_protocols_are_ones_a_scanner_could_make(seed):
    random = Randomness(seed)
    geometry, timing = draw_geometry(random), draw_protocol(random, "random")
    assert 18 <= geometry.slices <= 48
    assert geometry.thickness_mm <= geometry.spacing_mm <= 6
    assert timing.te_pd_ms < timing.te_t2_ms < timing.tr_ms


def test_ixis_slices_are_the_reports():
    geometry = ixi_geometry()
    assert (geometry.matrix, geometry.slices, geometry.spacing_mm) == (224, 32, 3.75)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("oblique", 32, 8, 1.0, 4.0, 4.0), "a plane of"),
        (("axial", 0, 8, 1.0, 4.0, 4.0), "positive sizes"),
        (("axial", 32, 8, 1.0, 4.0, 5.0), "at most the spacing"),
    ],
)
def test_slices_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SliceGeometry(*arguments)


def test_a_lesion_lies_in_the_brain_and_changes_it_there_alone():
    labels = torch.from_numpy(small_head())
    maps = TissueMaps(*torch.ones(3, *labels.shape), torch.zeros(labels.shape))
    weight = add_lesion(maps, labels, Randomness(5))
    assert weight.max() > 0.5
    assert not weight[(labels == 0) | (labels > 99)].any()
    assert torch.equal(maps.t2_ms != 1, (weight * (maps.t2_ms - 1)).abs() > 0)
    torch.testing.assert_close(maps.t1_ms - 1, 0.5 * (maps.t2_ms - 1))  # water lengthens both


def test_heads_of_one_study_differ_less_than_heads_at_large():
    at_large = [draw_tissues(Randomness(seed))["fat"].t2_ms for seed in range(40)]
    of_a_study = [draw_tissues(Randomness(seed), variation=0.5)["fat"].t2_ms for seed in range(40)]
    assert np.std(of_a_study) == pytest.approx(0.5 * np.std(at_large))
    middle = draw_tissues(Randomness(0), variation=0.0)
    assert middle["fat"].t2_ms == pytest.approx(sum(RANGES["fat"][1]) / 2)
    assert middle["grey matter"].pd == pytest.approx(middle["white matter"].pd * sum(GREY_TO_WHITE[2]) / 2)


@pytest.mark.parametrize("timing", [IXI_GUYS, IXI_HAMMERSMITH])
def test_in_the_middle_pd_rises_from_white_to_grey_matter_to_fluid(timing):
    tissues = draw_tissues(Randomness(0), variation=0.0)
    white, grey, fluid = (
        signal(tissue.pd, tissue.t1_ms, tissue.t2_ms, timing.tr_ms, timing.te_pd_ms)
        for tissue in (tissues[name] for name in ("white matter", "grey matter", "csf"))
    )
    assert 1.1 < grey / white < 1.3 and 1.2 < fluid / white < 1.7 and fluid > grey


def test_a_head_without_lesions_is_that_of_the_same_seed_elsewhere():
    labels = torch.from_numpy(small_head())
    seed = next(
        s for s in range(20) if not torch.equal(*(_drawn(labels, s, lesions).t1_ms for lesions in (True, False)))
    )
    healthy, other = _drawn(labels, seed, False), _drawn(labels, seed, True)
    outside = (labels == 0) | (labels > 99)
    assert torch.equal(healthy.t2_ms[outside], other.t2_ms[outside])


def _drawn(labels, seed, lesions):
    random = Randomness(seed)
    return draw_anatomy(labels, draw_tissues(random), random, Variety(1.0), lesions)


def test_a_head_without_white_matter_gets_no_lesion():
    labels = torch.zeros(8, 8, 8, dtype=torch.int16)
    maps = TissueMaps(*(torch.ones(8, 8, 8) for _ in range(4)))
    assert not add_lesion(maps, labels, Randomness(0)).any()


def test_anatomy_varies_within_a_tissue_but_stays_positive():
    labels = torch.from_numpy(small_head())
    random = Randomness(2)
    maps = draw_anatomy(labels, draw_tissues(random), random, Variety(1.0))
    white = maps.t2_ms[labels == 2]
    assert 0.01 < float(white.std() / white.mean()) < 0.4
    assert float(maps.t2_ms.min()) > 0 and float(maps.pd.min()) >= 0


def test_a_label_map_comes_back_in_ras_order(tmp_path):
    labels = small_head()
    flipped = nib.Nifti1Image(np.flip(labels, 0).copy(), np.diag([-1.0, 1, 1, 1]))
    nib.save(flipped, tmp_path / "head.nii.gz")
    assert np.array_equal(read_label_map(tmp_path / "head.nii.gz"), labels)


def test_label_maps_are_listed_in_order(tmp_path):
    second, first = (write_head(tmp_path / name) for name in ("b.nii.gz", "a.nii.gz"))
    assert list_label_maps(tmp_path) == [first, second]


def test_a_missing_or_empty_folder_of_label_maps_is_refused(tmp_path):
    with pytest.raises(MissingFile, match="found none"):
        list_label_maps(tmp_path / "nowhere")
    with pytest.raises(InputError, match="expected label maps"):
        list_label_maps(tmp_path)


def test_what_is_no_label_map_is_refused(tmp_path):
    with pytest.raises(MissingFile):
        read_label_map(tmp_path / "none.nii.gz")
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.diag([2.0, 2, 2, 1])), tmp_path / "coarse.nii.gz")
    with pytest.raises(InputError, match="at 1 mm"):
        read_label_map(tmp_path / "coarse.nii.gz")
    nib.save(nib.Nifti1Image(np.full((4, 4, 4), 2000, np.int16), np.eye(4)), tmp_path / "scan.nii.gz")
    with pytest.raises(InputError, match="labels from 0 to 599"):
        read_label_map(tmp_path / "scan.nii.gz")
