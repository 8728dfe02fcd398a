import csv
import io
import json

import pytest
from findings_examples import CASES, some_findings
from model_examples import card_document

from mrsynth.models.card import ModelCard
from mrsynth_training.error_by_uncertainty import GROUPS
from mrsynth_training.evaluation_card import card_figures, evaluated_card, write_card
from mrsynth_training.evaluation_results import write_evaluation
from mrsynth_training.evaluation_tables import evaluation_tables
from mrsynth_training.evaluation_text import evaluation_text
from mrsynth_training.model_examination import Findings
from mrsynth_training.reliability import reliability


@pytest.fixture
def findings():
    return some_findings()


@pytest.fixture
def a_card(findings):
    return evaluated_card(ModelCard.from_dict(card_document(figures=[])), findings)


def test_lesions_are_summed_up_over_all_sizes_and_by_size(findings):
    section = reliability(findings)["lesions"]
    assert section["scans"] == 1
    assert section["table"] == {
        # Three of four are visible, as 0.1 / 0.05 is below 3. One is kept, and the source shows it and another one.
        "all sizes": {
            **{"visible": 3, "kept": 0.3333, "kept of those the source shows": 0.5, "kept by map": 1.0},
            **{"still visible": 0.3333, "contrast": 0.25},
        },
        "1.5 to 3 mm": {
            **{"visible": 2, "kept": 0.5, "kept of those the source shows": 1.0, "kept by map": 1.0},
            **{"still visible": 0.5, "contrast": 0.525},
        },
        "3 to 6 mm": {
            **{"visible": 1, "kept": 0.0, "kept of those the source shows": 0.0, "kept by map": 1.0},
            **{"still visible": 0.0, "contrast": -1.0},
        },
        "6 to 12 mm": {"visible": 0},
    }


def test_false_lesions_are_a_mean_a_head_beside_the_maps(findings):
    section = reliability(findings)["false_lesions"]
    assert section["scans"] == 2
    assert section["table"]["this model"] == {
        "number a head": {"mean": 1.0, "std": 1.4142},
        "ml a head": {"mean": 0.05, "std": 0.0707},
    }
    assert section["table"]["map"]["number a head"]["mean"] == 0


def test_uncertainty_is_a_mean_of_shares_and_one_factor(findings):
    table = reliability(findings)["uncertainty"]["table"]
    row = table["head"]
    best, worst = sum(range(91, 101)) / 5050, sum(range(1, 11)) / 5050
    assert row["error in the worst tenth"]["mean"] == pytest.approx((best + worst) / 2, abs=1e-4)
    assert row["largest possible"]["mean"] == pytest.approx(best, abs=1e-4)
    assert row["rank correlation"]["mean"] == pytest.approx(0, abs=1e-9)
    assert table["whole volume"]["error in the worst tenth"] == {"mean": pytest.approx(best, abs=1e-4), "std": 0}
    assert table["whole volume"]["error over uncertainty"] == 1


def test_tissues_are_means_of_dice_without_what_could_not_be_measured(findings):
    table = reliability(findings)["tissues"]["table"]
    assert table["synthetic and known"]["CSF"] == {"mean": 0.85, "std": 0.0707}
    assert set(table["synthetic and reference"]) == {"WM", "GM"}
    assert table["map and reference"] == table["synthetic and reference"]


def test_what_was_not_looked_for_is_not_in_the_card():
    assert reliability(Findings()) == {}
    card = evaluated_card(ModelCard.from_dict(card_document()), Findings())
    assert card.reliability is None and card.figures == []


def test_a_card_gets_the_figures_in_place_of_its_own_and_stays_the_models(a_card, findings, tmp_path):
    assert [(each["mask"], each["range"][:3]) for each in a_card.figures] == [
        (mask, span) for mask in ("whole volume", "head") for span in ("max", "0.5")
    ]
    first = a_card.figures[0]
    assert first["data"] == "simulated, ixi protocol" and "2 scans" in first["note"]
    assert first["metrics"]["psnr_range"] == {"mean": 25.5, "std": 0.7071} and "ssim" not in first["metrics"]
    assert first["baselines"]["oracle"]["psnr_range"]["mean"] == 28.5
    assert a_card.sha256 == card_document()["sha256"] and a_card.reliability == reliability(findings)
    write_card(tmp_path, a_card)
    assert json.loads((tmp_path / "card.json").read_text())["reliability"] == a_card.reliability


def test_the_note_says_what_the_reference_was(findings):
    for result in findings.results:
        object.__setattr__(result, "group", "simulated, ixi protocol, noise-free target")
    assert "what the model was asked for" in card_figures(findings.results)[0]["note"]


def test_the_text_tells_a_models_figures_and_what_was_found(a_card, findings):
    text = evaluation_text(a_card, findings.results, whole=False)
    assert text.startswith("## tiny 1.2.3 (T2 to PD)\n")
    assert "| simulated, ixi protocol | 2 | 25.5 (0.7) | 26.5 (0.7) | 27.5 (0.7) | 28.5 (0.7) |" in text
    assert "### Lesions kept, 1 scans" in text and "| all sizes | 3 | 0.333 | 0.5 | 1 | 0.333 | 0.25 |" in text
    assert "| 6 to 12 mm | 0 | - | - | - | - | - |" in text
    assert "| this model | 1 (1.4) | 0.05 (0.071) |" in text
    assert "| simulated, ixi protocol | head | network |" not in text
    whole = evaluation_text(a_card, findings.results)
    assert "| simulated, ixi protocol | head | network | 25.5 (0.7) | 23.0 (0.0) | 0.100 (0.000) | - |" in whole


def test_of_one_scan_no_deviation_is_told(findings):
    card = ModelCard.from_dict(card_document())
    assert "| simulated, ixi protocol | 1 | 25.0 | 26.0 |" in evaluation_text(card, findings.results[:1], whole=False)


def read(table):
    return list(csv.DictReader(io.StringIO(table.decode())))


def test_tables_have_every_value_of_every_model(findings):
    tables = {name: read(data) for name, data in evaluation_tables({"one": findings, "two": findings}).items()}
    assert set(tables) == {"figures.csv", "lesions.csv", "false_lesions.csv", "uncertainty.csv", "tissues.csv"}
    assert all({row["model"] for row in rows} == {"one", "two"} for rows in tables.values())
    assert len(tables["figures.csv"]) == 2 * 2 * 4 * 2 and tables["figures.csv"][0]["ssim"] == ""
    lesion = tables["lesions.csv"][1]
    assert (lesion["radius_mm"], lesion["visible"], lesion["network_kept"], lesion["map_kept"]) == (
        "2.5",
        "1",
        "0",
        "1",
    )
    assert float(lesion["reference_cnr"]) == pytest.approx(4) and float(lesion["source_contrast"]) == 1
    assert [row["count"] for row in tables["false_lesions.csv"][:2]] == ["0", "2"]
    scan = next(row for row in tables["uncertainty.csv"] if (row["mask"], row["case"]) == ("head", CASES[1]))
    assert len(tables["uncertainty.csv"]) == 2 * 2 * 2
    assert scan["case"] == CASES[1] and scan["error_1"] == scan["uncertainty_1"] == "5.5"
    assert len([name for name in scan if name.startswith("error_")]) == GROUPS
    assert len(tables["tissues.csv"]) == 2 * 2 * 2 * 3 * 3


def test_the_results_are_whole_in_their_folder(a_card, findings, tmp_path):
    write_evaluation(tmp_path / "results", {"one": a_card}, {"one": findings})
    names = {path.relative_to(tmp_path / "results").as_posix() for path in (tmp_path / "results").rglob("*.*")}
    assert names == {
        *("summary.md", "summary.json", "figures.csv", "lesions.csv", "false_lesions.csv"),
        *("uncertainty.csv", "tissues.csv", "one/reliability.png"),
    }
    summary = json.loads((tmp_path / "results" / "summary.json").read_text())["one"]
    assert summary["direction"] == ["T2", "PD"] and summary["reliability"] == a_card.reliability
    assert summary["figures"] == a_card.figures and summary["sha256"] == a_card.sha256
