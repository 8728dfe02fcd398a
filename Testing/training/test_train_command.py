import signal

import pytest
import torch
from epoch_examples import DOCUMENT, prepare, shrink_networks

from mrsynth_training import cli
from mrsynth_training.adversaries import Adversaries
from mrsynth_training.checkpoints import CHECKPOINT, read_state
from mrsynth_training.epoch_checkpoint import EpochCheckpoint, read_best_epoch


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    shrink_networks(monkeypatch)


@pytest.fixture
def a_cache(tmp_path):
    return prepare(tmp_path / "cache")


@pytest.fixture
def a_file(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(DOCUMENT, encoding="utf-8")
    return path


def run(*arguments):
    return cli.main(["train", *(str(argument) for argument in arguments), "--device", "cpu"])


def epochs_done(folder):
    return read_state(folder / CHECKPOINT, EpochCheckpoint).history["epoch"]


def test_a_run_says_its_best_epoch_with_range_and_mask(a_file, a_cache, tmp_path, capsys):
    assert run(a_file, a_cache, tmp_path / "run", "--threads", 1) == 0
    said = capsys.readouterr()
    best = read_best_epoch(tmp_path / "run").row
    assert "2 of 2 epochs, finished" in said.out
    assert f"best epoch {best['epoch']}: mean PSNR {best['psnr_range']:.2f} dB (range: maximum - minimum)" in said.out
    assert "whole volume, validation subjects: 2" in said.out
    assert "training" in said.err


def test_values_of_the_experiment_can_be_changed(a_file, a_cache, tmp_path, capsys):
    changes = ("--set", "schedule.epochs=1", "--set", "losses.reconstruction=L1")
    assert run(a_file, a_cache, tmp_path / "run", *changes) == 0
    assert "1 of 1 epochs, finished" in capsys.readouterr().out
    assert read_best_epoch(tmp_path / "run").experiment["losses"]["reconstruction"] == "L1"
    assert run(a_file, a_cache, tmp_path / "run", "--resume") == 2
    assert "schedule.epochs: expected 2, found 1" in capsys.readouterr().err


def test_an_experiment_that_continues_another_finds_its_run_beside_its_own(a_file, a_cache, tmp_path, capsys):
    a_file.write_text(DOCUMENT.replace('target_contrast = "PD"', 'target_contrast = "PD"\ncontinues = "tiny"'))
    a_file.write_text(a_file.read_text().replace('name = "tiny"', 'name = "next"', 1))
    assert run(a_file, a_cache, tmp_path / "runs" / "next") == 2
    assert f"{tmp_path / 'runs' / 'tiny'}: expected a run" in capsys.readouterr().err
    first = tmp_path / "first.toml"
    first.write_text(DOCUMENT, encoding="utf-8")
    assert run(first, a_cache, tmp_path / "runs" / "tiny") == 0
    assert run(a_file, a_cache, tmp_path / "runs" / "next") == 0
    assert run(a_file, a_cache, tmp_path / "elsewhere", "--start", tmp_path / "runs" / "tiny") == 0


def test_a_signal_stops_a_run_over_epochs_that_can_be_resumed(a_file, a_cache, tmp_path, monkeypatch, capsys):
    update, batches = Adversaries.update, []

    def update_and_interrupt(adversaries, batch):
        batches.append(batch)
        if len(batches) == 4:
            signal.raise_signal(signal.SIGTERM)
        return update(adversaries, batch)

    monkeypatch.setattr(Adversaries, "update", update_and_interrupt)
    assert run(a_file, a_cache, tmp_path / "run") == 130
    assert "1 of 2 epochs, stopped; go on with --resume" in capsys.readouterr().out
    assert run(a_file, a_cache, tmp_path / "run") == 2
    assert "holds a run already" in capsys.readouterr().err
    assert run(a_file, a_cache, tmp_path / "run", "--resume") == 0
    assert epochs_done(tmp_path / "run") == 2 and len(batches) == 6


def test_a_run_stopped_in_its_first_epoch_has_no_best_one(a_file, a_cache, tmp_path, monkeypatch, capsys):
    update = Adversaries.update

    def interrupt(adversaries, batch):
        signal.raise_signal(signal.SIGINT)
        return update(adversaries, batch)

    monkeypatch.setattr(Adversaries, "update", interrupt)
    assert run(a_file, a_cache, tmp_path / "run") == 130
    assert "0 of 2 epochs" in (said := capsys.readouterr().out) and "best" not in said


@pytest.mark.parametrize("mixed", [True, False])
def test_single_precision_is_rounded_on_gpus_with_mixed_precision_alone(mixed, a_file, a_cache, tmp_path):
    with torch.backends.cudnn.flags(enabled=True):
        assert run(a_file, a_cache, tmp_path / "run", "--set", f"schedule.mixed_precision={str(mixed).lower()}") == 0
        assert torch.backends.cudnn.allow_tf32 == mixed and torch.backends.cudnn.deterministic


def test_another_split_can_be_named(a_file, a_cache, tmp_path, capsys):
    (a_cache / "split.json").rename(tmp_path / "other.json")
    assert run(a_file, a_cache, tmp_path / "run") == 2
    assert "split.json: expected a split" in capsys.readouterr().err
    assert run(a_file, a_cache, tmp_path / "run", "--split", tmp_path / "other.json") == 0


def test_a_full_disk_is_one_line_and_exit_code_2_and_the_run_goes_on_once_there_is_room(
    a_file, a_cache, tmp_path, capsys
):
    resource = pytest.importorskip("resource")  # not on Windows
    assert run(a_file, a_cache, tmp_path / "run", "--set", "schedule.epochs=1") == 0
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limit[1]))
    try:
        capsys.readouterr()
        assert run(a_file, a_cache, tmp_path / "full") == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    *_, error = capsys.readouterr().err.splitlines()
    assert error.startswith("mrsynth-train: ") and "expected room for the output, found a full disk" in error
    assert sorted(path.name for path in (tmp_path / "full").iterdir()) == ["run.json"]
    assert run(a_file, a_cache, tmp_path / "full") == 0


def test_a_lost_cache_file_is_one_line_and_exit_code_2_also_on_resume(a_file, a_cache, tmp_path, capsys):
    assert run(a_file, a_cache, tmp_path / "run") == 0
    (a_cache / "subject_P1.npy").unlink()
    capsys.readouterr()
    for options in ((tmp_path / "other",), (tmp_path / "run", "--resume")):
        assert run(a_file, a_cache, *options) == 2
        error = capsys.readouterr().err
        assert "subject_P1.npy: expected the array that its description promises, found none; prepare it" in error
        assert error.count("\n") == 1


@pytest.mark.parametrize("wrong", ["experiment", "cache", "resume"])
def test_wrong_input_to_train_is_one_line_and_exit_code_2(wrong, a_file, a_cache, tmp_path, capsys):
    arguments = {
        "experiment": ("t2-to-pd", a_cache, tmp_path / "run"),
        "cache": (a_file, tmp_path / "nowhere", tmp_path / "run"),
        "resume": (a_file, a_cache, tmp_path / "nowhere", "--resume"),
    }
    assert run(*arguments[wrong]) == 2
    error = capsys.readouterr().err
    assert error.startswith("mrsynth-train: ") and error.count("\n") == 1
    assert not (tmp_path / "run").exists() and not (tmp_path / "nowhere").exists()


def test_a_wrong_folder_is_one_line_and_exit_code_2(a_file, a_cache, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert run(a_file, a_cache, tmp_path / "file") == 2
    assert "expected a folder to write to, found a file" in capsys.readouterr().err
    assert run(a_file, tmp_path, tmp_path / "run") == 2  # a folder, but no cache
    assert "expected a split, found none; `mrsynth-train prepare` makes one" in capsys.readouterr().err
    assert run(a_file, a_cache, tmp_path / "run", "--checkpoint-minutes", "-1") == 2
    assert "from checkpoint to checkpoint" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_that_diverges_is_one_line_and_exit_code_1(a_file, a_cache, tmp_path, capsys):
    a_file.write_text(DOCUMENT + "learning_rate = 1e30\n", encoding="utf-8")
    assert run(a_file, a_cache, tmp_path / "run") == 1
    assert "epoch 1, mini-batch 1: expected finite losses and gradients" in capsys.readouterr().err
