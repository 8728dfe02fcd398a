import csv
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from epoch_examples import prepare
from joint_training import train
from torch import nn

from mrsynth.errors import InputError
from mrsynth_training.checkpoints import CHECKPOINT, read_state
from mrsynth_training.epoch_checkpoint import EpochCheckpoint
from mrsynth_training.process_group import ProcessGroup, device_of_process, joined_processes
from mrsynth_training.shared_batch_normalization import SharedBatchNorm3d, share_statistics

GPUS = (torch.device("cuda", 0), torch.device("cuda", 1), torch.device("cpu"))
SCRIPT = Path(__file__).with_name("joint_training.py")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def train_in_processes(cache, run, size):
    """Start the processes as torchrun would, and wait for them."""
    shared = {"WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "OMP_NUM_THREADS": 1}
    paths = os.pathsep.join([str(SCRIPT.parent), *sys.path])
    command = [sys.executable, str(SCRIPT), str(cache), str(run)]
    started = []
    for rank in range(size):
        own = shared | {"RANK": rank, "LOCAL_RANK": rank, "PYTHONPATH": paths}
        environment = os.environ | {name: str(value) for name, value in own.items()}
        started.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    errors = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0] * size, errors


def test_two_processes_give_the_same_result_as_one(tmp_path, monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    cache = prepare(tmp_path / "cache")
    train(cache, tmp_path / "by 1")
    train_in_processes(cache, tmp_path / "by 2", 2)
    one, two = (read_state(tmp_path / f"by {size}" / CHECKPOINT, EpochCheckpoint) for size in (1, 2))
    assert one.history["epoch"] == two.history["epoch"] == 1
    for name in ("generator", "discriminator"):
        ours, theirs = one.networks["networks"][name], two.networks["networks"][name]
        assert ours.keys() == theirs.keys()
        for key in ours:
            torch.testing.assert_close(ours[key], theirs[key], rtol=1e-7, atol=1e-9, msg=f"{name}.{key}")
    for key, value in one.average.items():
        torch.testing.assert_close(value, two.average[key], rtol=1e-7, atol=1e-9)
    tables = [rows(tmp_path / f"by {size}" / "validation.csv") for size in (1, 2)]
    assert [row.pop("subject") for row in tables[0]] == [row.pop("subject") for row in tables[1]] == ["P3", "P4"]
    for ours, theirs in zip(*tables, strict=True):
        assert {k: float(v) for k, v in ours.items()} == pytest.approx(
            {k: float(v) for k, v in theirs.items()}, rel=1e-6
        )
    for name, value in one.history["epochs"][-1].items():
        assert two.history["epochs"][-1][name] == pytest.approx(value, rel=1e-6)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_without_torchrun_a_process_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    network = nn.Linear(1, 1)
    with joined_processes(torch.device("cpu")) as processes:
        assert processes == ProcessGroup() and processes.is_first
        assert processes.share([1, 2, 3]) == processes.gathered([1, 2, 3]) == [1, 2, 3]
        assert processes.any(True, torch.device("cpu")) and not processes.any(False, torch.device("cpu"))
        assert processes.total(torch.ones(2)).tolist() == [1, 1]
        processes.add_gradients(network)
    assert network.weight.grad is None


def test_shares_make_up_the_whole():
    assert [ProcessGroup(rank, 3).share(range(7)) for rank in range(3)] == [
        range(0, 7, 3),
        range(1, 7, 3),
        range(2, 7, 3),
    ]


def test_each_process_of_a_machine_takes_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert device_of_process("auto", GPUS) == device_of_process("cuda", GPUS) == "cuda:1"
    assert device_of_process("cpu", GPUS) == "cpu"
    assert device_of_process("auto", GPUS[2:]) == "auto"
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(InputError, match="one process for each of 2 GPUs, found process 3"):
        device_of_process("auto", GPUS)
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert device_of_process("auto", GPUS) == "auto"


def test_a_number_of_processes_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "many")
    with pytest.raises(InputError, match="WORLD_SIZE as torchrun sets it, found 'many'"), joined_processes(None):
        pass


@pytest.fixture
def a_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(1, 3, 1), nn.Sequential(nn.BatchNorm3d(3, eps=1e-3, momentum=0.01)))


def test_shared_normalisation_keeps_state_and_place(a_network):
    a_network[1][0].running_mean.fill_(4.0)
    expected = {name: value.clone() for name, value in a_network.state_dict().items()}
    shared = share_statistics(a_network)
    assert isinstance(shared[1][0], SharedBatchNorm3d) and (shared[1][0].eps, shared[1][0].momentum) == (1e-3, 0.01)
    assert shared.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in shared.state_dict().items())


@pytest.mark.parametrize("tracking", [True, False])
def test_shared_normalisation_of_one_process_is_the_ordinary_one(monkeypatch, tracking):
    monkeypatch.setattr("torch.distributed.all_reduce", lambda tensor: None)
    ordinary, shared = (kind(3, eps=1e-3, momentum=0.01).double() for kind in (nn.BatchNorm3d, SharedBatchNorm3d))
    ordinary.track_running_stats = shared.track_running_stats = tracking
    ours, theirs = (torch.linspace(-3, 5, 96).double().view(2, 3, 4, 2, 2).requires_grad_() for _ in range(2))
    for network, patches in ((shared, ours), (ordinary, theirs)):
        (network(patches) ** 3).sum().backward()
        network.eval()
    torch.testing.assert_close(ours.grad, theirs.grad)
    torch.testing.assert_close(shared.weight.grad, ordinary.weight.grad)
    for name, value in ordinary.state_dict().items():
        torch.testing.assert_close(shared.state_dict()[name], value)
    torch.testing.assert_close(shared(ours), ordinary(ours))
