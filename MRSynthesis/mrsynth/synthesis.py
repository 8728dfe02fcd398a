"""From a scan to its synthetic counterpart, on the scan's own grid."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from mrsynth.cancellation import interruptible, stop_if
from mrsynth.devices import resolve_device
from mrsynth.free_memory import affordable_voxels
from mrsynth.grid import Grid, interleaved_stacks
from mrsynth.memory_fallback import PatchPredictor
from mrsynth.model_timing import model_timing
from mrsynth.networks.conditioned import Conditioned
from mrsynth.normalized_scan import NormalizedScan
from mrsynth.orientation import SliceOrder
from mrsynth.presets import MODES, preset_of, takes_half_precision
from mrsynth.progress import CancelLook, ProgressListener, ignore, never
from mrsynth.stack_synthesis import StackSynthesis
from mrsynth.synthesis_steps import SynthesisSteps
from mrsynth.tiling import BYTES_PER_VOXEL, LARGEST_TILE_VOXELS, Tiling, pad_stack, tiling_of_card
from mrsynth.timing import Timing
from mrsynth.volume import Volume

if TYPE_CHECKING:
    from mrsynth.models.weights import LoadedModel

# On a piece of the scan of this size the error of half precision is measured.
SAMPLE = (96, 96, 16)
Stack = tuple[slice, ...]


@dataclass(frozen=True)
class SynthesisOptions:
    """What a user may choose about a synthesis.

    Attributes:
        mode: A preset, see ``presets``, or None for the card's own.
        device: ``"auto"``, ``"cpu"``, ``"cuda:N"`` or ``"mps"``.
        batch_size: Patches at a time, or None for what suits the device. On a CPU large batches are cut down, as they
            gain nothing there and a cancelled run would have to wait for them.
        uncertainty: Whether to return how unsure the result is as well.
        timing: What is known of the scan's echo and repetition time, and the echo time that is wanted, for a model that
            takes them.
    """

    mode: str | None = None
    device: str = "auto"
    batch_size: int | None = None
    uncertainty: bool = False
    timing: Timing = field(default_factory=Timing)

    def __post_init__(self) -> None:
        if self.mode is not None and self.mode not in MODES:
            raise ValueError(f"expected a preset of {list(MODES)} or None, found {self.mode!r}")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"expected a batch size of at least 1, found {self.batch_size}")


@dataclass(frozen=True, eq=False)
class Synthesis:
    """What a synthesis gave.

    Attributes:
        volume: The synthetic volume, on the source's grid and intensity scale.
        uncertainty: In the volume's units: from a network that estimates its own error, the absolute error that it
            expects; else one standard deviation of its answers from overlapping and mirrored patches. None if not asked
            for.
        warnings: What a user should know about the result, one sentence each.
        device: Where the network ran, at the end.
        seconds: What it took.
        precision: In which the network computed, at the end: ``"float32"``, ``"bfloat16"`` or ``"float16"``.
        timing: What the model went by, the target's echo time included; None if it takes none.
    """

    volume: Volume
    uncertainty: Volume | None
    warnings: tuple[str, ...]
    device: str
    seconds: float
    precision: str = "float32"
    timing: Timing | None = None


def synthesize(
    volume: Volume,
    model: "LoadedModel",
    options: SynthesisOptions | None = None,
    progress: ProgressListener = ignore,
    cancelled: CancelLook = never,
) -> Synthesis:
    """Synthesise a model's target contrast from a scan of its source contrast.

    The scan is brought to the network's axes by flips and transpositions (to slices of the model's plane, if it has
    one), taken apart into interleaved stacks where it is finer than what the model was trained on, and put back the
    same way: nothing is interpolated.

    Args:
        volume: The scan, any orientation and size.
        model: A loaded model: ``card`` and ``network``.
        options: The user's choices.
        progress: Told of each batch.
        cancelled: Asked before each layer of the network (at most every 50 ms) and after each batch.

    Raises:
        InputError: ``no_device``, ``constant`` (no tissue in the scan), ``bad_spacing`` (no scan of a head is so
            fine), ``bad_timing`` (a target TE is asked of a model that has one only), ``bad_card`` or ``bad_weights``.
        Cancelled: If ``cancelled`` said so.
        MemoryError: If not even one patch fits into memory.
    """
    started = time.monotonic()
    options = options or SynthesisOptions()
    stop_if(cancelled)
    told = model_timing(model.card, options.timing)
    network = Conditioned(model.network, told.conditions) if told.conditions else model.network
    predictor, tiling = _on_device(model, network, options)
    scan = NormalizedScan.of(volume, model.card, told.intensity_factor)
    grid = Grid(model.card.grid["in_plane_spacing_mm"], model.card.grid["slice_spacing_mm"])
    stacks = list(interleaved_stacks(scan.voxels.shape, grid.strides(scan.spacing_mm)))
    steps = SynthesisSteps(predictor, progress, cancelled)
    synthesis = StackSynthesis(predictor, tiling, left_right_axis(scan.order), options.uncertainty, steps)
    with interruptible(network, cancelled):
        _choose_precision(predictor, preset_of(options.mode, model.card.inference), scan.voxels[stacks[0]], tiling)
        result, uncertainty = _synthesize_stacks(scan.voxels, stacks, synthesis, network)
    warnings = (*grid.warnings(scan.spacing_mm), *_shape_warnings(scan.voxels[stacks[-1]].shape, tiling))
    return Synthesis(
        volume=scan.restored(result),
        uncertainty=None if uncertainty is None else scan.restored_difference(uncertainty),
        warnings=(*told.warnings, *warnings, *predictor.warnings),
        device=str(predictor.device),
        seconds=time.monotonic() - started,
        precision=predictor.precision,
        timing=told.used,
    )


def left_right_axis(order: SliceOrder) -> int:
    """Return the stack axis that runs from left to right, the one a head is nearly symmetric along."""
    return 2 if order.plane == "sagittal" else 0


def _on_device(model: "LoadedModel", network: nn.Module, options: SynthesisOptions) -> tuple[PatchPredictor, Tiling]:
    """Take a network to its device; its tiling is that of the model's card, in smaller tiles where memory is short."""
    predictor = PatchPredictor(network, resolve_device(options.device), options.batch_size)
    tiling = tiling_of_card(model.card.inference, options.mode, network.size_multiple)
    voxels = affordable_voxels(predictor.device, LARGEST_TILE_VOXELS, BYTES_PER_VOXEL)
    return predictor, replace(tiling, tile_voxels=voxels)


def _choose_precision(predictor: PatchPredictor, preset: str, stack: np.ndarray, tiling: Tiling) -> None:
    if takes_half_precision(preset, predictor.device.type):
        predictor.use_half_precision(_sample(stack, tiling))


def _sample(stack: np.ndarray, tiling: Tiling) -> np.ndarray:
    """Return a piece from the middle of a stack, of a patch's size or of one that a network can take."""
    shape = tiling.patch or tiling.padded(SAMPLE)
    starts = [max(0, (size - wanted) // 2) for size, wanted in zip(stack.shape, shape, strict=True)]
    middle = tuple(slice(start, start + wanted) for start, wanted in zip(starts, shape, strict=True))
    return pad_stack(stack[middle], shape)[0]


def _synthesize_stacks(
    normalized: np.ndarray, stacks: Sequence[Stack], synthesis: StackSynthesis, network: nn.Module
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the result and, if asked for, its uncertainty, each in the shape of the normalised scan."""
    result = np.empty_like(normalized)
    uncertainty = np.empty_like(normalized) if synthesis.uncertainty else None
    patches = sum(synthesis.patch_count(normalized[stack].shape) for stack in stacks)
    with synthesis.step.followed(network, patches, within=synthesis.tiling.patch is None):
        for stack in stacks:
            result[stack], of_stack = synthesis.run(normalized[stack])
            if uncertainty is not None:
                uncertainty[stack] = of_stack
    return result, uncertainty


def _shape_warnings(shape: Sequence[int], tiling: Tiling) -> tuple[str, ...]:
    """Say so if the smallest stack (the last one) does not fill what the network is given at once, or is too large."""
    if tiling.patch is None and tiling.tile_voxels < min(LARGEST_TILE_VOXELS, int(np.prod(shape))):
        return ("little memory is free: the scan went through the network in smaller pieces than usual",)
    if all(size >= least for size, least in zip(shape, tiling.least_shape, strict=True)):
        return ()
    found, least = (" x ".join(map(str, sizes)) for sizes in (shape, tiling.least_shape))
    return (
        f"the model works on at least {least} voxels (in-plane, in-plane, slice) at a time, found {found}: "
        "the outermost voxels were repeated to fill it, expect a less reliable result",
    )
