"""Model cards: what a model does, how it was made, how good it is, and the fingerprint of its weights."""

import copy
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NoReturn, NotRequired, TypedDict

from mrsynth.errors import InputError, MissingFile
from mrsynth.models.card_check import check_card

CARD_NAME = "card.json"
WEIGHTS_NAME = "weights.safetensors"
_OPTIONAL = ("reliability", "timing")
LARGEST_CARD_BYTES = 1_000_000  # a card is a page of text; a file beyond this is something else
EXPECTED_ERROR = "the absolute error that the network itself expects of its result"
DISAGREEMENT = "the standard deviation between the network's overlapping and mirrored answers"


class NetworkEntry(TypedDict):
    name: str
    configuration: dict[str, Any]


class GridEntry(TypedDict):
    in_plane_spacing_mm: list[float]
    slice_spacing_mm: list[float]
    plane: NotRequired[str]


class PresetEntry(TypedDict):
    seconds: float
    times_faster: float
    psnr_change_db: float
    note: str


class InferenceEntry(TypedDict):
    mode: str
    patch: list[int] | None
    stride: list[int] | None
    smooth_stride: list[int] | None
    window: NotRequired[str]
    thinning: NotRequired[int]
    mirrored: NotRequired[bool]
    presets: NotRequired[dict[str, PresetEntry]]


class TrainingEntry(TypedDict):
    data: str
    data_licence: str
    simulated: bool
    subjects: int
    protocol: str
    seed: int
    steps: int
    seconds: float
    hardware: str
    software: str
    configuration: dict[str, Any]


Metrics = dict[str, float | dict[str, float]]


class FigureEntry(TypedDict):
    data: str
    mask: str
    range: str
    metrics: Metrics
    baselines: dict[str, Metrics]
    note: str


class TimingEntry(TypedDict):
    te_ms: list[float]
    tr_ms: list[float]
    target_te_ms: list[float]
    usual_target_te_ms: float


class FindingEntry(TypedDict):
    definition: str
    scans: int
    table: dict[str, Metrics]


@dataclass(frozen=True, eq=False)
class ModelCard:
    """A model's description; the fields mean what ``model_card.schema.json`` says, and are checked against it.

    Attributes:
        grid: Spacings in mm the network was trained on, each ``[lowest, highest]``, and the plane of its slices if that
            is not the one a scan was acquired in.
        normalization: What ``mrsynth.normalization.build_normalizer`` takes.
        inference: Patch and strides in voxels, axes (in-plane, in-plane, slice); a patch of None is the whole stack.
            What was measured for the presets (``mrsynth.presets``) may stand there as well.
        figures: Measured on what, inside which mask, over which range, next to which baselines.
        url: Where the weights can be downloaded, or None if they come with the card only.
        sha256: Of the weights file, in lower-case hexadecimal digits.
        size_bytes: Of the weights file.
        reliability: What was found on scans whose answer is known (``lesions``, ``false_lesions``, ``uncertainty``,
            ``tissues``), or None if nobody looked.
        timing: The echo and repetition times that the network was trained on and can be told, as
            ``mrsynth.timing.TimingRanges`` takes them, or None if it takes none.

    Raises:
        InputError: Code ``bad_card``, if a field is not what the schema asks for.
    """

    schema_version: int
    name: str
    version: str
    title: str
    source_contrast: str
    target_contrast: str
    network: NetworkEntry
    grid: GridEntry
    normalization: dict[str, Any]
    inference: InferenceEntry
    training: TrainingEntry
    figures: list[FigureEntry]
    intended_use: str
    not_for: str
    limitations: str
    licence: str
    url: str | None
    sha256: str
    size_bytes: int
    reliability: dict[str, FindingEntry] | None = None
    timing: TimingEntry | None = None

    def __post_init__(self) -> None:
        check_card(self.to_dict(), "model card")

    @property
    def uncertainty_meaning(self) -> str:
        """What the voxels of an uncertainty volume are, in words that go on after "each voxel holds"."""
        return EXPECTED_ERROR if self.network["configuration"].get("estimates_error") else DISAGREEMENT

    @classmethod
    def from_dict(cls, data: Any, where: str = "model card") -> "ModelCard":
        """Return the card a parsed JSON document describes.

        Args:
            data: The document; it is copied.
            where: What error messages call it, such as its path.

        Raises:
            InputError: Code ``bad_card``, naming the first field that is missing, unknown or wrong.
        """
        check_card(data, where)
        return cls(**copy.deepcopy(data))

    def to_dict(self) -> dict[str, Any]:
        """Return a copy of the card as JSON's types, in the order of the fields, without those that it lacks."""
        document = {field.name: copy.deepcopy(getattr(self, field.name)) for field in fields(self)}
        return {name: value for name, value in document.items() if name not in _OPTIONAL or value is not None}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_card(path: Path) -> ModelCard:
    """Read a card from its file, or from the model folder that holds it.

    Raises:
        MissingFile: If there is no such file.
        InputError: Code ``bad_card``, naming the file and the field.
    """
    path = Path(path)
    if path.is_dir():
        path = path / CARD_NAME
    return ModelCard.from_dict(_parse(_read_text(path), path), str(path))


def _read_text(path: Path) -> str:
    if not path.is_file():
        raise MissingFile(f"{path}: expected a model card, found no such file")
    try:
        if path.stat().st_size > LARGEST_CARD_BYTES:
            raise InputError(
                f"{path}: expected a model card of at most {LARGEST_CARD_BYTES} bytes, found {path.stat().st_size}",
                code="bad_card",
            )
        return path.read_text(encoding="utf-8-sig")  # editors on Windows put a byte order mark first
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a readable UTF-8 text, found: {error}", code="bad_card") from error


def _parse(text: str, path: Path) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON, found: {error}", code="bad_card") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is not JSON")
