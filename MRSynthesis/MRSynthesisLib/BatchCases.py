"""Which scans a folder holds, which acquired images belong to them, and where their results go."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mrsynth.errors import InputError, MissingFile
from mrsynth.volume import volume_stem

SLICER_SUFFIXES = (".nhdr", ".mhd", ".hdr", ".mgh.gz", ".mgz", ".mgh", ".mnc", ".pic")
"""Volumes that Slicer reads and the worker does not; of several files that make one, the one to open."""

_LAST_PART = re.compile(r"[-_ .][^-_ .]*$")


@dataclass(frozen=True)
class BatchCase:
    """One scan of a batch.

    Attributes:
        source: A volume file or a folder with one DICOM series.
        reference: The acquired image of the target contrast, if there is one.
        output: The file to write.
    """

    source: Path
    reference: Path | None
    output: Path


@dataclass(frozen=True)
class BatchPlan:
    """How cases are found and named.

    Attributes:
        inputFolder: Holds volumes, DICOM series or folders with one.
        outputFolder: Gets ``x-synthetic-PD.nii.gz`` for ``x.nii.gz``.
        contrast: What is made, such as ``"PD"``.
        suffix: Of the outputs, with the dot.
        referenceSuffix: How the names of acquired images of the target contrast end, before their format;
            ``""``: there are none.
    """

    inputFolder: Path
    outputFolder: Path
    contrast: str
    suffix: str
    referenceSuffix: str = ""

    def cases(self) -> list[BatchCase]:
        """The folder's scans in the order of their names; what this program made is left out, and so are references.

        Raises:
            InputError: The folder is none, cannot be read, or holds no scan.
        """
        if not self.inputFolder.is_dir():
            raise MissingFile(f"{self.inputFolder}: expected a folder with scans, found none of this name")
        scans = _scansIn(self.inputFolder)
        references = {scanName(scan): scan for scan in scans if self._isReference(scan)}
        sources = [scan for scan in scans if not self._isReference(scan)]
        if not sources:
            raise MissingFile(f"{self.inputFolder}: expected scans, found reference images only")
        names = Counter(scanName(scan).casefold() for scan in sources)
        return [
            BatchCase(source, self._referenceOf(source, references), self._outputOf(source, names))
            for source in sources
        ]

    def _isReference(self, scan: Path) -> bool:
        return self.referenceSuffix != "" and scanName(scan).endswith(self.referenceSuffix)

    def _referenceOf(self, source: Path, references: dict[str, Path]) -> Path | None:
        """``x_PD`` for ``x``, or for ``x_T2``."""
        name = scanName(source)
        wanted = (stem + self.referenceSuffix for stem in (name, _LAST_PART.sub("", name)))
        return next((references[each] for each in wanted if each in references), None)

    def _outputOf(self, source: Path, names: Counter[str]) -> Path:
        """A name of its own for each: ``x.mgz`` keeps its ending where there is an ``x.nii``, too."""
        name = scanName(source)
        unique = name if names[name.casefold()] == 1 else source.name
        return self.outputFolder / f"{unique}-synthetic-{self.contrast}{self.suffix}"


def scanName(scan: Path) -> str:
    """A scan's name without its format."""
    suffix = slicerSuffix(scan)
    if suffix:
        return scan.name[: -len(suffix)]
    return scan.name if scan.is_dir() else volume_stem(scan)


def slicerSuffix(scan: Path) -> str:
    """The ending of a volume that only Slicer can read; ``""`` for others."""
    name = scan.name.lower()
    return next((suffix for suffix in SLICER_SUFFIXES if name.endswith(suffix) and scan.is_file()), "")


def _scansIn(folder: Path) -> list[Path]:
    """What the command line would take, and what only Slicer reads.

    Raises:
        InputError: There is neither, or the folder cannot be read.
    """
    from mrsynth.cli.cases import cases

    try:
        others = [path for path in folder.iterdir() if slicerSuffix(path) and not path.name.startswith(".")]
    except OSError as error:
        raise InputError(f"{folder}: expected a readable folder, found: {error.strerror}", "unreadable") from error
    try:
        return _sorted([*cases(folder), *others])
    except MissingFile:
        if not others:
            raise
        return _sorted(others)


def _sorted(scans: Iterable[Path]) -> list[Path]:
    return sorted(scans, key=lambda scan: scan.name)
