import json
import os
from pathlib import Path

import numpy as np
import pytest
from model_examples import card_document, make_model
from small_heads import write_head

from mrsynth.errors import InputError
from mrsynth.models.card import ModelCard, read_card
from mrsynth_training import cli
from mrsynth_training.evaluate_models_command import model_labels
from mrsynth_training.evaluation_cases import KINDS
from mrsynth_training.held_out_heads import first_heads, heads_beside, scans_of, seen_heads


def training(heads=2):
    return card_document()["training"] | {"configuration": {"simulation": {"training_heads": heads}}}


@pytest.fixture
def models(tmp_path):
    """The folders of two models, one for each direction."""
    make_model(tmp_path / "models", name="to-pd", training=training())
    make_model(tmp_path / "models", name="to-t2", source_contrast="PD", target_contrast="T2", training=training())
    return [tmp_path / "models" / name for name in ("to-pd", "to-t2")]


def run(*arguments):
    return cli.main(["evaluate-models", *(str(argument) for argument in arguments)])


def test_two_models_are_measured_on_the_same_scans_into_cards_tables_and_pictures(
    models, label_maps, real_pairs, tmp_path, capsys
):
    results = tmp_path / "results"
    options = ("--pairs", real_pairs, "--scans", 1, "--output", results, "--write-card", "--threads", 1)
    assert run(*models, label_maps, *options) == 0
    said = capsys.readouterr().out
    assert "## to-pd 1.2.3 (T2 to PD)" in said and "## to-t2 1.2.3 (PD to T2)" in said and "| a real head | 1 |" in said
    cases = ["head_3-ixi-scan-1", "head_3-random-scan-1", "head_3-wide-scan-1", "a-real-head"]
    for folder in models:
        card = read_card(folder)
        assert {figure["data"] for figure in card.figures} == {
            *(f"simulated, {kind}{what}" for kind in KINDS for what in ("", ", noise-free target")),
            "a real head",
        }
        assert set(card.reliability) >= {"false_lesions", "uncertainty"}
        assert json.loads((results / "summary.json").read_text())[card.name]["reliability"] == card.reliability
        pictures = {path.name for path in (results / card.name).glob("*.png")}
        assert {*(f"{case}.png" for case in cases), "reliability.png"} <= pictures
    assert (results / "summary.md").read_text().count("\n## to-") == 1  # the other one begins the file


def test_without_results_or_cards_nothing_is_written(models, label_maps, tmp_path, capsys):
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert run(models[0], label_maps, "--scans", 1) == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert "| simulated, random protocol | 1 |" in capsys.readouterr().out


def test_heads_of_the_cache_are_left_out_and_the_map_is_fitted_to_it(models, label_maps, a_cache, monkeypatch, capsys):
    monkeypatch.setattr("mrsynth_training.held_out_heads.scans_of", lambda *_: pytest.fail("simulated a training scan"))
    assert run(models[0], label_maps, "--cache", a_cache, "--scans", 1) == 0
    assert "| simulated, ixi protocol | 1 |" in capsys.readouterr().out


def test_what_is_wrong_is_told_before_anything_is_simulated(models, label_maps, tmp_path, monkeypatch, capsys):
    for module in ("evaluation_cases", "pair_cache"):
        monkeypatch.setattr(f"mrsynth_training.{module}.simulate", lambda *_, **__: pytest.fail("simulated a scan"))
    make_model(tmp_path / "models", name="silent")
    expected = {
        (models[0], label_maps, "--pairs", tmp_path / "none.csv"): "expected a table of pairs",
        (models[0], label_maps, "--scans", 0): "expected at least one scan a head, found 0",
        (models[0], tmp_path / "no maps"): "expected a folder of label maps, found none",
        (models[0], label_maps, "--training-heads", 3): "expected heads that were not trained on, found none among 3",
        (models[0], label_maps, "--cache", tmp_path / "no cache"): "expected a cache of simulated pairs",
        (tmp_path / "models" / "silent", label_maps): "give --training-heads or --cache",
        ("no-such-model", label_maps): "expected a model of",
    }
    for arguments, message in expected.items():
        assert run(*arguments) == 2
        error = capsys.readouterr().err
        assert message in error and error.startswith("mrsynth-train: ") and error.count("\n") == 1


def test_a_model_is_also_known_by_the_name_it_is_listed_under(models, label_maps, monkeypatch, capsys):
    monkeypatch.setenv("MRSYNTH_MODELS", str(models[0].parent))
    assert run("to-pd", label_maps, "--scans", 1) == 0
    assert "## to-pd 1.2.3" in capsys.readouterr().out


def card(**changes):
    return ModelCard.from_dict(card_document(**changes))


def test_models_of_one_name_are_told_apart_by_version_or_number():
    assert model_labels([card(), card(name="other")]) == ["tiny", "other"]
    assert model_labels([card(), card(version="2.0.0")]) == ["tiny-1.2.3", "tiny-2.0.0"]
    assert model_labels([card(), card()]) == ["tiny-1.2.3-1", "tiny-1.2.3-2"]


def test_the_most_heads_that_any_model_was_trained_on_are_left_out(tmp_path):
    for number in range(4):
        (tmp_path / f"head_{number}.nii.gz").touch()
    assert seen_heads(tmp_path, [card(training=training(2)), card(training=training(1))]) == {"head_0", "head_1"}
    assert [path.name for path in heads_beside(tmp_path, first_heads(tmp_path, 3))] == ["head_3.nii.gz"]
    with pytest.raises(InputError, match="expected tiny's card to say which label maps it was trained on"):
        seen_heads(tmp_path, [card()])


def test_heads_that_a_card_names_are_left_out_wherever_they_stand_in_the_list(tmp_path):
    for number in range(4):
        (tmp_path / f"head_{number}.nii.gz").touch()
    named = training(1) | {"configuration": {"heads": ["head_3", "head_1"]}}
    assert seen_heads(tmp_path, [card(training=named)]) == {"head_1", "head_3"}
    both = seen_heads(tmp_path, [card(training=named), card(training=training(1))])
    assert [path.name for path in heads_beside(tmp_path, both)] == ["head_2.nii.gz"]


def test_label_maps_without_a_head_of_training_are_refused_as_there_is_nothing_to_fit_the_map_to(tmp_path):
    (tmp_path / "head_0.nii.gz").touch()
    with (
        pytest.raises(InputError, match="expected label maps that were trained on, for the baseline map, found none"),
        scans_of(tmp_path, {"another"}, lambda *_: None),
    ):
        pass


def test_scans_for_the_map_are_of_training_heads_at_both_protocols_and_do_not_stay(tmp_path):
    for number in range(3):
        write_head(tmp_path / f"head_{number}.nii.gz")
    reported = []
    with scans_of(tmp_path, {"head_0", "head_1"}, lambda done, total: reported.append((done, total))) as pairs:
        assert {pair.description["subject"] for pair in pairs} == {"head_0", "head_1"}
        trs = {pair.description["protocol"]["tr_ms"] for pair in pairs}
        assert trs & {8178, 5726} and len(trs) > 2
        folder = Path(pairs[0].voxels.filename).parent
        assert reported[-1] == (len(pairs), len(pairs))
    del pairs  # Windows deletes no file that is mapped into memory
    assert not folder.exists() or os.name == "nt"


def test_pictures_of_lesions_show_every_lesion_that_is_measured():
    from mrsynth_training.evaluation_pictures import lesion_figure
    from mrsynth_training.lesion_contrast import MeasuredPlace
    from mrsynth_training.marked_head import PlacedLesion
    from mrsynth_training.model_examination import LesionedImages

    image = np.full((20, 20, 4), 100, np.float32)
    core, ring = np.zeros(image.shape, bool), np.ones(image.shape, bool)
    core[8:12, 8:12, 1:3] = True
    places = [
        MeasuredPlace(PlacedLesion(n, 2.0, 0.5), (slice(0, 20), slice(0, 20), slice(0, 4)), core, ring & ~core)
        for n in (1, 2, 3)
    ]
    figure = lesion_figure(LesionedImages(places, image, image, image))
    assert len(figure.axes) == 3 * 4
    assert any("not acquired" in text.get_text() for text in figure.texts)
