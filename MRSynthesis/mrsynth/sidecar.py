"""The JSON file beside each output, which says that the image is synthetic and how it was made.

It names the source by its file name only: no folders, nothing from the source's header.
"""

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mrsynth
from mrsynth.json_file import write_json
from mrsynth.volume import volume_stem, volume_suffix

if TYPE_CHECKING:
    from mrsynth.models.card import ModelCard

SIDECAR_SCHEMA_VERSION = 1
MADE_BY = "MRSynthesis"
KINDS = {
    "synthetic volume": "Synthesised from another contrast by a network. It was not acquired and is not for diagnosis.",
    "uncertainty": "How unsure a synthesised volume is, in its intensities: each voxel holds {uncertainty_meaning}.",
}
_LARGEST_SIDECAR_BYTES = 1_000_000
_PACKAGES = ("torch", "numpy", "scipy", "nibabel", "SimpleITK", "safetensors")


@dataclass(frozen=True)
class Provenance:
    """How an output came about.

    Attributes:
        source: The scan; only its name is recorded.
        card: Of the model that was used.
        options: As they took effect, in JSON's types.
        device: Where the network ran, such as ``"cpu"``.
        seconds: What the synthesis took.
        warnings: What the run had to say.
        comparison: Metrics against an acquired reference, if there was one.
        precision: In which the network computed, such as ``"float32"``.
        timing: Echo and repetition times that the model was told, and where from; None if it takes none.
    """

    source: Path
    card: "ModelCard"
    options: dict[str, Any]
    device: str
    seconds: float
    warnings: Sequence[str] = ()
    comparison: dict[str, Any] | None = None
    precision: str = "float32"
    timing: dict[str, Any] | None = None


def sidecar_path(output: Path) -> Path:
    """Where the sidecar of a volume lies: ``x.json`` beside ``x.nii.gz``."""
    return output.with_name(f"{volume_stem(output)}.json")


def write_sidecar(path: Path, output_name: str, kind: str, provenance: Provenance) -> None:
    """Write what is known about one output.

    Args:
        path: The JSON file.
        output_name: The file name that the output will have.
        kind: One of ``KINDS``.
        provenance: How the output came about.

    Raises:
        OutputError: The file cannot be written; nothing is left of it.
    """
    write_json(path, sidecar_document(output_name, kind, provenance))


def sidecar_document(output_name: str, kind: str, provenance: Provenance) -> dict[str, Any]:
    """The content of a sidecar; the arguments are those of ``write_sidecar``."""
    card = provenance.card
    document = {
        "schema_version": SIDECAR_SCHEMA_VERSION,
        "made_by": MADE_BY,
        "synthetic": True,
        "kind": kind,
        "note": KINDS[kind].format(uncertainty_meaning=card.uncertainty_meaning),
        "output": output_name,
        "contrast": card.target_contrast,
        "source": {"name": provenance.source.name, "contrast": card.source_contrast},
        "model": {"name": card.name, "version": card.version, "sha256": card.sha256},
        "options": provenance.options,
        "device": provenance.device,
        "precision": provenance.precision,
        "seconds": round(provenance.seconds, 3),
        "warnings": [_without_folders(text, provenance.source) for text in provenance.warnings],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "software": software_versions(),
    }
    found = {"timing": provenance.timing, "comparison": provenance.comparison}
    return document | {name: part for name, part in found.items() if part is not None}


def is_sidecar(path: Path) -> bool:
    """Whether a file is a sidecar that this program wrote."""
    return _is_ours(_read(path))


def is_own_output(volume_path: Path) -> bool:
    """Whether a sidecar beside the file says that this program made it."""
    document = read_sidecar(volume_path)
    return _is_ours(document) and volume_suffix(str(document.get("output"))) == volume_suffix(volume_path)


def read_sidecar(volume_path: Path) -> dict[str, Any]:
    """The JSON object in the sidecar beside a volume, whoever wrote it; an empty one if there is none."""
    return _read(sidecar_path(volume_path))


def software_versions() -> dict[str, str]:
    """Versions of what takes part in a synthesis, without importing any of it."""
    versions = {"mrsynth": mrsynth.__version__, "python": platform.python_version(), "system": platform.system()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            # Slicer brings some of these without their metadata.
            continue
    return versions


def _read(path: Path) -> dict[str, Any]:
    """The JSON object in a file, or an empty one if it holds none."""
    try:
        if path.stat().st_size > _LARGEST_SIDECAR_BYTES:
            return {}
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _is_ours(document: dict[str, Any]) -> bool:
    return document.get("made_by") == MADE_BY and document.get("synthetic") is True


def _without_folders(text: str, source: Path) -> str:
    return text.replace(str(source), source.name)
