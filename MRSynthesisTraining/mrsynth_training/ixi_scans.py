"""The T2 and PD scans of IXI wherever they lie in a folder: archives as downloaded, unpacked folders, loose files."""

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mrsynth.errors import InputError, MissingFile
from mrsynth.volume import is_volume_path
from mrsynth_training.data_origin import IXI
from mrsynth_training.ixi_archive import list_members
from mrsynth_training.scan_file import ScanFile
from mrsynth_training.scan_pair import ScanPair
from mrsynth_training.subject_table import DUPLICATE, MISSING_PARTNER, OTHER_EXAMINATION, SubjectRecord

CONTRASTS = ("T2", "PD")
ARCHIVES = {contrast: f"IXI-{contrast}.tar" for contrast in CONTRASTS}

_NAME = re.compile(r"(IXI\d+)-([A-Za-z]+)-(\d+)-(T2|PD)\.nii(?:\.gz)?")


@dataclass(frozen=True)
class IxiScan:
    """One scan as its name describes it, such as ``IXI002-Guys-0828-T2.nii.gz``.

    Attributes:
        subject: ``IXI002``.
        site: ``Guys``, ``HH`` or ``IOP``.
        examination: ``0828``, the site's own number.
        contrast: ``T2`` or ``PD``.
        file: Where it lies.
    """

    subject: str
    site: str
    examination: str
    contrast: str
    file: ScanFile


def find_ixi(folder: Path) -> tuple[list[ScanPair], list[SubjectRecord]]:
    """Return the pairs of a folder, by subject, and the subjects that make no pair.

    A scan that is both in an archive and unpacked is taken from where it was unpacked. A subject with two scans of one
    contrast elsewhere is skipped, as nobody can tell which is right.

    Args:
        folder: Searched with all its sub-folders for files, and itself for ``IXI-T2.tar`` and ``IXI-PD.tar``.

    Raises:
        MissingFile: If the folder does not exist.
        InputError: If it holds no scan of IXI, or an archive is truncated.
    """
    scans = find_scans(folder)
    if not scans:
        raise InputError(
            f"{folder}: expected {' and '.join(ARCHIVES.values())} or files such as IXI002-Guys-0828-T2.nii.gz, found "
            "none; --download fetches them, and a table of pairs describes any other data",
            "missing_file",
        )
    by_subject: dict[str, list[IxiScan]] = defaultdict(list)
    for scan in scans:
        by_subject[scan.subject].append(scan)
    paired = [_pair(by_subject[subject]) for subject in sorted(by_subject)]
    pairs = [each for each in paired if isinstance(each, ScanPair)]
    return pairs, [each for each in paired if isinstance(each, SubjectRecord)]


def find_scans(folder: Path) -> list[IxiScan]:
    """Return every T2 and PD scan of IXI in a folder.

    Raises:
        MissingFile: If the folder does not exist.
        InputError: If an archive is truncated or unreadable.
    """
    if not folder.is_dir():
        raise MissingFile(f"{folder}: expected a folder with IXI in it, found none")
    unpacked = list(_named(_files(folder)))
    names = {PurePosixPath(scan.file.path.name).name.split(".")[0] for scan in unpacked}
    archives = [folder / name for name in ARCHIVES.values() if (folder / name).is_file()]
    archived = [scan for archive in archives for scan in _named(list_members(archive))]
    return unpacked + [scan for scan in archived if PurePosixPath(scan.file.member).name.split(".")[0] not in names]


def _files(folder: Path) -> Iterator[ScanFile]:
    """Yield the volumes of a folder and its sub-folders; hidden ones are unfinished or somebody else's."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (ScanFile(Path(parent, name)) for name in sorted(files) if is_volume_path(name))


def _named(files: Iterator[ScanFile] | Sequence[ScanFile]) -> Iterator[IxiScan]:
    """Yield the files whose names are those of T2 and PD scans of IXI."""
    for file in files:
        found = _NAME.fullmatch(PurePosixPath(file.member or file.path.name).name)
        if found:
            yield IxiScan(*found.groups(), file)


def _pair(scans: Sequence[IxiScan]) -> ScanPair | SubjectRecord:
    """Return the pair that the scans of one subject make, or why they make none."""
    subject, site = scans[0].subject, scans[0].site
    found = ", ".join(sorted(scan.file.name for scan in scans))
    by_contrast = {contrast: [scan for scan in scans if scan.contrast == contrast] for contrast in CONTRASTS}
    if any(len(same) > 1 for same in by_contrast.values()):
        return SubjectRecord(subject, site, DUPLICATE, f"expected one scan of each contrast, found {found}")
    missing = [contrast for contrast in CONTRASTS if not by_contrast[contrast]]
    if missing:
        return SubjectRecord(subject, site, MISSING_PARTNER, f"expected {missing[0]} as well, found {found}")
    (source,), (target,) = (by_contrast[contrast] for contrast in CONTRASTS)
    if (source.site, source.examination) != (target.site, target.examination):
        return SubjectRecord(subject, site, OTHER_EXAMINATION, f"expected one examination, found {found}")
    return ScanPair(subject, site, source.file, target.file, IXI)
