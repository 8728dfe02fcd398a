import pytest
import torch

from mrsynth.errors import InputError, MissingFile
from mrsynth_training.checkpoints import CHECKPOINT, Checkpoint, read_checkpoint, read_state, write_state
from mrsynth_training.epoch_checkpoint import (
    BEST,
    BestEpoch,
    differences,
    random_state,
    read_best_epoch,
    restore_random_state,
)


@pytest.fixture
def a_best_epoch():
    return BestEpoch({"name": "tiny"}, {"train": ["P0"]}, {"epoch": 3}, {"weight": torch.ones(2)}, None)


def test_a_best_epoch_survives_the_disk(a_best_epoch, tmp_path):
    write_state(tmp_path / BEST, a_best_epoch)
    found = read_best_epoch(tmp_path)
    assert (found.experiment, found.row, found.discriminator) == ({"name": "tiny"}, {"epoch": 3}, None)
    assert torch.equal(found.generator["weight"], torch.ones(2))


def test_a_folder_of_no_run_has_no_best_epoch(tmp_path):
    with pytest.raises(MissingFile, match="at least one finished epoch"):
        read_best_epoch(tmp_path)


def test_a_checkpoint_of_one_kind_of_run_is_not_taken_for_the_other(a_best_epoch, tmp_path):
    write_state(tmp_path / CHECKPOINT, a_best_epoch)
    with pytest.raises(InputError, match="expected a checkpoint with .*'step'.*another kind of run with .*'row'"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", b"PK\x03\x04 half of one"])
def test_what_is_no_checkpoint_is_called_damaged(content, tmp_path):
    (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(InputError, match="damaged") as refusal:
        read_state(tmp_path / CHECKPOINT, Checkpoint)
    assert refusal.value.code == "corrupt_file"


def test_differences_are_named_by_their_place():
    expected = {"a": 1, "b": {"c": (1, 2), "d": 5}}
    assert differences(expected, {"a": 1, "b": {"c": (1, 2), "d": 5}}) == []
    found = {"a": 2, "b": {"c": (1, 3), "d": 5}, "e": 0}
    assert differences(expected, found) == [
        "a: expected 1, found 2",
        "b.c: expected (1, 2), found (1, 3)",
        "e: expected None, found 0",
    ]
    assert len(differences({"a": "x" * 200}, {"a": 1})[0]) < 110


def test_a_random_state_of_other_gpus_is_left_alone():
    torch.manual_seed(3)
    state = random_state() | {"cuda": [torch.get_rng_state()] * 99}
    expected = torch.rand(2)
    restore_random_state(state)
    assert torch.equal(torch.rand(2), expected)
