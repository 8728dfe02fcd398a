"""Which subjects a network is trained on, which choose its best epoch, and which it is judged on."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from mrsynth.errors import InputError
from mrsynth_training.stratification import proportional_counts, stratified_counts

PARTS = ("train", "validation", "test")
UNUSED = "unused"


@dataclass(frozen=True)
class SplitOptions:
    """How many subjects each part gets, or in which proportion if there are fewer; more are left unused.

    Attributes:
        train: Subjects to train on.
        validation: Subjects that choose the best epoch.
        test: Subjects to judge by.
        seed: Decides who goes where.

    Raises:
        InputError: If a part is empty.
    """

    train: int = 250
    validation: int = 35
    test: int = 70
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.train, self.validation, self.test) < 1:
            found = (self.train, self.validation, self.test)
            raise InputError(f"expected at least one subject in each part of the split, found {found}")


@dataclass(frozen=True)
class Split:
    """A partition of subjects; names in each part are sorted.

    Attributes:
        train: Subjects to train on.
        validation: Subjects that choose the best epoch.
        test: Subjects to judge by.
        unused: Subjects beyond the numbers that were asked for.
        sites: Site of every subject; may be empty text.
        seed: It was made from.
        left_out_site: The site that is the whole test part, where one was left out of training.

    Raises:
        InputError: If a subject is in two parts or none, or a part that is needed is empty.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    unused: tuple[str, ...]
    sites: dict[str, str]
    seed: int
    left_out_site: str | None = None

    def __post_init__(self) -> None:
        subjects = [name for part in (*PARTS, UNUSED) for name in self.part(part)]
        if sorted(subjects) != sorted(self.sites):
            raise InputError(
                f"expected each of {len(self.sites)} subjects in one part of the split, found {len(subjects)}"
            )
        empty = [part for part in PARTS if not self.part(part)]
        if empty:
            raise InputError(f"expected subjects in each part of the split, found none in {', '.join(empty)}")

    def part(self, name: str) -> tuple[str, ...]:
        """Return the subjects of ``train``, ``validation``, ``test`` or ``unused``.

        Raises:
            InputError: If the part is another.
        """
        if name not in (*PARTS, UNUSED):
            raise InputError(f"expected a part of {(*PARTS, UNUSED)}, found {name!r}")
        return getattr(self, name)


def split_subjects(sites: Mapping[str, str], options: SplitOptions) -> Split:
    """Split subjects, each site in the same proportion to within one subject.

    Who goes where follows from the seed and the names alone, not from their order.

    Args:
        sites: Site by subject.
        options: Numbers and seed.

    Raises:
        InputError: If there are fewer than three subjects.
    """
    sizes = proportional_counts(len(sites), (options.train, options.validation, options.test))
    return Split(
        **_distributed(sites, dict(zip(PARTS, sizes, strict=True)), options.seed),
        sites=_sorted(sites),
        seed=options.seed,
    )


def leave_site_out(sites: Mapping[str, str], site: str, options: SplitOptions) -> Split:
    """Split subjects so that one site is the test part, whole, and the others share training and validation.

    Raises:
        InputError: If nobody is of that site, or fewer than two subjects are of others.
    """
    test = tuple(sorted(subject for subject, own in sites.items() if own == site))
    others = {subject: own for subject, own in sites.items() if own != site}
    if not test or not others:
        found = f"{site!r} among {sorted(set(sites.values()))}"
        raise InputError(f"expected one of several sites to leave out, found {found}")
    sizes = proportional_counts(len(others), (options.train, options.validation))
    parts = _distributed(others, dict(zip(PARTS, sizes, strict=False)), options.seed)
    return Split(**{**parts, "test": test}, sites=_sorted(sites), seed=options.seed, left_out_site=site)


def _distributed(sites: Mapping[str, str], sizes: dict[str, int], seed: int) -> dict[str, tuple[str, ...]]:
    """Return the subjects of every part, `UNUSED` among them, sorted."""
    names = sorted(set(sites.values()))
    by_site = [[subject for subject, own in sites.items() if own == site] for site in names]
    sizes = {**dict.fromkeys(PARTS, 0), **sizes}
    sizes[UNUSED] = len(sites) - sum(sizes.values())
    counts = stratified_counts([len(members) for members in by_site], list(sizes.values()), seed)
    parts: dict[str, list[str]] = {part: [] for part in sizes}
    for members, row in zip(by_site, counts, strict=True):
        ranked = iter(sorted(members, key=lambda subject: _rank(subject, seed)))
        for part, count in zip(sizes, row, strict=True):
            parts[part] += [next(ranked) for _ in range(count)]
    return {part: tuple(sorted(members)) for part, members in parts.items()}


def _rank(subject: str, seed: int) -> str:
    """Return where a subject stands in the draw: the same on every machine, whoever else takes part."""
    return hashlib.sha256(f"{seed} {subject}".encode()).hexdigest()


def _sorted(sites: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(sites.items()))
