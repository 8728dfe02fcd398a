"""How a stack is taken through a network: in the card's patches, or whole, or in large tiles if it is too large."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mrsynth.errors import InputError
from mrsynth.patches import PatchGrid, Triple
from mrsynth.presets import blend_of, preset_of

# A whole-stack model is given at least this much, so that its convolutions do not see little but padding.
LEAST_TILE = (32, 32, 16)
# 224x224x32 is 1.6 million voxels. A network such as the default one needs at most this much memory for each.
LARGEST_TILE_VOXELS = 3 * 2**20
BYTES_PER_VOXEL = 450
# Tiles are cut across the slices first, down to this many: slices of one tile are seen together, as in training.
LEAST_CUT_TILE = (96, 96, 32)
OVERLAP = (48, 48, 8)


@dataclass(frozen=True)
class Tiling:
    """A way to take stacks of any shape through a network.

    Attributes:
        patch: Voxels of a patch along (in-plane, in-plane, slice), or None for the whole stack in one pass.
        stride: Voxels from one patch to the next; of no meaning without a patch.
        window: ``"mean"`` or ``"smooth"``, see ``patches.patch_window``.
        multiple: What the network requires each axis of its input to be a multiple of.
        thinning: One patch in so many is taken, see ``patches.PatchGrid``.
        tile_voxels: How much of a whole stack goes through in one pass at most.
        mirrored: Whether the answer to each patch's mirror image counts as well.
    """

    patch: Triple | None
    stride: Triple | None
    window: str
    multiple: Triple = (1, 1, 1)
    tile_voxels: int = LARGEST_TILE_VOXELS
    thinning: int = 1
    mirrored: bool = False

    def __post_init__(self) -> None:
        if self.patch is None:
            return
        if self.stride is None:
            raise InputError(f"expected a stride for the patch {self.patch}, found none", code="bad_card")
        if any(size % multiple for size, multiple in zip(self.patch, self.multiple, strict=True)):
            raise InputError(f"expected a patch in multiples of {self.multiple}, found {self.patch}", code="bad_card")

    @property
    def least_shape(self) -> Triple:
        """What the network is given at least; a smaller stack is padded to it."""
        return self.patch or self.padded(LEAST_TILE)

    def padded(self, shape: Triple) -> Triple:
        """Return the least shape that holds a shape and that the network can take."""
        return tuple(_round_up(shape, self.multiple))

    def grid(self, shape: Triple) -> PatchGrid:
        """Return the patches for a stack of a shape; the stack must be padded to the grid's ``padded_shape``."""
        if self.patch is not None:
            return PatchGrid(shape, self.patch, self.stride, self.thinning)
        padded = self.padded(tuple(np.maximum(shape, LEAST_TILE)))
        return _cut(padded, self.multiple, self.tile_voxels)

    def second_look(self, shape: Triple) -> PatchGrid | None:
        """Return smaller, overlapping tiles for a stack that goes through whole: something for it to disagree with.

        None if patches overlap anyway, or the stack is too small to be cut.
        """
        first = self.grid(shape)
        if self.patch is not None or len(first) > 1:
            return None
        half = _round_up(np.maximum(np.array(first.patch) / (2, 2, 1), LEAST_TILE), self.multiple)
        tile = tuple(np.minimum(half, first.patch).tolist())
        return PatchGrid(first.shape, tile, _share(tile, 0.5, self.multiple)) if tile != first.patch else None


def tiling_of_card(inference: Mapping[str, Any], mode: str | None, multiple: Triple) -> Tiling:
    """Return the tiling that a model card's inference section and a mode ask for.

    Args:
        inference: ``mode``, ``patch``, ``stride`` and ``smooth_stride`` of the card, the last three of which may be
            None, and ``window``, ``thinning`` and ``mirrored``, if it has them.
        mode: A preset, see ``presets``, or None for the card's own.
        multiple: The network's ``size_multiple``.

    Raises:
        InputError: Code ``bad_card``, if the patch and the network do not fit together.
        ValueError: If the preset is unknown.
    """
    blend, patch = blend_of(preset_of(mode, inference), inference), inference.get("patch")
    patch = None if patch is None else tuple(patch)
    return Tiling(patch, blend.stride, blend.window, multiple, thinning=blend.thinning, mirrored=blend.mirrored)


def pad_stack(stack: np.ndarray, shape: Triple) -> tuple[np.ndarray, tuple[slice, slice, slice]]:
    """Pad a stack on both sides to a shape by repeating its outermost voxels.

    Repeating, rather than mirroring, does the same for one slice as for twenty, and shows the network no anatomy twice
    in opposite order; zeros would be an edge that no head has.

    Returns:
        The padded stack (C-contiguous), and where the original lies in it.
    """
    before = [(padded - size) // 2 for padded, size in zip(shape, stack.shape, strict=True)]
    where = tuple(slice(start, start + size) for start, size in zip(before, stack.shape, strict=True))
    margins = [(s.start, padded - s.stop) for s, padded in zip(where, shape, strict=True)]
    return np.ascontiguousarray(np.pad(stack, margins, mode="edge")), where


def _cut(padded: Triple, multiple: Triple, most: int) -> PatchGrid:
    """Return as few tiles of one size as hold at most so many voxels each, or as small ones as are worth it."""
    overlap = _round_up(OVERLAP, multiple)
    counts, tile = [1, 1, 1], list(padded)
    while np.prod(tile) > most:
        candidates = [axis for axis in range(3) if tile[axis] > _round_up(LEAST_CUT_TILE, multiple)[axis]]
        if not candidates:
            break
        axis = 2 if 2 in candidates else max(candidates, key=lambda axis: tile[axis])
        counts[axis] += 1
        shared = (counts[axis] - 1) * overlap[axis]
        least = max((padded[axis] + shared) / counts[axis], LEAST_CUT_TILE[axis])
        tile[axis] = _round_up([least], [multiple[axis]])[0]
    stride = [size if n == 1 else size - o for size, n, o in zip(tile, counts, overlap, strict=True)]
    return PatchGrid(padded, tuple(tile), tuple(stride))


def _share(tile: Triple, share: float, multiple: Triple) -> Triple:
    """Return a share of a tile in multiples, which keep the network's own grid in place from tile to tile."""
    return tuple(max(int(size * share) // m * m, m) for size, m in zip(tile, multiple, strict=True))


def _round_up(sizes: Sequence[float], multiple: Sequence[int]) -> list[int]:
    return [int(-(-size // m) * m) for size, m in zip(sizes, multiple, strict=True)]
