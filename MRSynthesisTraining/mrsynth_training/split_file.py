"""Splits on disk, as JSON that a person can read; one that a trained model may rest on is not silently replaced."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from mrsynth.errors import InputError, MissingFile, OutputExists
from mrsynth.json_file import write_json
from mrsynth_training.plain_name import require_plain_name
from mrsynth_training.split import Split, SplitOptions, leave_site_out, split_subjects

SPLIT_NAME = "split.json"


def write_splits(cache: Path, splits: Mapping[str, Split], replace: bool = False) -> None:
    """Write splits by file name into a folder: all of them, or none if one may not be replaced.

    Raises:
        OutputExists: As of `write_split`.
        OutputError: If one cannot be written.
    """
    for name, split in splits.items():
        _require_same(split, cache / name, replace)
    for name, split in splits.items():
        write_split(split, cache / name, replace)


def named_splits(sites: Mapping[str, str], options: SplitOptions, leave_one_site_out: bool) -> dict[str, Split]:
    """Return the split of all subjects and, if that is wanted, one for each site that leaves it out, by file name.

    Raises:
        InputError: If there are too few subjects or sites, or a site's name cannot be part of a file name.
    """
    splits = {SPLIT_NAME: split_subjects(sites, options)}
    for site in sorted(set(sites.values())) if leave_one_site_out else ():
        splits[site_split_name(site)] = leave_site_out(sites, site, options)
    return splits


def site_split_name(site: str) -> str:
    """Return the file name of the split that leaves a site out.

    Raises:
        InputError: If the site's name cannot be part of a file name.
    """
    require_plain_name(site, "the name of a site that is left out")
    return f"split-without-{site}.json"


def write_split(split: Split, path: Path, replace: bool = False) -> None:
    """Write a split as JSON; one that is there already and the same is left alone.

    Raises:
        OutputExists: If another one is there and ``replace`` is false: a run would be judged on what it was trained on.
        OutputError: If it cannot be written.
    """
    _require_same(split, path, replace)
    write_json(path, asdict(split))


def read_split(path: Path) -> Split:
    """Read a split.

    Raises:
        MissingFile: If there is none.
        InputError: If it is no split, or its parts overlap.
    """
    if not path.is_file():
        raise MissingFile(f"{path}: expected a split, found none; `mrsynth-train prepare` makes one")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Split(**{field.name: _value(document[field.name]) for field in fields(Split)})
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: expected a split in JSON, found a damaged one: {error}", "corrupt_file") from error


def _require_same(split: Split, path: Path, replace: bool) -> None:
    if path.exists() and not replace and read_split(path) != split:
        raise OutputExists(
            f"{path}: expected the split of these subjects, numbers and seed, found another, which trained models may "
            "rest on; --new-split replaces it, or use another cache"
        )


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
