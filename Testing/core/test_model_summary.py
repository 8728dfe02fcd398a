"""A model card as text."""

import pytest
from model_examples import RELIABILITY, card_document

from mrsynth.models.card import ModelCard
from mrsynth.models.summary import TEXT_WIDTH, card_summary


def test_a_summary_says_what_a_model_is_for_and_not_for_and_how_good_it_is() -> None:
    text = card_summary(ModelCard.from_dict(card_document()))
    for part in ("tiny 1.2.3", "T2 -> PD", "Tests.", "Diagnosis.", "Apache-2.0", "simulated, 3 subjects", "1 h 05 min"):
        assert part in text
    assert "simulated heads 17-18; mask: head; range: max - min" in text


def test_figures_stand_in_columns_next_to_their_baselines() -> None:
    lines = card_summary(ModelCard.from_dict(card_document())).splitlines()
    start = next(i for i, line in enumerate(lines) if "PSNR dB" in line)
    assert lines[start : start + 5] == [
        "                                 PSNR dB     MAE",
        "    this model              27.51 (0.42)  0.1234",
        "    linear                          20.7       -",
        "    intensity map (oracle)          26.6     0.2",
        "    Noise-free targets.",
    ]


def test_long_text_is_wrapped_under_its_label() -> None:
    lines = card_summary(ModelCard.from_dict(card_document(limitations="word " * 80))).splitlines()
    assert max(map(len, lines)) <= TEXT_WIDTH
    start = next(i for i, line in enumerate(lines) if line.startswith("Limitations"))
    assert lines[start].index("word") == lines[start + 1].index("word")


def test_a_model_without_figures_says_so() -> None:
    assert card_summary(ModelCard.from_dict(card_document(figures=[]))).endswith("none were measured")


def test_several_figures_are_set_apart_by_a_blank_line() -> None:
    figures = card_document()["figures"] * 2
    assert "\n\n  simulated heads" in card_summary(ModelCard.from_dict(card_document(figures=figures)))


def test_a_model_of_a_plane_says_so() -> None:
    grid = card_document()["grid"] | {"plane": "coronal"}
    text = card_summary(ModelCard.from_dict(card_document(grid=grid)))
    assert "pixels of 0.8 to 1.2 mm, coronal slices 2.5 to 6 mm apart" in text


def test_presets_stand_in_the_summary_with_the_one_that_is_taken_by_itself():
    lines = [" ".join(line.split()) for line in card_summary(ModelCard.from_dict(card_document())).splitlines()]
    assert [line.split()[1] for line in lines if line.startswith("Preset")] == ["paper", "standard", "draft"]
    standard = " ".join(lines[next(i for i, line in enumerate(lines) if line.startswith("Preset standard")) :][:2])
    assert standard.endswith("not measured for this model. The model's own.")


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({}, "the standard deviation between the network's overlapping and mirrored answers"),
        ({"estimates_error": False}, "the standard deviation between the network's overlapping and mirrored answers"),
        ({"estimates_error": True}, "the absolute error that the network itself expects of its result"),
    ],
)
def test_a_summary_says_in_one_line_what_the_uncertainty_is(configuration, expected):
    card = ModelCard.from_dict(card_document(network={"name": "residual-unet", "configuration": configuration}))
    lines = [" ".join(line.split()) for line in card_summary(card).splitlines() if "Uncertainty" in line]
    assert lines == [f"Uncertainty {expected}"]


def test_what_was_found_of_lesions_and_uncertainty_stands_below_the_figures_with_its_definition() -> None:
    lines = card_summary(ModelCard.from_dict(card_document(reliability=RELIABILITY))).splitlines()
    start = lines.index("Reliability")
    assert lines[start - 1] == "" and start > lines.index("Figures")
    assert lines[start + 1 :] == [
        "  Lesions kept; 4 scans",
        "               visible  kept",
        "    all sizes       20  0.95",
        "    3 to 6 mm        8     -",
        "    Kept is kept.",
        "",
        "  Uncertainty beside the error; 1 scan",
        "                error in the worst tenth",
        "    this model             0.312 (0.011)",
        "    Worst is worst.",
    ]


def test_a_card_that_nobody_looked_into_says_nothing_of_reliability() -> None:
    assert "Reliability" not in card_summary(ModelCard.from_dict(card_document()))
