"""A device's name becomes a device that works, or a clear refusal."""

import pytest
import torch

from mrsynth import devices
from mrsynth.devices import available_devices, device_problem, resolve_device
from mrsynth.errors import InputError

CPU = torch.device("cpu")


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_the_cpu_is_always_there(no_gpu):
    assert available_devices() == (CPU,)
    assert resolve_device("cpu") == resolve_device("auto") == CPU


def test_gpus_come_before_the_cpu(two_gpus):
    assert list(map(str, available_devices())) == ["cuda:0", "cuda:1", "cpu"]


def test_apple_s_gpu_comes_before_the_cpu(no_gpu, monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert list(map(str, available_devices())) == ["mps", "cpu"]
    assert resolve_device("mps") == torch.device("mps")


def test_auto_takes_the_first_device_that_works(two_gpus, monkeypatch):
    monkeypatch.setattr(devices, "device_problem", lambda device: "no kernel image" if device.index == 0 else None)
    assert str(resolve_device("auto")) == "cuda:1"


def test_auto_takes_the_cpu_if_no_gpu_works(two_gpus, monkeypatch):
    monkeypatch.setattr(devices, "device_problem", lambda device: "no kernel image")
    assert resolve_device("auto") == CPU


def test_a_gpu_can_be_named_with_and_without_its_number(two_gpus):
    assert str(resolve_device("cuda:1")) == "cuda:1"
    assert str(resolve_device("cuda")) == "cuda:0"


@pytest.mark.parametrize("name", ["cuda:2", "mps"])
def test_a_device_that_this_machine_lacks_is_refused_and_those_it_has_are_named(two_gpus, name):
    with pytest.raises(InputError, match=f"cuda:0, cuda:1, cpu.*found '{name}'") as caught:
        resolve_device(name)
    assert caught.value.code == "no_device"


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "cpu:0"])
def test_a_word_that_is_no_device_is_refused(name):
    with pytest.raises(InputError, match="expected a device of auto, cpu, cuda:N or mps") as caught:
        resolve_device(name)
    assert caught.value.code == "no_device"


def test_the_test_convolution_passes_on_the_cpu():
    assert device_problem(CPU) is None


@pytest.mark.parametrize("error", [RuntimeError("no kernel image\nmore"), NotImplementedError("no kernel image")])
def test_a_device_that_fails_the_test_convolution_says_why_in_one_line(monkeypatch, error):
    monkeypatch.setattr(devices.F, "conv3d", raising(error))
    assert device_problem(CPU) == "no kernel image"


def test_an_error_without_words_is_named_by_its_type(monkeypatch):
    monkeypatch.setattr(devices.F, "conv3d", raising(MemoryError()))
    assert device_problem(CPU) == "MemoryError"


def test_a_device_that_computes_wrongly_is_found_out(monkeypatch):
    monkeypatch.setattr(devices.F, "conv3d", lambda *arguments, **keywords: torch.zeros(1, 1, 5, 5, 5))
    assert device_problem(CPU) == "a test convolution gave wrong numbers"


def raising(error: Exception):
    def fail(*arguments, **keywords):
        raise error

    return fail
