"""``mrsynth-train fit --start``: a run that begins with the weights of the model that its experiment continues."""

import dataclasses

import pytest
from small_heads import EXPERIMENT

from mrsynth.models.card import CARD_NAME, read_card
from mrsynth.models.store import ModelStore
from mrsynth_training import cli, named_model
from mrsynth_training.checkpoints import CHECKPOINT, read_checkpoint
from mrsynth_training.trainer import Trainer


def run(*arguments):
    return cli.main([str(argument) for argument in arguments])


@pytest.fixture
def a_continued_file(tmp_path):
    path = tmp_path / "second.toml"
    path.write_text('continues = "tiny"\n' + EXPERIMENT.replace('name = "tiny"', 'name = "second"'), encoding="utf-8")
    return path


@pytest.fixture
def models(an_experiment_file, a_cache, tmp_path):
    """A folder of models with one of the tiny experiment."""
    assert run("fit", an_experiment_file, a_cache, tmp_path / "first", "--set", "optimization.steps=2") == 0
    assert run("export", tmp_path / "first", "--models", tmp_path / "models") == 0
    return tmp_path / "models"


@pytest.fixture
def starts(monkeypatch):
    """The weights that runs were begun with."""
    begun, start_from = [], Trainer.start_from
    monkeypatch.setattr(Trainer, "start_from", lambda self, weights: (begun.append(weights), start_from(self, weights)))
    return begun


def refusal(capsys):
    error = capsys.readouterr().err
    assert error.startswith("mrsynth-train: ") and error.count("\n") == 1
    return error


def test_a_run_begins_with_the_model_by_its_folder_or_its_name(
    a_continued_file, models, a_cache, tmp_path, monkeypatch, starts
):
    expected = read_checkpoint(tmp_path / "first").average
    monkeypatch.setattr(named_model, "default_store", lambda: ModelStore([models]))
    for number, model in enumerate((models / "tiny", "tiny")):
        assert run("fit", a_continued_file, a_cache, tmp_path / f"run {number}", "--start", model) == 0
        assert all((starts[number][name] == weights).all() for name, weights in expected.items())


def test_a_run_that_is_resumed_does_not_begin_again(a_continued_file, models, a_cache, tmp_path, starts):
    command = ("fit", a_continued_file, a_cache, tmp_path / "run", "--start", models / "tiny")
    assert run(*command) == 0 and len(starts) == 1
    assert run(*command, "--resume") == 0 and run(*command[:4], "--resume") == 0 and len(starts) == 1


def test_a_model_to_start_from_is_there_just_where_the_experiment_continues_one(
    an_experiment_file, a_continued_file, models, a_cache, tmp_path, capsys
):
    capsys.readouterr()
    assert run("fit", a_continued_file, a_cache, tmp_path / "run") == 2
    assert "expected the model tiny (--start) to start second from, found none" in refusal(capsys)
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run", "--start", models / "tiny") == 2
    assert f"expected no model to start tiny from, found {models / 'tiny'}" in refusal(capsys)
    assert not (tmp_path / "run").exists()


def test_a_model_that_does_not_suit_is_refused_before_the_run_has_a_folder(
    a_continued_file, models, a_cache, tmp_path, capsys
):
    capsys.readouterr()
    command = ("fit", a_continued_file, a_cache, tmp_path / "run", "--start")
    assert run(*command, "no-such-model") == 2
    assert "no-such-model" in refusal(capsys)
    (tmp_path / "empty").mkdir()
    assert run(*command, tmp_path / "empty") == 2
    assert "expected a model card, found no such file" in refusal(capsys)
    card = read_card(models / "tiny")
    for change, found in (({"name": "other"}, "name tiny, found other"), (TURNED, "source_contrast T2, found PD")):
        other = dataclasses.replace(card, **change)
        (models / "tiny" / CARD_NAME).write_text(other.to_json(), encoding="utf-8")
        assert run(*command, models / "tiny") == 2
        assert f"expected a model with the {found}" in refusal(capsys)
    assert not (tmp_path / "run").exists()


TURNED = {"source_contrast": "PD", "target_contrast": "T2"}


def test_a_model_of_another_network_is_no_beginning(a_continued_file, models, a_cache, tmp_path, capsys):
    capsys.readouterr()
    command = ("fit", a_continued_file, a_cache, tmp_path / "run", "--start", models / "tiny")
    assert run(*command, "--set", "network.configuration.widths=[4, 8]") == 2
    assert "the weights to start second from: tensor" in refusal(capsys)
    assert not (tmp_path / "run" / CHECKPOINT).exists()


def test_a_gpu_that_is_not_there_is_told_before_anything_is_done(
    an_experiment_file, a_cache, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run", "--device", "cuda") == 2
    assert "expected one of this machine's devices" in refusal(capsys)
    assert not (tmp_path / "run").exists()
