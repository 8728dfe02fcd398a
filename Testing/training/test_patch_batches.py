import threading

import numpy as np
import pytest
import torch

from mrsynth.errors import InputError
from mrsynth_training import patch_batches as module
from mrsynth_training.patch_batches import PatchBatches
from mrsynth_training.process_group import ProcessGroup

ALONE = ProcessGroup()


@pytest.fixture
def patches():
    """Eleven patches: sources of one value, their number; targets of its negative."""
    return [(np.full((1, 2, 2, 2), n, np.float32), np.full((1, 2, 2, 2), -n, np.float32)) for n in range(11)]


def numbers(batches):
    return [batch.source[:, 0, 0, 0, 0].int().tolist() for batch in batches]


def test_an_epoch_has_each_patch_once_but_for_an_incomplete_mini_batch(patches):
    batches = PatchBatches(patches, 3, seed=0, processes=ALONE)
    found = [number for batch in numbers(batches.epoch(0)) for number in batch]
    assert len(batches) == 3 and len(set(found)) == len(found) == 9


def test_sources_come_with_their_own_targets(patches):
    for batch in PatchBatches(patches, 3, seed=0, processes=ALONE).epoch(0):
        assert torch.equal(batch.source, -batch.target)
        assert batch.source.shape == (3, 1, 2, 2, 2) and batch.source.dtype == torch.float32


def test_the_order_follows_from_seed_and_epoch_alone(patches):
    one, same, other = (PatchBatches(patches, 3, seed, ALONE) for seed in (0, 0, 1))
    list(one.epoch(5))
    assert numbers(one.epoch(1)) == numbers(same.epoch(1))
    assert numbers(one.epoch(0)) != numbers(one.epoch(1)) != numbers(other.epoch(1))


def test_an_epoch_can_be_entered_at_any_mini_batch(patches):
    batches = PatchBatches(patches, 2, seed=0, processes=ALONE)
    for start in range(6):
        assert numbers(batches.epoch(3, start)) == numbers(batches.epoch(3))[start:]


@pytest.mark.parametrize(("size", "real"), [(4, 2), (7, 4)])
def test_half_of_a_mini_batch_is_shown_with_its_real_targets(patches, size, real):
    batch = next(PatchBatches(patches, size, seed=0, processes=ALONE).epoch(0))
    assert batch.real.tolist() == [True] * real + [False] * (size - real)
    assert (batch.real_size, batch.size) == (real, size)


def test_processes_share_a_mini_batch_and_both_of_its_halves(patches):
    whole = next(PatchBatches(patches, 7, seed=0, processes=ALONE).epoch(0))
    shares = [next(PatchBatches(patches, 7, 0, ProcessGroup(rank, 3)).epoch(0)) for rank in range(3)]
    assert sorted(sum(numbers(shares), [])) == sorted(numbers([whole])[0])
    assert sum(int(share.real.sum()) for share in shares) == whole.real_size
    assert all(share.size == 7 and share.real.any() and not share.real.all() for share in shares)


def test_a_batch_follows_a_weight_in_precision(patches):
    batch = next(PatchBatches(patches, 2, seed=0, processes=ALONE).epoch(0)).like(torch.zeros(1, dtype=torch.float64))
    assert (batch.source.dtype, batch.target.dtype, batch.real.dtype) == (torch.float64, torch.float64, torch.bool)


def test_both_kinds_of_patches_are_found_by_their_numbers(patches):
    batch = next(PatchBatches(patches, 5, seed=0, processes=ALONE).epoch(0))
    assert [half.tolist() for half in batch.halves] == [[0, 1, 2], [3, 4]]


@pytest.fixture
def a_gpu(monkeypatch):
    """Let the CPU be taken for a graphics card, with the memory for so many voxels of source and target."""
    monkeypatch.setattr(module, "KEPT_ON", ("cpu",))

    def with_memory_for(voxels):
        monkeypatch.setattr(module, "affordable_voxels", lambda device, most, size: min(most, voxels))
        return torch.device("cpu")

    return with_memory_for


@pytest.mark.parametrize("at_once", [1, 4, 64])
@pytest.mark.parametrize("processes", [ALONE, ProcessGroup(1, 2)])
def test_kept_patches_are_those_on_the_disk(patches, a_gpu, at_once, processes, monkeypatch):
    monkeypatch.setattr(module, "READ_AT_ONCE", at_once)
    kept, read = (PatchBatches(list(patches), 4, seed=0, processes=processes) for _ in range(2))
    assert kept.keep_on(a_gpu(88))
    kept.patches[:] = [None] * len(patches)  # the disk is not asked again
    for epoch, start in ((0, 0), (1, 0), (2, 1)):
        ours, theirs = list(kept.epoch(epoch, start)), list(read.epoch(epoch, start))
        assert len(ours) == len(theirs) == 2 - start
        for one, other in zip(ours, theirs, strict=True):
            assert torch.equal(one.source, other.source) and torch.equal(one.target, other.target)
            assert torch.equal(one.real, other.real) and one.size == other.size


def test_patches_stay_on_the_disk_where_memory_is_short_or_the_processor_trains(patches, a_gpu, monkeypatch):
    batches = PatchBatches(patches, 4, seed=0, processes=ALONE)
    assert not batches.keep_on(a_gpu(87))
    a_gpu(88)
    monkeypatch.undo()
    assert not batches.keep_on(torch.device("cpu"))
    assert len(list(batches.epoch(0))) == 2


def test_reading_ahead_ends_with_the_epoch_even_if_that_is_left_early(patches):
    for batch in PatchBatches(patches, 2, seed=0, processes=ALONE).epoch(0):
        assert batch.size == 2
        break
    del batch
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("patches")]


def test_a_failure_to_read_is_told():
    class Broken(list):
        def __getitem__(self, index):
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        next(PatchBatches(Broken([0, 1]), 2, seed=0, processes=ALONE).epoch(0))


def test_fewer_patches_than_a_mini_batch_are_refused(patches):
    with pytest.raises(InputError, match="one mini-batch of 12 patches, found 11 patches"):
        PatchBatches(patches, 12, seed=0, processes=ALONE)


def test_a_mini_batch_too_small_for_the_processes_is_refused(patches):
    with pytest.raises(InputError, match="two patches for each process, found 7 patches for 4 processes"):
        PatchBatches(patches, 7, 0, ProcessGroup(0, 4))
