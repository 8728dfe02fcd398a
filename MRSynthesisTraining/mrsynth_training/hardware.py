"""What a run is computed on and with, in words: for its record and its model's card."""

import platform
from pathlib import Path

import torch

from mrsynth import __version__

CPU_DESCRIPTION = Path("/proc/cpuinfo")


def describe_hardware(device: torch.device, processes: int = 1) -> str:
    """Return the processor or the GPU that one process computes on, and how many such processes there are."""
    if device.type == "cuda":
        text = torch.cuda.get_device_name(device)
    else:
        count = torch.get_num_threads()
        text = f"{count} thread{'s' if count > 1 else ''} of {_processor()}"
        text += f", {device.type}" if device.type != "cpu" else ""
    return text if processes == 1 else f"{processes} processes, each on {text}"


def describe_software() -> str:
    """Return the versions that a result depends on."""
    system = f"{platform.system()} {platform.machine()}"
    return f"MRSynthesis {__version__}, PyTorch {torch.__version__}, Python {platform.python_version()}, {system}"


def _processor() -> str:
    """Return the model of the processor, or its kind where the system does not tell."""
    try:
        lines = CPU_DESCRIPTION.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(filter(None, models), "") or platform.processor() or f"{platform.machine()} CPU"
