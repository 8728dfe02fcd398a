"""What this installation consists of, which devices work, and in plain words why no GPU is used."""

import importlib.metadata
import os
import platform
import shutil
import time
from dataclasses import asdict, dataclass
from typing import Any

import torch

import mrsynth
from mrsynth.devices import available_devices, device_problem

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "nibabel",
    "SimpleITK",
    "safetensors",
    "scikit-image",
    "matplotlib",
    "jsonschema",
)
NOT_INSTALLED = "not installed"


@dataclass(frozen=True)
class DeviceCheck:
    """A device and how it fared in a test convolution.

    Attributes:
        device: Such as ``"cpu"`` or ``"cuda:0"``.
        description: The hardware's name, or what there is of it.
        seconds: What the test convolution took, the first use of the device included.
        problem: What went wrong, or None.
    """

    device: str
    description: str
    seconds: float
    problem: str | None


@dataclass(frozen=True)
class GpuFacts:
    """What tells why no GPU is used.

    Attributes:
        built_for: What this PyTorch was built for: ``"CUDA 12.8"``, ``"ROCm 6.4"``, or ``""`` for CPUs only.
        nvidia_driver: Whether an NVIDIA driver is installed.
        hidden: Whether the environment hides the GPUs (``CUDA_VISIBLE_DEVICES`` is empty or -1).
        apple: Whether this is a Mac with Apple's own processor.
    """

    built_for: str
    nvidia_driver: bool
    hidden: bool
    apple: bool


@dataclass(frozen=True)
class SelfCheck:
    """What a self-check found.

    Attributes:
        versions: Of Python, this package and everything it stands on.
        system: Operating system and processor.
        threads: CPU threads a network uses.
        devices: Every device that PyTorch lists, fastest first.
        gpu_reason: Why no GPU is used, or empty if one is.
    """

    versions: dict[str, str]
    system: str
    threads: int
    devices: tuple[DeviceCheck, ...]
    gpu_reason: str

    @property
    def passed(self) -> bool:
        """Whether every package is there and the CPU works."""
        cpu_works = any(check.device == "cpu" and check.problem is None for check in self.devices)
        return cpu_works and NOT_INSTALLED not in self.versions.values()

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}

    def lines(self) -> tuple[str, ...]:
        """Return the findings as lines for a terminal."""
        versions = [f"{name:<13} {version}" for name, version in self.versions.items()]
        devices = [f"{check.device:<13} {check.description}: {_outcome(check)}" for check in self.devices]
        reason = [f"{'GPU':<13} not used: {self.gpu_reason}"] if self.gpu_reason else []
        return (*versions, f"{'system':<13} {self.system}, {self.threads} threads", *devices, *reason)


def self_check() -> SelfCheck:
    """Look at this installation and try each device."""
    devices = tuple(_check_device(device) for device in available_devices())
    return SelfCheck(
        versions={
            "mrsynth": mrsynth.__version__,
            "python": platform.python_version(),
            **{package: _version(package) for package in PACKAGES},
        },
        system=f"{platform.platform()}, {os.cpu_count()} cores",
        threads=torch.get_num_threads(),
        devices=devices,
        gpu_reason=gpu_reason(devices, _gpu_facts()),
    )


def gpu_reason(devices: tuple[DeviceCheck, ...], facts: GpuFacts) -> str:
    """Return in plain words why no GPU is used, or nothing if one works."""
    gpus = [check for check in devices if check.device != "cpu"]
    if any(check.problem is None for check in gpus):
        return ""
    if gpus:
        return "; ".join(f"{gpu.device} ({gpu.description}) failed the test convolution: {gpu.problem}" for gpu in gpus)
    if facts.hidden:
        return "CUDA_VISIBLE_DEVICES hides the GPUs from this program"
    if facts.built_for:
        found = "no GPU that it supports, or a driver too old for it" if facts.nvidia_driver else "no driver"
        return f"this PyTorch is built for {facts.built_for} and found {found}"
    if facts.nvidia_driver:
        return "this PyTorch is built for CPUs only, but there is an NVIDIA driver: install a CUDA build of PyTorch"
    if facts.apple:
        return "this PyTorch or this macOS does not support Apple's GPU (MPS)"
    return "this PyTorch is built for CPUs only, and there is no NVIDIA driver on this machine"


def _outcome(check: DeviceCheck) -> str:
    return f"failed: {check.problem}" if check.problem else f"works (test convolution {check.seconds * 1000:.0f} ms)"


def _check_device(device: torch.device) -> DeviceCheck:
    started = time.monotonic()
    problem = device_problem(device)
    return DeviceCheck(str(device), _describe(device), time.monotonic() - started, problem)


def _describe(device: torch.device) -> str:
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name}, {properties.total_memory / 2**30:.1f} GiB"
    return "Apple GPU" if device.type == "mps" else platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return NOT_INSTALLED


def _gpu_facts() -> GpuFacts:
    cuda, rocm = torch.version.cuda, torch.version.hip
    return GpuFacts(
        built_for=f"CUDA {cuda}" if cuda else f"ROCm {rocm}" if rocm else "",
        nvidia_driver=shutil.which("nvidia-smi") is not None,
        hidden=os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"),
        apple=platform.system() == "Darwin" and platform.machine() == "arm64",
    )
