"""What makes a model card acceptable: its JSON schema, and the laws a schema cannot express."""

import json
import math
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from mrsynth.errors import InputError
from mrsynth.timing import TimingRanges

SCHEMA_PATH = Path(__file__).with_name("model_card.schema.json")
LONGEST_VALUE = 80  # characters of a wrong value that an error message shows


def check_card(data: Any, where: str) -> None:
    """Refuse a document that is not a model card.

    Args:
        data: A parsed JSON document.
        where: What the message calls it, such as its path.

    Raises:
        InputError: Code ``bad_card``; one line naming ``where``, the first wrong field, what was expected and found.
    """
    complaints = [*_schema_complaints(data)] or [*_value_complaints(data, ""), *_law_complaints(data)]
    if complaints:
        more = f" (and {len(complaints) - 1} more)" if len(complaints) > 1 else ""
        raise InputError(f"{where}: {complaints[0]}{more}", code="bad_card")


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))


def _schema_complaints(data: Any) -> list[str]:
    errors = sorted(_validator().iter_errors(data), key=_rank)
    return [complaint for error in errors for complaint in _describe(error)]


def _rank(error: ValidationError) -> tuple[bool, str]:
    # A card of another schema version differs in many fields; the version is the one that explains the others.
    return error.json_path != "$.schema_version", error.json_path


def _describe(error: ValidationError) -> Iterator[str]:
    field = error.json_path.removeprefix("$").removeprefix(".")
    prefix = f"{field}: " if field else ""
    if error.validator == "required":
        yield f"{prefix}{error.message.replace(' is a required property', '')}: expected this field, found it missing"
    elif error.validator == "additionalProperties":
        for name in _unknown_names(error):
            yield f"{prefix}{name!r}: expected only known fields, found this one"
    else:
        expected = error.schema.get("description") or f"a JSON {error.schema.get('type', 'value')}"
        yield f"{prefix}expected {expected}, found {_shortened(error.instance)}"


def _unknown_names(error: ValidationError) -> Iterable[str]:
    return [name for name in error.instance if name not in error.schema.get("properties", {})]


def _shortened(value: Any) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."


def _value_complaints(value: Any, field: str) -> Iterator[str]:
    """Find numbers JSON cannot hold, and control characters, which a terminal would obey instead of showing."""
    if isinstance(value, dict):
        parts = value.items()
        yield from chain.from_iterable(_value_complaints(name, f"{field}.{name!r}") for name in value)
    else:
        parts = enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, part in parts:
        yield from _value_complaints(part, f"{field}.{key}".removeprefix("."))
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{field}: expected a finite number, found {value}"
    if isinstance(value, str) and not all(c.isprintable() or c in "\n\t" for c in value):
        yield f"{field}: expected text without control characters, found {_shortened(value)}"


def _law_complaints(card: dict[str, Any]) -> Iterator[str]:
    if card["source_contrast"] == card["target_contrast"]:
        yield f"target_contrast: expected another contrast than the source's, found {card['target_contrast']} for both"
    for field in ("in_plane_spacing_mm", "slice_spacing_mm"):
        low, high = card["grid"][field]
        if low > high:
            yield f"grid.{field}: expected [lowest, highest], found [{low}, {high}]"
    yield from _patch_complaints(card["inference"])
    if "timing" in card:
        yield from _timing_complaints(card["timing"])


def _timing_complaints(timing: dict[str, Any]) -> Iterator[str]:
    try:
        TimingRanges(**timing)
    except InputError as error:
        yield f"timing: {error}"


def _patch_complaints(inference: dict[str, Any]) -> Iterator[str]:
    patch = inference["patch"]
    if inference["mode"] == "paper" and not (patch and inference["stride"]):
        yield "inference: expected a patch and a stride, as its mode is paper, found null"
    for field in ("stride", "smooth_stride"):
        stride = inference[field]
        if patch and stride and any(step > size for step, size in zip(stride, patch, strict=True)):
            yield f"inference.{field}: expected at most the patch {patch}, so that no voxel is skipped, found {stride}"
    thinning, stride = inference.get("thinning", 1), inference["smooth_stride"]
    if thinning > 1 and not (patch and stride and all(thinning * s <= p for s, p in zip(stride, patch, strict=True))):
        yield f"inference.thinning: expected times smooth_stride at most the patch {patch}, found {thinning} x {stride}"
