import dataclasses

import numpy as np
import pytest
import torch
from small_heads import SMALL_SLICES, small_head

from mrsynth_training import label_maps, simulation
from mrsynth_training.acquisition import ixi_geometry
from mrsynth_training.anatomy import draw_anatomy
from mrsynth_training.random_fields import Randomness
from mrsynth_training.simulation import ScanKind, simulate
from mrsynth_training.tissues import FATTY, GREY_TO_WHITE, RANGES, draw_tissues
from mrsynth_training.variety import (
    BLURRED_PIXELS,
    COIL_RISE_EVENED_OUT,
    SHARP_PIXELS,
    STUDY_VARIATION,
    Variety,
    coarser,
    usual_variety,
    wide_variety,
)

USUAL = Variety(1.0)


def _maps(**changes):
    labels, random = torch.from_numpy(small_head()), Randomness(5)
    return draw_anatomy(labels, draw_tissues(random), random, dataclasses.replace(USUAL, **changes), lesions=False)


@pytest.mark.parametrize(("option", "name"), [("outer_t2", "t2_ms"), ("outer_pd", "pd")])
def test_tissue_outside_the_brain_varies_as_much_as_asked_and_the_brain_not_at_all(option, name):
    labels = torch.from_numpy(small_head())
    outside = labels == label_maps.SOFT_TISSUE
    brain = (labels > 0) & (labels <= label_maps.LAST_BRAIN_LABEL) & (labels != label_maps.SUBARACHNOID_CSF)
    drawn = [getattr(_maps(**{option: deviation}), name) for deviation in (0.0, 0.08, 0.25)]
    even, usual, varied = (float(values[outside].log().std()) for values in drawn)
    assert even < usual < varied
    assert all(torch.equal(values[brain], drawn[0][brain]) for values in drawn)


def test_proton_density_outside_the_brain_varies_over_the_distance_asked_for():
    labels = torch.from_numpy(small_head())
    scalp = labels == label_maps.SOFT_TISSUE

    def roughness(patch_mm):
        ratio = _maps(outer_pd=0.3, outer_patch_mm=patch_mm).pd / _maps(outer_pd=0.0).pd
        pairs = scalp[1:] & scalp[:-1]
        return float(ratio.diff(dim=0)[pairs].abs().mean())

    assert roughness(4.0) > 1.5 * roughness(20.0)


def test_suppressed_fat_gives_less_signal_and_nothing_else_changes():
    full, suppressed = (draw_tissues(Randomness(3), fat_left=left) for left in (1.0, 0.1))
    for name, tissue in full.items():
        share = 0.1 if name in FATTY else 1.0
        assert suppressed[name].pd == pytest.approx(share * tissue.pd)
        assert suppressed[name].t2_ms == tissue.t2_ms


@pytest.mark.parametrize("seed", range(20))
def test_tissues_beyond_all_ranges_keep_a_t1_a_t2_and_protons(seed):
    tissues = draw_tissues(Randomness(seed), variation=2.5)
    for name, limits in RANGES.items():
        assert all(value >= low / 2 for value, (low, _) in zip(dataclasses.astuple(tissues[name]), limits, strict=True))
    assert tissues["grey matter"].pd >= tissues["white matter"].pd * GREY_TO_WHITE[2][0] / 2


def test_a_usual_scan_is_of_one_study_at_ixis_protocol_and_of_any_otherwise():
    assert usual_variety("ixi", Randomness(0)) == Variety(STUDY_VARIATION, COIL_RISE_EVENED_OUT)
    drawn = {usual_variety("random", Randomness(seed)).tissue_variation for seed in range(20)}
    assert drawn == {STUDY_VARIATION, 1.0}


def test_wide_scans_follow_from_their_seeds_and_are_of_every_sort():
    varieties = [wide_variety(seed) for seed in range(200)]
    assert varieties[:3] == [wide_variety(seed) for seed in range(3)]
    shares = {
        "suppressed": (0.15, [each.fat_left < 1 for each in varieties]),
        "coarse": (0.2, [each.coarseness > 1 for each in varieties]),
        "blurred": (0.3, [each.point_spread_pixels == BLURRED_PIXELS for each in varieties]),
    }
    for share, found in shares.values():
        assert np.mean(found) == pytest.approx(share, abs=0.08)
    assert {each.point_spread_pixels for each in varieties} == {SHARP_PIXELS, BLURRED_PIXELS}
    assert all(0.05 <= each.outer_pd <= 0.3 and STUDY_VARIATION <= each.tissue_variation <= 1.4 for each in varieties)


def test_coarser_slices_show_the_same_field_of_view():
    usual = ixi_geometry()
    coarse = coarser(usual, 1.7)
    assert coarse.matrix == 132 and coarse.matrix * coarse.pixel_mm == pytest.approx(usual.matrix * usual.pixel_mm)
    assert coarser(usual, 1.0) == usual


def test_a_wide_scan_is_what_its_variety_says(monkeypatch):
    monkeypatch.setattr(simulation, "ixi_geometry", lambda: SMALL_SLICES)

    def scanned(**changes):
        monkeypatch.setattr(simulation, "wide_variety", lambda seed: dataclasses.replace(USUAL, **changes))
        return simulate(small_head(), 3, ScanKind("ixi", wide=True))

    usual, blurred, coarse = scanned(), scanned(point_spread_pixels=(2.0, 2.0)), scanned(coarseness=2.0)
    steepness = [float(np.abs(np.diff(scan.t2_target, axis=0)).max()) for scan in (usual, blurred)]
    assert steepness[1] < 0.9 * steepness[0]
    assert usual.t2.shape == (32, 32, 8) and coarse.t2.shape == (16, 16, 8)
    assert coarse.geometry.pixel_mm == 2 * usual.geometry.pixel_mm


@pytest.mark.parametrize(
    "change",
    [
        {"tissue_variation": 0.0},
        {"coil_rise": (2.0, 2.0)},
        {"outer_t2": 0.25},
        {"outer_pd": 0.3},
        {"fat_left": 0.1},
        {"lesion_count": (25, 26)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_nothing_of_a_variety_is_left_out(change, monkeypatch):
    usual, other = (_wide_scan(monkeypatch, **changes) for changes in ({}, change))
    assert not np.array_equal(usual.pd_target, other.pd_target)


def _wide_scan(monkeypatch, seed=4, **changes):
    monkeypatch.setattr(simulation, "wide_variety", lambda _: dataclasses.replace(USUAL, **changes))
    return simulate(small_head(), seed, ScanKind("ixi", wide=True), SMALL_SLICES)


@pytest.mark.parametrize("change", [{"fat_left": 0.0}, {"fat_left": 1.1}, {"coarseness": 0.5}, {"outer_patch_mm": 0.0}])
def test_a_variety_that_cannot_be_is_refused(change):
    with pytest.raises(ValueError, match="expected a share of fat up to 1, a coarseness from 1 and a distance"):
        dataclasses.replace(USUAL, **change)


def test_slices_that_were_asked_for_are_kept_however_wide_the_scan():
    coarse = next(seed for seed in range(20) if wide_variety(seed).coarseness > 1)
    assert simulate(small_head(), coarse, ScanKind(wide=True), SMALL_SLICES).t2.shape == (32, 32, 8)
