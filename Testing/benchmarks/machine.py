"""The machine that figures were measured on, in words."""

import os
import platform
from pathlib import Path
from typing import Any

import psutil
import torch


def machine() -> dict[str, Any]:
    """Return what a reader needs to know of this machine, in JSON's types."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "load_before": round(psutil.getloadavg()[0], 1),
    }


def in_words(found: dict[str, Any]) -> str:
    """Return a machine as one sentence."""
    return (
        f"{found['processor']}, {found['cores']} cores ({found['instructions']}), {found['memory_gib']:.0f} GiB, "
        f"{found['system']}, Python {found['python']}, PyTorch {found['torch']}, load {found['load_before']} before "
        "the first row."
    )


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()} ({platform.machine()})"
    return platform.processor() or platform.machine()
