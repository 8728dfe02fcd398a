"""One choice between exact and fast, and what is known about it."""

import pytest
from model_examples import card_document

from mrsynth.cli.main import command_parser
from mrsynth.errors import InputError
from mrsynth.models.card import ModelCard
from mrsynth.presets import (
    MODES,
    PRESETS,
    Blend,
    PresetFigures,
    blend_of,
    figures_of,
    preset_of,
    preset_text,
    presets_of,
    takes_half_precision,
)

WHOLE = {"mode": "smooth", "patch": None, "stride": None, "smooth_stride": None}
FIGURES = {"seconds": 12.34, "times_faster": 17.02, "psnr_change_db": -0.031, "note": "4 simulated scans, two cores"}


def paper(**changes: object) -> dict:
    return {"mode": "paper", "patch": [32, 32, 32], "stride": [8, 8, 8], "smooth_stride": [16, 16, 16]} | changes


@pytest.mark.parametrize(
    ("mode", "own", "preset"),
    [
        *((word, "paper", word) for word in PRESETS),
        ("smooth", "paper", "standard"),
        (None, "paper", "paper"),
        (None, "smooth", "standard"),
    ],
)
def test_a_word_stands_for_a_preset_and_none_for_the_card_s_own(mode, own, preset):
    assert preset_of(mode, paper(mode=own)) == preset


def test_an_unknown_word_is_refused():
    with pytest.raises(ValueError, match="expected a preset of .*found 'fast'"):
        preset_of("fast", paper())


def test_presets_are_fewer_patches_from_one_to_the_next():
    assert [blend_of(preset, paper()) for preset in PRESETS] == [
        Blend((8, 8, 8), "mean"),
        Blend((16, 16, 16), "smooth"),
        Blend((24, 24, 24), "smooth"),
    ]


def test_a_card_may_ask_for_a_plain_mean_in_every_preset_and_the_texts_say_so():
    plain = paper(window="mean", smooth_stride=[8, 8, 8], thinning=3)
    assert [blend_of(preset, plain) for preset in PRESETS] == [
        Blend((8, 8, 8), "mean"),
        Blend((8, 8, 8), "mean", thinning=3),
        Blend((24, 24, 24), "mean"),
    ]
    assert ["smoothly" in preset_text(preset, plain) for preset in PRESETS] == [False] * 3
    assert blend_of("standard", paper(window="smooth")) == blend_of("standard", paper())
    assert ModelCard.from_dict(card_document(inference=plain)).inference["window"] == "mean"
    with pytest.raises(InputError, match="window"):
        ModelCard.from_dict(card_document(inference=paper(window="square")))


def test_a_model_of_whole_stacks_has_no_patches_to_choose():
    assert presets_of(WHOLE) == ("standard", "draft")
    assert presets_of(paper()) == PRESETS
    assert all(blend_of(preset, WHOLE).stride is None for preset in PRESETS)
    assert preset_text("standard", WHOLE).startswith("The whole scan in one pass. Error and speed")
    assert "half precision" in preset_text("draft", WHOLE)


def test_the_mirror_image_counts_in_the_standard_preset_of_a_card_that_asks_for_it():
    mirrored = {**WHOLE, "mirrored": True}
    assert [blend_of(preset, mirrored).mirrored for preset in PRESETS] == [False, True, False]
    assert not any(blend_of(preset, WHOLE).mirrored for preset in PRESETS)
    assert "mirror image" in preset_text("standard", mirrored) and "mirror" not in preset_text("draft", mirrored)
    assert ModelCard.from_dict(card_document(inference=mirrored)).inference["mirrored"]
    with pytest.raises(InputError, match="mirrored"):
        ModelCard.from_dict(card_document(inference={**WHOLE, "mirrored": "yes"}))


def test_half_precision_is_for_those_who_are_content_with_it():
    assert [takes_half_precision(preset, "cpu") for preset in PRESETS] == [False, False, True]
    assert [takes_half_precision(preset, "cuda") for preset in PRESETS] == [False, True, True]
    assert not any(takes_half_precision(preset, "mps") for preset in PRESETS)


def test_figures_are_those_of_the_card():
    assert figures_of("draft", paper()) is None
    assert figures_of("draft", paper(presets={"standard": FIGURES})) is None
    assert figures_of("standard", paper(presets={"standard": FIGURES})) == PresetFigures(**FIGURES)


def test_a_text_says_what_was_measured_or_that_nothing_was():
    assert "not measured" in preset_text("standard", paper())
    text = preset_text("standard", paper(presets={"standard": FIGURES}))
    for part in ("0.03 dB below", "12.3 s for 224 x 224 x 32", "17 times faster", "4 simulated scans, two cores"):
        assert part in text
    better = FIGURES | {"psnr_change_db": 0.2}
    assert "0.20 dB above" in preset_text("draft", paper(presets={"draft": better}))
    same = FIGURES | {"psnr_change_db": 0.001}
    assert "PSNR as that of paper" in preset_text("standard", paper(presets={"standard": same}))


def test_the_most_exact_preset_is_not_compared_with_itself():
    text = preset_text("paper", paper(presets={"paper": FIGURES}))
    assert "PSNR" not in text and "17 times faster than the paper preset in plain PyTorch" in text
    whole = WHOLE | {"presets": {"standard": FIGURES, "draft": FIGURES}}
    assert preset_text("standard", whole) == (
        "The whole scan in one pass. 12.3 s for 224 x 224 x 32 voxels (4 simulated scans, two cores)."
    )
    assert "PSNR 0.03 dB below that of standard" in preset_text("draft", whole)
    assert "17 times faster than standard" in preset_text("draft", whole)


@pytest.mark.parametrize("preset", PRESETS)
def test_each_preset_says_something_of_its_own(preset):
    others = {preset_text(other, paper()) for other in PRESETS if other != preset}
    assert len(others) == 2 and preset_text(preset, paper()) not in others


def test_a_card_may_hold_figures_of_presets():
    card = ModelCard.from_dict(card_document(inference=paper(presets={"standard": FIGURES, "draft": FIGURES})))
    assert card.to_dict()["inference"]["presets"]["draft"] == FIGURES


@pytest.mark.parametrize(
    "presets",
    [
        {"fast": FIGURES},
        {"draft": FIGURES | {"seconds": 0}},
        {"draft": FIGURES | {"more": 1}},
        {"draft": {"seconds": 1.0}},
        {"draft": FIGURES | {"note": " "}},
        [],
    ],
)
def test_a_card_with_other_presets_or_figures_is_refused(presets):
    with pytest.raises(InputError, match="presets"):
        ModelCard.from_dict(card_document(inference=paper(presets=presets)))


@pytest.mark.parametrize("option", ["--preset", "--mode"])
@pytest.mark.parametrize("word", MODES)
def test_the_command_line_takes_any_word_under_either_name(option, word):
    options = command_parser().parse_args(["synthesize", "a.nii", "b.nii", "--model", "tiny", option, word])
    assert options.mode == word
