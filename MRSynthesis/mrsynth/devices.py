"""Where a network runs: the devices of this machine, and whether they really work."""

import re

import torch
from torch.nn import functional as F

from mrsynth.errors import InputError

DEVICE_PATTERN = re.compile(r"cpu|mps|cuda(:\d+)?")


def resolve_device(name: str) -> torch.device:
    """Return the device that a name stands for.

    Args:
        name: ``"cpu"``, ``"cuda"``, ``"cuda:N"``, ``"mps"``, or ``"auto"``: the first that passes a test convolution.

    Raises:
        InputError: Code ``no_device``, if the name is no such word or this machine lacks the device.
    """
    available = available_devices()
    if name == "auto":
        return next(device for device in available if device.type == "cpu" or device_problem(device) is None)
    if not DEVICE_PATTERN.fullmatch(name):
        raise InputError(f"expected a device of auto, cpu, cuda:N or mps, found {name!r}", code="no_device")
    device = torch.device("cuda:0" if name == "cuda" else name)
    if device not in available:
        found = ", ".join(map(str, available))
        raise InputError(f"expected one of this machine's devices ({found}), found {name!r}", code="no_device")
    return device


def available_devices() -> tuple[torch.device, ...]:
    """Return what this PyTorch can address on this machine, fastest first; the CPU comes last and is always there."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    gpus = [torch.device("cuda", index) for index in range(count)]
    apple = [torch.device("mps")] if torch.backends.mps.is_available() else []
    return (*gpus, *apple, torch.device("cpu"))


def device_problem(device: torch.device) -> str | None:
    """Try a small dilated 3D convolution and return what went wrong, if anything.

    A device that is listed may still fail: a GPU too old for this build has no compiled kernels.
    """
    try:
        impulse = torch.zeros(1, 1, 5, 5, 5, device=device)
        impulse[0, 0, 2, 2, 2] = 1
        kernel = torch.arange(27, dtype=torch.float32, device=device).reshape(1, 1, 3, 3, 3)
        response = F.conv3d(impulse, kernel, padding=2, dilation=2)[0, 0, ::2, ::2, ::2].cpu()
    except (RuntimeError, NotImplementedError, MemoryError) as error:
        return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    expected = torch.arange(27, dtype=torch.float32).flip(0).reshape(3, 3, 3)
    return None if torch.equal(response, expected) else "a test convolution gave wrong numbers"
