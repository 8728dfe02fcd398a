"""The timing in a model's card: read, refused, told to the user, and in step with the network."""

import dataclasses
import json

import pytest
from model_examples import TIMED_UNET, TIMING, card_document, make_model, make_timed_model

from mrsynth.errors import InputError
from mrsynth.models.card import ModelCard
from mrsynth.models.installed import InstalledModel
from mrsynth.models.summary import TEXT_WIDTH, card_summary
from mrsynth.models.weights import load_model


def test_a_card_with_a_timing_comes_back_from_its_own_json_and_one_without_has_no_such_field():
    document = card_document(timing=TIMING)
    assert json.loads(ModelCard.from_dict(document).to_json()) == document
    assert ModelCard.from_dict(card_document()).timing is None
    assert "timing" not in ModelCard.from_dict(card_document()).to_dict()


@pytest.mark.parametrize(
    ("timing", "found"),
    [
        (None, "found null"),
        ({}, "'te_ms': expected this field"),
        (TIMING | {"flip": 90}, "'flip': expected only known fields"),
        (TIMING | {"te_ms": [60]}, "timing.te_ms: expected two times above 0 ms"),
        (TIMING | {"tr_ms": [0, 9000]}, "expected a number above 0, found 0"),
        (TIMING | {"tr_ms": 4000}, "timing.tr_ms: expected two times"),
        (TIMING | {"usual_target_te_ms": "8"}, "timing.usual_target_te_ms"),
        (TIMING | {"te_ms": [130, 60]}, "timing: expected te_ms as a shortest and a longest time, found (130, 60)"),
        (TIMING | {"usual_target_te_ms": 5}, "timing: expected usual_target_te_ms from 6 to 40, found 5"),
    ],
)
def test_a_timing_of_another_form_is_refused(timing, found):
    with pytest.raises(InputError) as refused:
        ModelCard.from_dict(card_document(timing=timing))
    assert refused.value.code == "bad_card" and "timing" in str(refused.value) and found in str(refused.value)


def test_a_summary_says_which_times_a_model_takes_and_which_echo_it_can_be_asked_for():
    lines = card_summary(ModelCard.from_dict(card_document(timing=TIMING))).splitlines()
    text = " ".join(" ".join(lines).split())
    assert "Timing told the source's TE (60 to 130 ms) and TR (2000 to 9000 ms), where they are known; made for" in text
    assert "a target TE of 8 ms, and can be asked for 6 to 40 ms" in text
    assert max(map(len, lines)) <= TEXT_WIDTH


def test_a_summary_of_a_model_without_timing_says_nothing_of_it():
    assert "Timing" not in card_summary(ModelCard.from_dict(card_document()))


def test_a_model_with_a_timing_is_loaded(tmp_path):
    card = make_timed_model(tmp_path)
    assert load_model(InstalledModel(card, tmp_path / "timed")).card.timing == TIMING


def test_a_network_that_is_told_times_needs_a_card_that_states_them(tmp_path):
    card = make_model(tmp_path, network=TIMED_UNET)
    with pytest.raises(InputError, match="expected 0 conditions, as the card has no timing, found 5") as refused:
        load_model(InstalledModel(card, tmp_path / "tiny"))
    assert refused.value.code == "bad_card" and str(tmp_path / "tiny" / "card.json") in str(refused.value)


def test_a_card_that_states_times_needs_a_network_that_is_told_them(tmp_path):
    card = make_model(tmp_path)
    timed = dataclasses.replace(card, timing=TIMING)
    with pytest.raises(InputError, match="expected 5 conditions, as the card has a timing, found 0") as refused:
        load_model(InstalledModel(timed, tmp_path / "tiny"))
    assert refused.value.code == "bad_card"
