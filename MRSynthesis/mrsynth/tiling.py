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
# 224x224x32 is 1.6 million voxels; the default U-Net needs about 0.4 kB of memory for each.
LARGEST_TILE_VOXELS = 2**21
# Tiles are cut across the slices first, down to this many: slices of one tile are seen together, as in training.
LEAST_CUT_SLICES = 32


@dataclass(frozen=True)
class Tiling:
    """A way to take stacks of any shape through a network.

    Attributes:
        patch: Voxels of a patch along (in-plane, in-plane, slice), or None for the whole stack in one pass.
        stride: Voxels from one patch to the next; of no meaning without a patch.
        window: ``"mean"`` or ``"smooth"``, see ``patches.patch_window``.
        multiple: What the network requires each axis of its input to be a multiple of.
    """

    patch: Triple | None
    stride: Triple | None
    window: str
    multiple: Triple = (1, 1, 1)

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
        return self.patch or tuple(_round_up(LEAST_TILE, self.multiple))

    def grid(self, shape: Triple) -> PatchGrid:
        """Return the patches for a stack of a shape; the stack must be padded to the grid's ``padded_shape``."""
        if self.patch is not None:
            return PatchGrid(shape, self.patch, self.stride)
        padded = tuple(_round_up(np.maximum(shape, LEAST_TILE), self.multiple))
        tile = _largest_tile(padded, self.multiple)
        return PatchGrid(padded, tile, _overlapping(tile, padded, self.multiple))

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
        inference: ``mode``, ``patch``, ``stride`` and ``smooth_stride`` of the card; the last three may be None.
        mode: A preset, see ``presets``, or None for the card's own.
        multiple: The network's ``size_multiple``.

    Raises:
        InputError: Code ``bad_card``, if the patch and the network do not fit together.
        ValueError: If the preset is unknown.
    """
    blend, patch = blend_of(preset_of(mode, inference), inference), inference.get("patch")
    return Tiling(None if patch is None else tuple(patch), blend.stride, blend.window, multiple)


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


def _largest_tile(padded: Triple, multiple: Triple) -> Triple:
    tile = list(padded)
    while np.prod(tile) > LARGEST_TILE_VOXELS:
        axis = 2 if tile[2] > LEAST_CUT_SLICES else int(np.argmax(tile[:2]))
        halved = _round_up([tile[axis] / 2], [multiple[axis]])[0]
        tile[axis] = max(halved, LEAST_CUT_SLICES) if axis == 2 else halved
    return tuple(tile)


def _overlapping(tile: Triple, padded: Triple, multiple: Triple) -> Triple:
    """Return strides that overlap tiles by a quarter where the stack is cut."""
    strides = _share(tile, 0.75, multiple)
    return tuple(size if size == whole else stride for size, whole, stride in zip(tile, padded, strides, strict=True))


def _share(tile: Triple, share: float, multiple: Triple) -> Triple:
    """Return a share of a tile in multiples, which keep the network's own grid in place from tile to tile."""
    return tuple(max(int(size * share) // m * m, m) for size, m in zip(tile, multiple, strict=True))


def _round_up(sizes: Sequence[float], multiple: Sequence[int]) -> list[int]:
    return [int(-(-size // m) * m) for size, m in zip(sizes, multiple, strict=True)]
