"""How precisely a network computes: in float32, or with products of half precision that are summed in float32.

Half precision is several times faster where a device has it, and a small error is added to the network's own. It is
used only if that error, measured on a piece of the scan, stays below `LARGEST_ERROR`. Next to a network whose own error
is a quarter of the standard deviation (as the default models' is) that changes the PSNR by less than 0.03 dB.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch

# Root mean square difference to float32, as a share of the result's standard deviation.
LARGEST_ERROR = 0.02


def half_type(device: torch.device) -> torch.dtype | None:
    """Return the type of half precision that a device computes fast, None if it has none."""
    if device.type == "cuda":
        return torch.float16
    return torch.bfloat16 if device.type == "cpu" and _has_bfloat16() else None


def computing_in(device: torch.device, half: torch.dtype | None) -> AbstractContextManager[Any]:
    """Return the context in which a device computes in half precision, or in float32 and nothing less for None."""
    if half is not None:
        return torch.autocast(device.type, half)
    # NVIDIA's convolutions would otherwise round their inputs to ten bits (TF32).
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False) if device.type == "cuda" else nullcontext()


def precision_error(found: np.ndarray, exact: np.ndarray) -> float:
    """Return the root mean square difference as a share of the exact result's standard deviation."""
    difference = float(np.sqrt(np.mean(np.square(found - exact, dtype=np.float64))))
    return difference / max(float(exact.std(dtype=np.float64)), np.finfo(np.float32).tiny)


def _has_bfloat16() -> bool:
    """Return whether this CPU multiplies bfloat16 itself; emulating it would be slower than float32."""
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in asked)
