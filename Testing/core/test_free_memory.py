"""What fits into free memory."""

from types import SimpleNamespace

import psutil
import pytest
import torch

from mrsynth.free_memory import affordable_voxels, free_bytes

CPU, GPU = torch.device("cpu"), torch.device("cuda", 1)


@pytest.fixture
def a_gigabyte_free(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10**9))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10**9, 10**10) if device == GPU else (0, 0))


@pytest.mark.parametrize("device", [CPU, GPU])
def test_half_of_what_is_free_may_be_used(a_gigabyte_free, device):
    assert free_bytes(device) == 10**9
    assert affordable_voxels(device, 10**7, 100) == 5 * 10**6
    assert affordable_voxels(device, 10**6, 100) == 10**6


def test_a_device_that_does_not_tell_gets_what_is_enough():
    assert free_bytes(torch.device("mps")) is None
    assert affordable_voxels(torch.device("mps"), 10**7, 100) == 10**7


def test_this_machine_has_memory():
    assert free_bytes(CPU) > 10**7
