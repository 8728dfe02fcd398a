"""The self-check says what is installed, what works, and why no GPU is used."""

import importlib.metadata
import json

import pytest
import torch

from mrsynth import self_check as module
from mrsynth.self_check import DeviceCheck, GpuFacts, SelfCheck, gpu_reason, self_check

A_CPU = DeviceCheck("cpu", "x86_64", 0.001, None)
A_WORKING_GPU = DeviceCheck("cuda:0", "Tesla T4, 15.0 GiB", 0.2, None)
A_BROKEN_GPU = DeviceCheck("cuda:0", "Tesla K80, 11.0 GiB", 0.2, "no kernel image is available")


def facts(built_for: str = "", nvidia_driver: bool = False, hidden: bool = False, apple: bool = False) -> GpuFacts:
    return GpuFacts(built_for, nvidia_driver, hidden, apple)


@pytest.fixture
def a_check() -> SelfCheck:
    return SelfCheck({"mrsynth": "0.1.0", "torch": "2.13.0"}, "Linux, 2 cores", 2, (A_BROKEN_GPU, A_CPU), "a reason")


def test_this_installation_passes():
    check = self_check()
    assert check.passed
    assert check.versions["torch"] == importlib.metadata.version("torch")
    assert check.devices[-1].device == "cpu"
    assert check.threads >= 1


def test_the_findings_can_be_written_as_json(a_check):
    document = json.loads(json.dumps(a_check.to_dict()))
    assert document["passed"] is True
    assert document["devices"][0]["problem"] == "no kernel image is available"


def test_the_findings_can_be_read_line_by_line(a_check):
    text = "\n".join(a_check.lines())
    for words in ("torch         2.13.0", "Tesla K80, 11.0 GiB: failed: no kernel image", "x86_64: works", "a reason"):
        assert words in text


def test_nothing_is_said_of_gpus_where_one_works(a_check):
    check = SelfCheck(a_check.versions, a_check.system, 2, (A_WORKING_GPU, A_CPU), "")
    assert not any("not used" in line for line in check.lines())


def test_a_missing_package_is_named_and_fails_the_check(monkeypatch):
    monkeypatch.setattr(module, "PACKAGES", ("torch", "a-package-that-does-not-exist"))
    check = self_check()
    assert check.versions["a-package-that-does-not-exist"] == "not installed"
    assert not check.passed


def test_a_cpu_that_fails_fails_the_check(a_check):
    broken = DeviceCheck("cpu", "x86_64", 0.1, "a test convolution gave wrong numbers")
    assert not SelfCheck(a_check.versions, a_check.system, 2, (broken,), "").passed


@pytest.mark.parametrize(
    "found, words",
    [
        (facts(), "built for CPUs only, and there is no NVIDIA driver"),
        (facts(nvidia_driver=True), "install a CUDA build"),
        (facts(built_for="CUDA 12.8"), "built for CUDA 12.8 and found no driver"),
        (facts(built_for="CUDA 12.8", nvidia_driver=True), "or a driver too old"),
        (facts(built_for="CUDA 12.8", nvidia_driver=True, hidden=True), "CUDA_VISIBLE_DEVICES hides"),
        (facts(apple=True), "Apple's GPU"),
    ],
)
def test_the_reason_why_no_gpu_is_used_is_said_in_plain_words(found, words):
    assert words in gpu_reason((A_CPU,), found)


def test_a_gpu_that_fails_is_the_reason():
    reason = gpu_reason((A_BROKEN_GPU, A_CPU), facts(built_for="CUDA 12.8"))
    assert reason == "cuda:0 (Tesla K80, 11.0 GiB) failed the test convolution: no kernel image is available"


def test_there_is_no_reason_where_a_gpu_works():
    assert gpu_reason((A_BROKEN_GPU, A_WORKING_GPU, A_CPU), facts(built_for="CUDA 12.8")) == ""


@pytest.mark.parametrize(
    "cuda, rocm, built_for", [("12.8", None, "CUDA 12.8"), (None, "6.4", "ROCm 6.4"), (None, None, "")]
)
def test_what_pytorch_was_built_for_is_read_from_it(monkeypatch, cuda, rocm, built_for):
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.version, "hip", rocm)
    assert module._gpu_facts().built_for == built_for


@pytest.mark.parametrize("value, hidden", [("", True), ("-1", True), ("0", False)])
def test_gpus_can_be_hidden_by_the_environment(monkeypatch, value, hidden):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert module._gpu_facts().hidden is hidden


def test_a_gpu_is_described_by_its_name_and_memory(monkeypatch):
    class Properties:
        name, total_memory = "Tesla T4", 15 * 2**30

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Properties)
    assert module._describe(torch.device("cuda", 0)) == "Tesla T4, 15.0 GiB"
    assert module._describe(torch.device("mps")) == "Apple GPU"
