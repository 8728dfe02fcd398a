"""The second stage's ablation runs the commands it names and tabulates what they found."""

import json
import re
from pathlib import Path

import pytest
from findings_examples import some_findings
from model_examples import card_document

from mrsynth.models.card import ModelCard
from mrsynth_training.cli import command_parser
from mrsynth_training.evaluation_card import evaluated_card
from mrsynth_training.evaluation_results import evaluation_summary

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import second_stage

    return second_stage


def entry(psnr):
    """What a summary says of one model."""
    mean = {"mean": psnr}
    figures = [
        {"data": data, "mask": "whole volume", "metrics": {"psnr_range": mean, "mae": {"mean": 0.1}}}
        for data in ("simulated, ixi protocol", "simulated, ixi protocol, noise-free target", "a real head")
    ]
    figures += [{"data": "simulated, ixi protocol", "mask": "head", "metrics": {"psnr_range": {"mean": 0.0}}}]
    figures += [{"data": "simulated, ixi protocol", "mask": "whole volume", "metrics": {"psnr_percentile": mean}}]
    reliability = {
        "lesions": {"table": {"all sizes": {"kept": 0.5, "contrast": 0.75}}},
        "false_lesions": {"table": {"this model": {"number a head": {"mean": 2.0}}}},
        "uncertainty": {"table": {"head": {"error in the worst tenth": {"mean": 0.25}}}},
    }
    return {"figures": figures, "reliability": reliability}


@pytest.fixture
def commands(script, monkeypatch):
    """Commands that were run; each leaves behind what the real one does."""
    ran = []

    def run(command, check):
        assert check and command[1:3] == ["-m", "mrsynth_training"]
        name, *arguments = command[3:]
        command_parser().parse_args(command[3:])
        ran.append((name, *arguments))
        if name == "export":
            assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*", arguments[4])
            (Path(arguments[2]) / arguments[4]).mkdir(parents=True)
        if name == "evaluate-models":
            models = [Path(each).name for each in arguments[: arguments.index("--output") - 1]]
            results = Path(arguments[arguments.index("--output") + 1])
            results.mkdir(parents=True, exist_ok=True)
            summary = {model: entry(20.0 + place) for place, model in enumerate(models)}
            (results / "summary.json").write_text(json.dumps(summary))

    monkeypatch.setattr(script.subprocess, "run", run)
    return ran


def arguments_of(tmp_path):
    names = ("maps", "starts", "pairs.csv", "folder")
    return [*(str(tmp_path / name) for name in names), "--results", str(tmp_path)]


def test_the_page_has_a_row_for_each_variant_with_both_seeds(script, commands, tmp_path):
    assert script.main(arguments_of(tmp_path)) == 0
    page = (tmp_path / "SECOND_STAGE.md").read_text(encoding="utf-8")
    assert "## T2 to PD" in page and "## PD to T2" in page
    assert "| second stage | IXI | a real head | lesions kept | lesion contrast | false lesions | worst tenth |" in page
    assert "| first stage alone | 20.0 | 20.0 | 0.50 | 0.75 | 2.00 | 0.25 |" in page
    assert "| no wide scans | 23.0 / 24.0 | 23.0 / 24.0 | 0.50 / 0.50 |" in page


def test_variants_go_on_from_the_first_stage_on_scans_of_their_own(script, commands, tmp_path):
    script.main([*arguments_of(tmp_path), "--directions", "pd-to-t2"])
    fits = [each for each in commands if each[0] == "fit"]
    assert len(fits) == len(script.VARIANTS["pd-to-t2"]) * len(script.SEEDS)
    for fit in fits:
        assert fit[fit.index("--start") + 1] == str(tmp_path / "starts" / "pd-to-t2-stage-1")
        usual = "simulation.wide_share=0.0" in fit
        assert Path(fit[2]).name == ("usual" if usual else "wide")
    simulated = {Path(each[3]).name: each for each in commands if each[0] == "simulate"}
    assert "simulation.wide_share=0.0" in simulated["usual"] and "simulation.wide_share=0.0" not in simulated["wide"]
    assert all("simulation.scans=64" in each for each in simulated.values())
    assert {"optimization.seed=0", "optimization.seed=1"} <= {part for fit in fits for part in fit}
    assert "## T2 to PD" not in (tmp_path / "SECOND_STAGE.md").read_text(encoding="utf-8")


def test_figures_are_read_from_what_evaluations_write(script):
    card = evaluated_card(ModelCard.from_dict(card_document()), some_findings())
    found = script.figures_of(evaluation_summary(card))
    assert {"lesions kept", "lesion contrast", "false lesions", "worst tenth"} < set(found)
    assert all(isinstance(value, float) for value in found.values())


def test_what_no_lesion_was_visible_for_is_said_to_be_unmeasured(script):
    seen = entry(20.0)
    del seen["reliability"]["lesions"]["table"]["all sizes"]["kept"]
    figures = script.figures_of(seen)
    names = ["t2-to-pd-stage-1", *(script.name_of(v, s) for v in script.VARIANTS["t2-to-pd"] for s in script.SEEDS)]
    assert "| not measured / not measured |" in script.table("t2-to-pd", dict.fromkeys(names, figures)).markdown()


def test_models_that_a_summary_lacks_are_measured(script, commands, tmp_path):
    arguments = [*arguments_of(tmp_path), "--directions", "t2-to-pd"]
    script.main(arguments)
    summary = tmp_path / "folder" / "results" / "t2-to-pd" / "summary.json"
    document = json.loads(summary.read_text())
    del document["as-shipped-1"]
    summary.write_text(json.dumps(document))
    commands.clear()
    script.main(arguments)
    assert [each[0] for each in commands] == ["evaluate-models"]


def test_what_is_finished_is_not_done_again(script, commands, tmp_path):
    script.main(arguments_of(tmp_path))
    commands.clear()
    script.main(arguments_of(tmp_path))
    assert not commands


def test_a_training_that_was_stopped_is_resumed(script, commands, tmp_path):
    run = tmp_path / "folder" / "runs" / "t2-to-pd" / "as-shipped-0"
    run.mkdir(parents=True)
    (run / "checkpoint.pt").touch()
    script.main([*arguments_of(tmp_path), "--directions", "t2-to-pd"])
    resumed = [each for each in commands if "--resume" in each]
    assert len(resumed) == 1 and "--start" not in resumed[0] and resumed[0][3] == str(run)


def test_what_is_left_out_is_in_the_experiments(script):
    from mrsynth_training.experiments import read_experiment

    for direction, variants in script.VARIANTS.items():
        shipped = read_experiment(Path(direction), script.SHORT)
        for name, changes in variants.items():
            assert (read_experiment(Path(direction), (*script.SHORT, *changes)) != shipped) == (name != script.SHIPPED)
