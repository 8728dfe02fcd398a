import shutil

import pytest
import torch
from epoch_examples import shrink_networks
from study_examples import prepare_heads, train_run

from mrsynth.errors import InputError, MissingFile
from mrsynth_training.checkpoints import write_state
from mrsynth_training.epoch_checkpoint import BestEpoch, read_best_epoch
from mrsynth_training.trained_run import read_trained_run, read_trained_runs


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    shrink_networks(monkeypatch)


@pytest.fixture
def a_run(tmp_path):
    return train_run(prepare_heads(tmp_path / "cache"), tmp_path / "run")


def test_a_run_gives_its_best_network_in_evaluation_mode(a_run):
    run = read_trained_run(a_run)
    network = run.network()
    assert not network.training and run.direction == ("T2", "PD") and run.name == "run"
    expected = read_best_epoch(a_run).generator
    assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())


def test_a_folder_that_is_no_run_and_one_that_is_not_there_are_told(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFile, match="empty: expected a run with at least one finished epoch"):
        read_trained_run(tmp_path / "empty")
    with pytest.raises(MissingFile, match="nowhere: expected the folder of a run"):
        read_trained_run(tmp_path / "nowhere")


def test_weights_of_another_network_are_told(a_run):
    best = read_best_epoch(a_run)
    write_state(a_run / "best.pt", BestEpoch(**vars(best) | {"generator": {"weight": torch.zeros(1)}}))
    with pytest.raises(InputError, match="expected weights of the run's network"):
        read_trained_run(a_run).network()


def test_runs_are_told_apart_by_the_names_of_their_folders(a_run, tmp_path):
    other = shutil.copytree(a_run, tmp_path / "elsewhere" / "run")
    with pytest.raises(InputError, match="different names, found run more than once"):
        read_trained_runs([a_run, other])


def test_weights_are_told_apart_by_their_values_not_by_their_file(a_run):
    before = read_trained_run(a_run).weights_sha256
    best = read_best_epoch(a_run)
    write_state(a_run / "best.pt", BestEpoch(**vars(best) | {"row": best.row | {"mae": 0.5}}))
    assert read_trained_run(a_run).weights_sha256 == before
    best.generator["layers.0.convolution.weight"][0] += 1
    write_state(a_run / "best.pt", best)
    assert read_trained_run(a_run).weights_sha256 != before
