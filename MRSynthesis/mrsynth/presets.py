"""Presets: how much time a synthesis may take, and what that costs; the one choice a user has about how it is made.

They differ in how far apart the patches lie, how they are blended, and where half precision will do:

==========  =======================================  =============  ======================
preset      patches                                  blended by     half precision on
==========  =======================================  =============  ======================
paper       the card's ``stride`` apart (8 of 32)    plain mean     no device
standard    the card's ``smooth_stride`` (16 of 32)  smooth window  graphics cards
draft       three quarters of a patch (24 of 32)     smooth window  CPUs that have it, too
==========  =======================================  =============  ======================

A card may ask for a plain mean in all of them (``window``) and, in ``standard``, for one patch in so many
(``thinning``, see ``patches.PatchGrid``) and for the mean of the answers to the scan as it is and to its mirror image,
left for right (``mirrored``), where that was found to be nearer to the truth.

A model that takes whole stacks has ``standard`` and ``draft``. Half precision is used where its error is small, see
``precision``. What a preset's speed-up costs is measured for each model and stands in its card
(``inference.presets``), see `PresetFigures`.

``smooth`` is the older word for ``standard``; cards still use it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PRESETS = ("paper", "standard", "draft")
MODES = (*PRESETS, "smooth")
"""The words a job, a card or a command line may use for a preset."""

_MEANING = {
    "paper": "As the original report does it: patches a quarter of their size apart, plain mean. The slowest.",
    "standard": "Patches that overlap by half, blended smoothly.",
    "draft": "Patches that overlap by a quarter, blended smoothly: a quick look. Expect seams.",
}
_PLAIN_MEANING = {
    "standard": "Fewer overlapping patches, plain mean.",
    "draft": "Patches that overlap by a quarter, plain mean: a quick look. Expect seams.",
}
_MIRRORED = "The mean of two answers: to the scan as it is and to its mirror image."
_WHOLE = {
    "standard": "The whole scan in one pass.",
    "draft": "The whole scan in one pass, in half precision where the processor has it.",
}
_HALF_PRECISION = {"paper": (), "standard": ("cuda",), "draft": ("cuda", "cpu")}


@dataclass(frozen=True)
class Blend:
    """How patches cover a stack.

    Attributes:
        stride: Voxels from one patch to the next, axes (in-plane, in-plane, slice); None for a whole stack.
        window: ``"mean"`` or ``"smooth"``, see ``patches.patch_window``.
        thinning: One patch in so many is taken, see ``patches.PatchGrid``.
        mirrored: Whether the answer to the mirror image counts as well.
    """

    stride: tuple[int, int, int] | None
    window: str
    thinning: int = 1
    mirrored: bool = False


@dataclass(frozen=True)
class PresetFigures:
    """What was measured for a preset of a model; fields of the card's ``inference.presets``.

    Attributes:
        seconds: For a scan of 224 x 224 x 32 voxels, without reading and writing.
        times_faster: Than the most exact preset by PyTorch's own layers, one patch at a time, on the same machine.
        psnr_change_db: PSNR against the references less that of the most exact preset; below zero is worse.
        note: On what scans and what machine.
    """

    seconds: float
    times_faster: float
    psnr_change_db: float
    note: str


def preset_of(mode: str | None, inference: Mapping[str, Any]) -> str:
    """Return the preset that a word stands for; None stands for the card's own.

    Raises:
        ValueError: If the word is unknown.
    """
    word = mode or inference["mode"]
    if word not in MODES:
        raise ValueError(f"expected a preset of {list(MODES)}, found {word!r}")
    return "standard" if word == "smooth" else word


def presets_of(inference: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the presets that differ for a model, slowest first, given its card's inference section."""
    return PRESETS if inference.get("patch") else PRESETS[1:]


def takes_half_precision(preset: str, device_type: str) -> bool:
    """Return whether a preset is content with half precision on ``"cpu"``, ``"cuda"`` or ``"mps"``."""
    return device_type in _HALF_PRECISION[preset]


def blend_of(preset: str, inference: Mapping[str, Any]) -> Blend:
    """Return how a preset covers a stack with a card's patches."""
    window = "mean" if preset == "paper" else inference.get("window", "smooth")
    patch, stride = inference.get("patch"), inference.get("stride")
    if patch and preset == "draft":
        stride = [max(1, size * 3 // 4) for size in patch]
    elif preset == "standard":
        stride = inference.get("smooth_stride") or stride
    standard = preset == "standard"
    return Blend(
        stride=None if stride is None else tuple(stride),
        window=window,
        thinning=inference.get("thinning", 1) if standard else 1,
        mirrored=standard and inference.get("mirrored", False),
    )


def figures_of(preset: str, inference: Mapping[str, Any]) -> PresetFigures | None:
    """Return what was measured for a preset, None if nothing was."""
    entry = (inference.get("presets") or {}).get(preset)
    return None if entry is None else PresetFigures(**entry)


def preset_text(preset: str, inference: Mapping[str, Any]) -> str:
    """Return what a user should know to choose a preset of a model: for a tooltip or a terminal.

    Args:
        preset: One of `presets_of`.
        inference: The section of the model's card.
    """
    meaning = _meanings(inference)[preset]
    figures = figures_of(preset, inference)
    if figures is None:
        return f"{meaning} Error and speed of this preset were not measured for this model."
    return f"{meaning} {'; '.join(_measured(preset, figures, inference))} ({figures.note})."


def _meanings(inference: Mapping[str, Any]) -> dict[str, str]:
    if not inference.get("patch"):
        return _WHOLE | ({"standard": _MIRRORED} if inference.get("mirrored") else {})
    return _MEANING | (_PLAIN_MEANING if inference.get("window") == "mean" else {})


def _measured(preset: str, figures: PresetFigures, inference: Mapping[str, Any]) -> Iterator[str]:
    exact = presets_of(inference)[0]
    if preset != exact:
        yield _compared(figures.psnr_change_db, exact)
    yield f"{figures.seconds:.3g} s for 224 x 224 x 32 voxels"
    if inference.get("patch"):
        yield f"{figures.times_faster:.3g} times faster than the paper preset in plain PyTorch"
    elif preset != exact:
        yield f"{figures.times_faster:.3g} times faster than {exact}"


def _compared(change_db: float, exact: str) -> str:
    if abs(change_db) < 0.005:
        return f"PSNR as that of {exact}"
    return f"PSNR {abs(change_db):.2f} dB {'below' if change_db < 0 else 'above'} that of {exact}"
