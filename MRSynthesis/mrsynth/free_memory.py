"""How much at a time fits into the memory that a device has free."""

import psutil
import torch

# The rest is for the volumes themselves, and for whatever else runs on the machine.
SHARE = 0.5


def affordable_voxels(device: torch.device, most: int, bytes_per_voxel: int) -> int:
    """Return how many voxels may go through a network at a time.

    Args:
        device: Where the network runs.
        most: What is enough anyway.
        bytes_per_voxel: What the network needs for each voxel of its input.
    """
    free = free_bytes(device)
    return most if free is None else min(most, int(free * SHARE) // bytes_per_voxel)


def free_bytes(device: torch.device) -> int | None:
    """Return what programs could still get of a device's memory; None if it does not tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available if device.type == "cpu" else None
