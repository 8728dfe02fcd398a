"""Laws of the whole examination: what is found of a model that knows the answer, and of one that smooths it away."""

import numpy as np
import pytest
from model_examples import card_document
from scipy import ndimage

from mrsynth.baselines import IntensityMap
from mrsynth.models.card import ModelCard
from mrsynth.models.weights import LoadedModel
from mrsynth.synthesis import Synthesis
from mrsynth_training import model_examination
from mrsynth_training.acquisition import SliceGeometry
from mrsynth_training.evaluation import NETWORK, NOISE_FREE
from mrsynth_training.evaluation_cases import real_cases, simulated_cases
from mrsynth_training.known_tissue_agreement import SYNTHETIC_REFERENCE
from mrsynth_training.lesion_contrast import share_kept, visible_lesions
from mrsynth_training.model_examination import ModelExamination
from mrsynth_training.simulation import simulate

FINE_SLICES = SliceGeometry("axial", 48, 24, pixel_mm=1.5, spacing_mm=2.0, thickness_mm=2.0)
SAME = IntensityMap(np.array([-10.0, 10.0]), np.array([-10.0, 10.0]))


@pytest.fixture
def a_case(label_maps, monkeypatch):
    """A head in slices fine enough for its lesions."""

    def simulate_fine(labels, seed, protocol="random", marking=None):
        return simulate(labels, seed, protocol, FINE_SLICES, marking)

    monkeypatch.setattr("mrsynth_training.evaluation_cases.simulate", simulate_fine)
    return next(simulated_cases(sorted(label_maps.glob("*.nii.gz"))[:1], "ixi protocol", 1, 504))


@pytest.fixture
def examine(monkeypatch):
    """A function that examines a case by a model that makes a given image of each target; it returns the findings.

    The model's uncertainty is its error, where its images are so many times as bright as the targets.
    """

    def run(case, answer, gain=1.0):
        scans = [scan for scan in (case.healthy, case.lesioned) if scan] or [case]

        def synthesize(volume, model, options):
            (scan,) = [each for each in scans if each.volumes["PD"] is volume]
            target = (scan.volumes if scan is case else scan.targets)["T2"]
            synthetic = target.with_voxels(answer(scan, target.voxels).astype(np.float32))
            error = target.with_voxels(np.abs(synthetic.voxels - gain * target.voxels)) if options.uncertainty else None
            return Synthesis(synthetic, error, (), "cpu", 0.0)

        monkeypatch.setattr(model_examination, "synthesize", synthesize)
        card = ModelCard.from_dict(card_document(source_contrast="PD", target_contrast="T2"))
        examination = ModelExamination(LoadedModel(card, None), SAME)
        return examination.examine(case), examination.findings

    return run


def without_lesions(scan, target):
    """White matter as smooth as if there were no lesion in it."""
    white = scan.marks.white_matter > 0.5
    return np.where(white, np.median(target[white & (scan.marks.number == 0)]), target)


def test_a_perfect_model_keeps_all_lesions_and_makes_no_false_ones(a_case, examine):
    examined, findings = examine(a_case, lambda scan, target: 2 * target)
    visible = visible_lesions(findings.lesions)
    assert (
        len(visible) == 2 and share_kept(visible, NETWORK) == 1 and all(each.still_visible(NETWORK) for each in visible)
    )
    assert [each.contrast_ratio(NETWORK) for each in visible] == pytest.approx([1] * len(visible), rel=1e-4)
    assert [each.count for each in findings.false_lesions[NETWORK]] == [0]
    (tissues,) = findings.tissues[NETWORK]
    assert {dice for (pair, _), dice in tissues.dice.items() if pair == SYNTHETIC_REFERENCE} == {1}
    noise_free = next(result for result in findings.results if result.group.endswith(NOISE_FREE))
    assert noise_free.metrics[NETWORK, "head"].mae == pytest.approx(0, abs=1e-5)
    assert len(examined.lesioned.places) == len(findings.lesions) >= len(visible)


def test_a_model_that_returns_smooth_white_matter_keeps_none(a_case, examine):
    _, findings = examine(a_case, without_lesions)
    visible = visible_lesions(findings.lesions)
    assert (
        len(visible) == 2
        and share_kept(visible, NETWORK) == 0
        and not any(each.still_visible(NETWORK) for each in visible)
    )


def test_a_model_that_makes_up_a_lesion_in_a_healthy_head_is_found_out(a_case, examine):
    white = ndimage.binary_erosion(a_case.healthy.marks.white_matter > 0.95, np.ones((5, 5, 3)))
    place = tuple(np.argwhere(white)[len(np.argwhere(white)) // 2])
    ball = np.zeros(white.shape, bool)
    ball[place] = True
    ball = ndimage.binary_dilation(ball, np.ones((3, 3, 3)))
    _, findings = examine(a_case, lambda scan, target: target * np.where(ball, 1.6, 1))
    (found,) = findings.false_lesions[NETWORK]
    assert found.count == 1 and found.volume_ml == pytest.approx(27 * 1.5 * 1.5 * 2 / 1000, rel=0.5)


def test_an_uncertainty_that_is_the_error_holds_the_largest_possible_share(a_case, examine):
    """Up to what bringing both images to the same scale changes."""
    noise = np.random.default_rng(0).gamma(1.0, size=a_case.volumes["T2"].shape)
    _, findings = examine(a_case, lambda scan, target: target * (1 + 0.1 * noise))
    for mask in ("head", "whole volume"):
        (found,) = findings.uncertainty[mask]
        assert found.largest_possible >= found.worst_tenth > 0.7 * found.largest_possible > 0.15


def test_an_uncertainty_that_is_the_error_is_as_large_as_it_whatever_the_scan_s_units(a_case, examine):
    noise = np.random.default_rng(0).choice([-0.1, 0.1], a_case.volumes["T2"].shape)
    for gain in (1.0, 50.0):
        _, findings = examine(a_case, lambda scan, target, gain=gain: gain * target * (1 + noise), gain)
        for mask in ("head", "whole volume"):
            (found,) = findings.uncertainty.pop(mask)
            assert sum(found.uncertainty) == pytest.approx(sum(found.error), rel=0.1)


def test_of_a_real_case_there_are_figures_alone(real_pairs, examine):
    (case,) = real_cases(real_pairs)
    examined, findings = examine(case, lambda scan, target: target)
    assert examined.lesioned is None and len(findings.results) == 1
    assert not findings.lesions and not findings.uncertainty["head"] and not findings.tissues[NETWORK]


def test_slices_that_lack_a_tissue_are_examined_without_their_tissues(a_case, examine):
    a_case.healthy.marks.tissues[2] = 0
    _, findings = examine(a_case, lambda scan, target: target)
    assert findings.tissues[NETWORK] == [] and findings.lesions and findings.uncertainty["head"]
