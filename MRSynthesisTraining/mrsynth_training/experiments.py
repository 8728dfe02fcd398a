"""Experiments as declarative files: everything that a training run depends on, checked before it starts."""

import tomllib
from collections.abc import Sequence
from dataclasses import MISSING, Field, asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar, get_args, get_origin

from mrsynth.errors import InputError, MissingFile
from mrsynth.timing import CONDITIONS, TimingRanges
from mrsynth_training.experiment_changes import changed

CONTRASTS = ("T2", "PD")

PRECISIONS = ("float32", "bfloat16")

# What a file may hold where a field is of these types; otherwise it is the type itself.
ACCEPTED: dict[type, tuple[type, ...]] = {float: (int, float), tuple: (list, tuple)}

# The sub-command that runs each kind of experiment, and the table that only a file of that kind has.
TABLES = {"fit": "optimization", "train": "schedule"}


class ReadFromTable(Protocol):
    """A kind of experiment, as far as reading it goes."""

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Self:
        """Return the experiment a document describes."""


Kind = TypeVar("Kind", bound=ReadFromTable)


@dataclass(frozen=True)
class SimulationOptions:
    """How many scans are simulated, from which heads.

    Attributes:
        scans: Number of simulated scans.
        training_heads: The first so many label maps, in the order of their names, are for training.
        seed: Seed of the first scan, at least 0; the others count up from it.
        ixi_share: Share of scans at IXI's protocol; the others are as clinics acquire them.
        wide_share: Share of scans that may be unlike those of most scanners (`variety.wide_variety`). They are taken
            evenly from all scans and the heads in turn, so 0.5 of 16 heads would be every other head's.
    """

    scans: int
    training_heads: int
    seed: int
    ixi_share: float = 0.0
    wide_share: float = 0.0

    def __post_init__(self) -> None:
        for share in (self.ixi_share, self.wide_share):
            require(0 <= share <= 1, f"expected a share from 0 to 1, found {share}")
        require(self.scans >= 1 and self.training_heads >= 1, f"expected at least one scan and head, found {self}")
        require(self.seed >= 0, f"expected a seed of at least 0, found {self.seed}")


@dataclass(frozen=True)
class OptimizationOptions:
    """How a generator is fitted: AdamW under a one-cycle rate on random patches.

    Attributes:
        steps: Number of mini-batches.
        batch_size: Patches a mini-batch.
        patch: Size of a patch (in-plane, in-plane, slice).
        peak_rate: Learning rate at the end of the warm-up.
        warmup: Share of the steps over which the rate rises.
        weight_decay: Of AdamW.
        gradient_weight: Weight of the gradient difference beside the absolute error.
        squared_weight: Weight of the squared error beside the absolute error.
        error_weight: Weight of the squared error of the network's estimate of its own error, if it makes one.
        lesion_weight: How much more than other voxels those of lesions count.
        faint_weight: What is added to ``lesion_weight`` where a voxel comes out darker than it should.
        lesion_patches: Share of patches that are drawn around a lesion, in scans that have some.
        averaging: Decay of the running average of the weights, which is what is exported.
        start_share: Share that the weights it began with have in what is exported, if it continues a model: between the
            two lie weights that know the new data and meet others better than either (M. Wortsman et al., "Robust
            fine-tuning of zero-shot models", CVPR 2022).
        seed: Of the initial weights and of the patches; at least 0.
        precision: Of the convolutions, ``float32`` or ``bfloat16``; weights and losses are float32 in both. A GPU may
            round the factors of float32 to TF32.
    """

    steps: int
    batch_size: int
    patch: tuple[int, int, int]
    peak_rate: float = 2.5e-3
    warmup: float = 0.08
    weight_decay: float = 1e-3
    gradient_weight: float = 0.2
    squared_weight: float = 0.0
    error_weight: float = 1.0
    lesion_weight: float = 0.0
    faint_weight: float = 0.0
    lesion_patches: float = 0.0
    averaging: float = 0.998
    start_share: float = 0.0
    seed: int = 0
    precision: str = "float32"

    def __post_init__(self) -> None:
        object.__setattr__(self, "patch", tuple(self.patch))
        require(self.steps >= 1 and self.batch_size >= 1, f"expected at least one step and patch, found {self}")
        whole = all(isinstance(size, int) and size >= 1 for size in self.patch)
        require(len(self.patch) == 3 and whole, f"expected three patch sizes, found {self.patch}")
        require(
            self.peak_rate > 0 and 0 < self.warmup < 1, f"expected a positive rate and 0 < warmup < 1, found {self}"
        )
        require(0 <= self.averaging < 1, f"expected 0 <= averaging < 1, found {self.averaging}")
        lesions = (self.lesion_weight, self.faint_weight)
        weights = (self.weight_decay, self.gradient_weight, self.squared_weight, self.error_weight, *lesions)
        require(min(weights) >= 0, f"expected weights of at least 0, found {self}")
        for share in (self.lesion_patches, self.start_share):
            require(0 <= share <= 1, f"expected a share from 0 to 1, found {share}")
        require(self.precision in PRECISIONS, f"expected a precision of {PRECISIONS}, found {self.precision!r}")
        require(self.seed >= 0, f"expected a seed of at least 0, found {self.seed}")


@dataclass(frozen=True)
class Experiment:
    """One direction, one network, one way of training it.

    Attributes:
        name: Of the model that comes out.
        title: For people.
        source_contrast: ``T2`` or ``PD``.
        target_contrast: The other one.
        network: ``{"name": ..., "configuration": {...}}`` as in a model card.
        simulation: The training data.
        optimization: The training.
        continues: Name of the model whose weights it begins with; empty for fresh ones.
        timing: Echo and repetition times that the network is told, and can be asked for; None tells it nothing.
    """

    name: str
    title: str
    source_contrast: str
    target_contrast: str
    network: dict[str, Any]
    simulation: SimulationOptions
    optimization: OptimizationOptions
    timing: TimingRanges | None = None
    continues: str = ""

    def __post_init__(self) -> None:
        pair = {self.source_contrast, self.target_contrast}
        require(pair == set(CONTRASTS), f"expected the contrasts T2 and PD, found {sorted(pair)}")
        require_network(self.network)
        told, expected = self.network["configuration"].get("conditions", 0), CONDITIONS if self.timing else 0
        require(told == expected, f"expected a network of {expected} conditions, as timing says, found {told}")
        shared = self.optimization.start_share > 0
        require(bool(self.continues) or not shared, "expected a model to continue, of whose weights a share is kept")

    def to_dict(self) -> dict[str, Any]:
        """Return the experiment as a document; without what it lacks of timing and continues."""
        document = asdict(self)
        absent = {name for name in ("timing", "continues") if not document[name]}
        return {name: value for name, value in document.items() if name not in absent}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> "Experiment":
        """Return the experiment a document describes.

        Raises:
            InputError: If a field is missing, unknown, of another type or out of its range.
        """
        document = checked_table(cls, document)
        document["simulation"] = SimulationOptions(**checked_table(SimulationOptions, document["simulation"]))
        document["optimization"] = OptimizationOptions(**checked_table(OptimizationOptions, document["optimization"]))
        if "timing" in document:
            document["timing"] = TimingRanges(**checked_table(TimingRanges, document["timing"]))
        return cls(**document)


def shipped_experiments() -> dict[str, Path]:
    """Return the files of the shipped experiments of either kind, by name, wherever this package is installed."""
    here = Path(__file__).parent
    folders = (here.parent / "Resources" / "Experiments", here / "shipped_experiments")  # in a tree, in a wheel
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}


def read_document(path: Path) -> dict[str, Any]:
    """Return the tables of an experiment file.

    Args:
        path: A TOML file, or the bare name of a shipped experiment.

    Raises:
        MissingFile: If there is neither.
        InputError: If it is not TOML; the message names the file.
    """
    shipped = shipped_experiments()
    found = path if path.is_file() else shipped.get(str(path))
    if found is None:
        raise MissingFile(f"{path}: expected an experiment file or a name of {sorted(shipped)}, found neither")
    try:
        return tomllib.loads(found.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{found}: {error}") from error


def read_experiment(path: Path, changes: Sequence[str] = ()) -> Experiment:
    """Read an experiment from a TOML file, or a shipped one by its name.

    Args:
        path: The file, or the bare name.
        changes: Values to replace, see `experiment_changes.changed`.

    Raises:
        MissingFile: If there is no such file.
        InputError: If it is not TOML, of the other kind of experiment, or a field is missing, unknown, of another type
            or out of its range; the message names the file.
    """
    return read_kind(path, Experiment, "fit", changes)


def read_kind(path: Path, kind: type[Kind], command: str, changes: Sequence[str] = ()) -> Kind:
    """Read an experiment of one kind; raises as `read_experiment`.

    Args:
        path: A TOML file, or the bare name of a shipped experiment.
        kind: Its class, with a ``from_dict``.
        command: The sub-command that runs this kind: a key of `TABLES`.
        changes: Values to replace.
    """
    document = changed(read_document(path), changes)
    document.pop("card", None)  # texts for people, which change nothing about the training
    for other, table in TABLES.items():
        if other != command and table in document:
            expected = f"expected an experiment of `mrsynth-train {command}`, found one of `mrsynth-train {other}`"
            raise InputError(f"{path}: {expected}")
    try:
        return kind.from_dict(document)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def require_network(network: dict[str, Any]) -> None:
    """Check an experiment's network.

    Raises:
        InputError: If it is not a name and a configuration.
    """
    whole = set(network) == {"name", "configuration"} and isinstance(network["configuration"], dict)
    require(whole, f"expected a network's name and configuration, found {network}")


def checked_table(cls: type, document: Any) -> dict[str, Any]:
    """Return a copy of a table whose keys and types are those of a dataclass's fields.

    Raises:
        InputError: If it is no table, or a field is missing, unknown or of another type.
    """
    if not isinstance(document, dict):
        raise InputError(f"expected a table for {cls.__name__}, found {document!r}")
    known = {field.name for field in fields(cls)}
    required = {each.name for each in fields(cls) if each.default is MISSING and each.default_factory is MISSING}
    missing, unknown = sorted(required - set(document)), sorted(set(document) - known)
    if missing or unknown:
        raise InputError(f"{cls.__name__}: missing fields {missing}, unknown fields {unknown}")
    for field in fields(cls):
        if field.name in document and not _accepts(field, document[field.name]):
            expected = getattr(field.type, "__name__", field.type)
            raise InputError(f"{cls.__name__}: expected {field.name} as {expected}, found {document[field.name]!r}")
    return dict(document)


def _accepts(field: Field, value: Any) -> bool:
    kind = get_origin(field.type) or field.type
    if any(is_dataclass(each) for each in (kind, *get_args(field.type))):
        return True  # checked as a table of its own
    # To Python a truth value is a whole number; to a reader of the file it is not.
    return isinstance(value, ACCEPTED.get(kind, kind)) and isinstance(value, bool) == (kind is bool)


def require(condition: bool, message: str) -> None:
    """Check an option of an experiment.

    Raises:
        InputError: With the message, if the condition does not hold.
    """
    if not condition:
        raise InputError(message)
