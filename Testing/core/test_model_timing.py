"""What a model is told of a timing; one that takes none is told nothing, and refuses to be asked for an echo time."""

import math

import pytest
from model_examples import TIMING, card_document

from mrsynth.errors import InputError
from mrsynth.model_timing import TISSUE_T2_MS, model_timing
from mrsynth.models.card import ModelCard
from mrsynth.spin_echo import TISSUES, signal
from mrsynth.timing import Timing


@pytest.fixture
def a_timed_card():
    return ModelCard.from_dict(card_document(timing=TIMING))


@pytest.fixture
def a_card():
    return ModelCard.from_dict(card_document())


def test_a_model_without_timing_is_told_nothing_whatever_is_known_of_the_scan(a_card):
    told = model_timing(a_card, Timing(98.0, 4500.0))
    assert (told.conditions, told.warnings, told.used, told.intensity_factor) == ((), (), None, 1.0)


def test_a_model_without_timing_cannot_be_asked_for_an_echo_time(a_card):
    with pytest.raises(InputError, match="no target TE for model tiny, .* found 15 ms; choose a model") as refused:
        model_timing(a_card, Timing(target_te_ms=15.0))
    assert refused.value.code == "bad_timing"


def test_an_unknown_timing_is_told_as_zeros_and_makes_the_usual_target(a_timed_card):
    told = model_timing(a_timed_card, Timing())
    assert told.conditions[:4] == (0.0, 0.0, 0.0, 0.0) and told.warnings == ()
    assert told.used == Timing(target_te_ms=8) and told.intensity_factor == 1.0


def test_a_timing_outside_what_the_model_knows_is_told_and_its_target_is_the_nearest(a_timed_card):
    told = model_timing(a_timed_card, Timing(20.0, 900.0, 90.0))
    assert [warning.split(" of ")[0] for warning in told.warnings] == [
        "the source's TE",
        "the source's TR",
        "the TE asked for",
    ]
    assert told.conditions == (-1.0, 1.0, -1.0, 1.0, 1.0)
    assert told.used == Timing(20.0, 900.0, 40.0)


def test_a_later_echo_darkens_brain_tissue_as_the_spin_echo_equation_does(a_timed_card):
    late = model_timing(a_timed_card, Timing(target_te_ms=30.0)).intensity_factor
    usual_signal, late_signal = (signal(0.7, 1100, TISSUE_T2_MS, 5000, te) for te in (8.0, 30.0))
    assert late == pytest.approx(late_signal / usual_signal)
    assert late == pytest.approx(math.exp(-22 / 85))


def test_the_t2_of_the_median_voxel_lies_between_white_and_grey_matter():
    assert TISSUES["white matter"].t2_ms < TISSUE_T2_MS < TISSUES["grey matter"].t2_ms
