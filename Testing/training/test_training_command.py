import csv
import signal

import pytest
from small_heads import EXPERIMENT

from mrsynth.models.card import read_card
from mrsynth.models.installed import InstalledModel
from mrsynth.models.weights import load_model
from mrsynth_training import cli
from mrsynth_training.interruption import stop_on_signals
from mrsynth_training.trainer import Trainer


def run(*arguments):
    return cli.main([str(argument) for argument in arguments])


def test_the_four_commands_lead_from_label_maps_to_a_measured_model(
    an_experiment_file, label_maps, real_pairs, tmp_path, capsys
):
    cache, run_folder, models = tmp_path / "cache", tmp_path / "run", tmp_path / "models"
    assert run("simulate", an_experiment_file, label_maps, cache, "--processes", 1) == 0
    assert "3 scans of 2 heads" in capsys.readouterr().out
    assert run("fit", an_experiment_file, cache, run_folder, "--threads", 1) == 0
    assert "6 of 6 steps, finished" in capsys.readouterr().out
    assert run("export", run_folder, "--models", models) == 0
    evaluate = ("evaluate-models", models / "tiny", label_maps, "--cache", cache, "--pairs", real_pairs, "--scans", 1)
    assert run(*evaluate, "--output", tmp_path / "results", "--write-card") == 0
    table = capsys.readouterr().out
    assert "simulated, ixi protocol | 1" in table and "a real head | 1" in table
    card = read_card(models / "tiny")
    assert {figure["data"] for figure in card.figures} >= {"a real head", "simulated, random protocol"}
    with open(tmp_path / "results" / "figures.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == (3 * 2 + 1) * 4 * 2  # simulated scans have two references; four images, two masks
    simulated = {f"head_3, {kind}, scan 1" for kind in ("ixi", "random", "wide")}
    assert {row["case"] for row in rows} == {*simulated, "a real head"}
    load_model(InstalledModel(card, models / "tiny"))


def test_values_of_the_experiment_can_be_changed_for_simulation_and_fit(
    an_experiment_file, label_maps, tmp_path, capsys
):
    change = ("--set", "simulation.scans=2", "--set", "optimization.steps=3")
    assert run("simulate", an_experiment_file, label_maps, tmp_path / "cache", "--processes", 1, *change) == 0
    assert "2 scans of 2 heads" in capsys.readouterr().out
    assert run("fit", an_experiment_file, tmp_path / "cache", tmp_path / "run", *change) == 0
    assert "3 of 3 steps, finished" in capsys.readouterr().out


def test_a_finished_run_is_not_trained_over(an_experiment_file, a_cache, tmp_path, capsys):
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run") == 0
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run") == 2
    assert "holds a run already" in capsys.readouterr().err
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run", "--resume") == 0


def test_a_signal_stops_a_run_that_can_be_resumed(an_experiment_file, a_cache, tmp_path, monkeypatch, capsys):
    step = Trainer._train_step

    def step_and_interrupt(trainer):
        if trainer.step == 2:
            signal.raise_signal(signal.SIGTERM)
        return step(trainer)

    monkeypatch.setattr(Trainer, "_train_step", step_and_interrupt)
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run") == 130
    assert "3 of 6 steps, stopped" in capsys.readouterr().out
    monkeypatch.setattr(Trainer, "_train_step", step)
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run", "--resume") == 0


def test_a_second_signal_is_not_caught():
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stop_on_signals() as stopped:
        signal.raise_signal(signal.SIGINT)
        assert stopped()
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize("command", ["simulate", "fit", "export"])
def test_bad_input_is_one_line_and_exit_code_2(command, an_experiment_file, tmp_path, capsys):
    missing = {
        "simulate": (an_experiment_file, tmp_path / "no maps", tmp_path / "cache"),
        "fit": (an_experiment_file, tmp_path / "no cache", tmp_path / "run"),
        "export": (tmp_path / "run",),
    }
    assert run(command, *missing[command]) == 2
    error = capsys.readouterr().err
    assert error.startswith("mrsynth-train: ") and error.count("\n") == 1


def test_a_failure_that_is_nobodys_input_is_exit_code_1(an_experiment_file, a_cache, tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise RuntimeError("the machine gave up")

    monkeypatch.setattr(Trainer, "fit", fail)
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run") == 1
    assert capsys.readouterr().err.endswith("mrsynth-train: the machine gave up\n")


def test_ctrl_c_before_a_run_is_told_and_exit_code_130(an_experiment_file, tmp_path, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("mrsynth_training.pair_cache.read_cache", interrupt)
    assert run("fit", an_experiment_file, tmp_path, tmp_path / "run") == 130
    assert capsys.readouterr().err == "mrsynth-train: interrupted\n"


def test_half_a_cache_is_not_trained_on(an_experiment_file, a_cache, tmp_path, capsys):
    next(a_cache.glob("*.json")).unlink()
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run") == 2
    assert "expected the experiment's 3 scans, found 2 of them and 0 others" in capsys.readouterr().err


def test_fewer_label_maps_than_the_experiment_says_are_not_simulated(an_experiment_file, label_maps, tmp_path, capsys):
    an_experiment_file.write_text(EXPERIMENT.replace("training_heads = 2", "training_heads = 4"), encoding="utf-8")
    assert run("simulate", an_experiment_file, label_maps, tmp_path / "cache", "--processes", 1) == 2
    assert "expected at least 4 label maps" in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()
