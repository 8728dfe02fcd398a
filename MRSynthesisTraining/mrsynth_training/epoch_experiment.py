"""Experiments over prepared subjects, epoch by epoch, with or without a discriminator: the report's, and their kin."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mrsynth.orientation import AS_ACQUIRED, PLANE_DIRECTIONS
from mrsynth_training.experiments import checked_table, read_kind, require, require_network
from mrsynth_training.plain_name import require_plain_name

RECONSTRUCTIONS = ("L1", "L2")
REDUCTIONS = ("mean", "sum")


@dataclass(frozen=True)
class LossOptions:
    """What the generator is judged by: ``l1 * L_ADV + l2 * L_rec + l3 * L_GDL`` in the report's words.

    Attributes:
        reconstruction: ``L1`` (absolute error) or ``L2`` (squared error).
        reconstruction_weight: The report's l2.
        adversarial_weight: The report's l1; 0 trains without a discriminator.
        gradient_weight: The report's l3, of the squared difference of gradient magnitudes.
        gradient_dimensions: 2 for gradients along the in-plane axes, as slices are dropped; 3 for Nie's original.
        reduction: How reconstruction and gradient difference are taken over the voxels of a patch: ``mean``, or
            ``sum`` as in Nie's published code, where their weight grows with the patch. Over patches it is the mean.
    """

    reconstruction: str
    reconstruction_weight: float = 1.0
    adversarial_weight: float = 0.0
    gradient_weight: float = 0.0
    gradient_dimensions: int = 2
    reduction: str = "mean"

    def __post_init__(self) -> None:
        for name, value, accepted in (
            ("reconstruction", self.reconstruction, RECONSTRUCTIONS),
            ("gradient_dimensions", self.gradient_dimensions, (2, 3)),
            ("reduction", self.reduction, REDUCTIONS),
        ):
            require(value in accepted, f"expected a {name} of {accepted}, found {value!r}")
        weights = (self.reconstruction_weight, self.adversarial_weight, self.gradient_weight)
        whole = all(math.isfinite(weight) and weight >= 0 for weight in weights) and self.reconstruction_weight > 0
        require(whole, f"expected weights of at least 0 and a reconstruction above 0, found {weights}")


@dataclass(frozen=True)
class EpochOptions:
    """How networks are fitted: Adam at one rate, epoch by epoch over all patches in random order.

    The report says that it used Adam, not how; the defaults are those of Keras, with which it was written.

    Attributes:
        epochs: Times that every patch is seen.
        batch_size: Patches a mini-batch, over all processes together; an incomplete last one is left out.
        patch: Size (in-plane, in-plane, slice); patches do not overlap.
        learning_rate: Of both networks.
        betas: Decays of Adam's two averages.
        epsilon: Of Adam.
        averaging: Decay of a running average of the generator's weights, which is then what is validated and kept; 0
            keeps none.
        patience: Epochs without a better mean validation PSNR after which the run ends; 0 never ends it.
        validation_stride: From patch to patch in validation; empty for patches that do not overlap.
        mixed_precision: bfloat16 on GPUs that have it; a CPU always computes in single precision.
        seed: Of the initial weights and of the order of patches.
    """

    epochs: int
    batch_size: int
    patch: tuple[int, ...] = (32, 32, 32)
    learning_rate: float = 1e-3
    betas: tuple[float, ...] = (0.9, 0.999)
    epsilon: float = 1e-7
    averaging: float = 0.0
    patience: int = 0
    validation_stride: tuple[int, ...] = ()
    mixed_precision: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("patch", "betas", "validation_stride"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        found = f"found {self}"
        require(self.epochs >= 1 and self.batch_size >= 1, f"expected at least one epoch and patch, {found}")
        require(_is_size(self.patch), f"expected three patch sizes, found {self.patch}")
        fits = _is_size(self.stride) and all(s <= p for s, p in zip(self.stride, self.patch, strict=True))
        require(fits, f"expected a stride from 1 to the patch {self.patch}, found {self.stride}")
        positive = min(self.learning_rate, self.epsilon) > 0
        require(positive, f"expected a learning rate and an epsilon above 0, {found}")
        decays = len(self.betas) == 2 and all(isinstance(b, (int, float)) and 0 <= b < 1 for b in self.betas)
        require(decays and 0 <= self.averaging < 1, f"expected two betas and averaging from 0 to below 1, {found}")
        require(self.patience >= 0 and self.seed >= 0, f"expected patience and a seed of at least 0, {found}")

    @property
    def stride(self) -> tuple[int, ...]:
        """From patch to patch in validation (in-plane, in-plane, slice)."""
        return self.validation_stride or self.patch


@dataclass(frozen=True)
class EpochExperiment:
    """One direction, one network, one way of training it.

    Attributes:
        name: Of the run and of the model that comes out.
        title: For people.
        source_contrast: What the network is given; a contrast of the prepared subjects.
        target_contrast: What it is to make of it; another one.
        network: ``{"name": ..., "configuration": {...}}`` as in a model card.
        losses: What it is judged by.
        schedule: How it is fitted.
        plane: That the subjects were prepared in: ``acquired`` for any, or ``axial``, ``coronal`` or ``sagittal``.
        continues: Name of the experiment from whose best epoch the weights start; empty for fresh ones.
        discriminator: ``stage_filters`` and ``dense_units`` of `Discriminator` where they are not the report's.
    """

    name: str
    title: str
    source_contrast: str
    target_contrast: str
    network: dict[str, Any]
    losses: LossOptions
    schedule: EpochOptions
    plane: str = AS_ACQUIRED
    continues: str = ""
    discriminator: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_plain_name(self.name, "the name of an experiment")
        differ = self.source_contrast != self.target_contrast and min(self.source_contrast, self.target_contrast)
        require(bool(differ), f"expected two contrasts, found {self.source_contrast!r}, {self.target_contrast!r}")
        require_network(self.network)
        planes = (AS_ACQUIRED, *PLANE_DIRECTIONS)
        require(self.plane in planes, f"expected a plane of {planes}, found {self.plane!r}")
        require(self.continues != self.name, f"expected another experiment to continue, found {self.name} itself")
        pairs = self.schedule.batch_size >= 2 or not self.adversarial
        require(pairs, "expected mini-batches of at least 2 patches for a discriminator's two halves, found 1")

    @property
    def adversarial(self) -> bool:
        """Whether there is a discriminator."""
        return self.losses.adversarial_weight > 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> "EpochExperiment":
        """Return the experiment a document describes.

        Raises:
            InputError: If a field is missing, unknown, of another type or out of its range.
        """
        document = checked_table(cls, document)
        document["losses"] = LossOptions(**checked_table(LossOptions, document["losses"]))
        document["schedule"] = EpochOptions(**checked_table(EpochOptions, document["schedule"]))
        return cls(**document)


def read_epoch_experiment(path: Path, changes: Sequence[str] = ()) -> EpochExperiment:
    """Read an experiment from a TOML file, or a shipped one by its name.

    Args:
        path: The file, or the bare name.
        changes: Values to replace, see `experiment_changes.changed`.

    Raises:
        MissingFile: If there is no such file.
        InputError: If it is not TOML, of the other kind of experiment, or a field is missing, unknown, of another type
            or out of its range; the message names the file.
    """
    return read_kind(path, EpochExperiment, "train", changes)


def _is_size(sizes: tuple) -> bool:
    return len(sizes) == 3 and all(isinstance(n, int) and not isinstance(n, bool) and n >= 1 for n in sizes)
