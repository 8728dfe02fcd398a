"""Whether a header's promise of voxels can be true, looked at before anything is allocated for them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mrsynth.errors import InputError
from mrsynth.volume import MAX_VOXELS

_HIGHEST_COMPRESSION = 1032
"""Deflate cannot make more bytes than this out of one (RFC 1951: 258 bytes from two bits)."""


def scalar_volume_shape(sizes: Sequence[int]) -> tuple[int, int, int]:
    """The shape of a 3D volume out of a header's sizes; further axes may have one sample only, as one time point has.

    Raises:
        InputError: ``not_3d``, ``empty``, ``corrupt_file`` (a negative size) or ``too_large``.
    """
    sizes = tuple(int(size) for size in sizes)
    if len(sizes) < 3 or any(size > 1 for size in sizes[3:]):
        raise InputError(f"expected a 3D volume, found {len(sizes)} axes with shape {sizes}", "not_3d")
    shape = sizes[:3]
    if min(sizes) < 0:
        raise InputError(f"expected sizes above 0, found shape {sizes}: the header is damaged", "corrupt_file")
    if min(sizes) == 0:
        raise InputError(f"expected voxels, found an empty volume of shape {sizes}", "empty")
    if math.prod(shape) > MAX_VOXELS:
        raise InputError(f"expected at most {MAX_VOXELS} voxels, the header states shape {shape}", "too_large")
    return shape


def require_stored_voxels(shape: Sequence[int], voxel_bytes: int, stored_bytes: int, compressed: bool) -> None:
    """Refuse a file that is too short for the voxels that its header states.

    Args:
        shape: Number of voxels along each axis.
        voxel_bytes: Bytes of one voxel.
        stored_bytes: Bytes that the file has for voxels.
        compressed: Whether those bytes are compressed.

    Raises:
        InputError: ``corrupt_file``.
    """
    needed = math.prod(shape) * voxel_bytes
    limit = stored_bytes * (_HIGHEST_COMPRESSION if compressed else 1)
    if needed > limit:
        raise InputError(
            f"expected {needed} bytes of voxels for shape {tuple(shape)}, found a file that holds at most {limit}: "
            "it is truncated or its header is damaged",
            "corrupt_file",
        )
