"""The tables of STUDY.md, from the CSV beside it.

    python Testing/benchmarks/study.py

writes the tables between the page's markers anew and leaves the rest of it alone. ``study/summary.csv``,
``comparisons.csv`` and ``tissues.csv`` are what ``mrsynth-train evaluate-runs`` wrote (rounded; the tissues summed up
over subjects), ``epochs.csv`` what ``mrsynth-train train`` wrote into each run.
"""

import argparse
import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from document import Section

from mrsynth.metrics import HEAD, WHOLE_VOLUME
from mrsynth_training.evaluation import FIGURES, NETWORK
from mrsynth_training.paired_statistics import Summary
from mrsynth_training.study_words import DIGITS, NOT_KNOWN, direction_in_words, number, probability, with_deviation
from mrsynth_training.tissue_segmentation import TISSUES
from mrsynth_training.validation_baselines import LINEAR, ORACLE, TRAINED_MAP

PAGE, TABLES = "STUDY.md", "study"
RUNS = {"g1": "G1", "g2": "G2", "g3": "G3", "g4": "G4", "g4-residual-pd-to-t2": "G4 residual"}
BASELINES = {
    TRAINED_MAP: "intensity map of the training subjects",
    LINEAR: "linear fit that knows the answer",
    ORACLE: "intensity map that knows the answer",
}
COMPARED = ("psnr_range", "mae", "ssim", "gradient_difference")
COLUMNS = {
    "mae": "MAE",
    "psnr_range": "PSNR, max - min",
    "psnr_percentile": "PSNR, 0.5-99.5 %",
    "ssim": "SSIM",
    "gradient_difference": "gradient difference",
}

Row = Mapping[str, str]


def sections(folder: Path) -> dict[str, Section]:
    """Return the page's tables by the name of their markers.

    Args:
        folder: Of the CSV.
    """
    summary, tissues = _rows(folder / "summary.csv"), _rows(folder / "tissues.csv")
    return {
        "validation": _validation(_rows(folder / "epochs.csv")),
        "whole": _figures("Test subjects, whole volume", summary, WHOLE_VOLUME),
        "head": _figures("Test subjects, inside the head", summary, HEAD),
        "tissues": _tissues(tissues),
        "comparisons": _comparisons(_rows(folder / "comparisons.csv")),
    }


def with_tables(page: str, tables: Mapping[str, Section]) -> str:
    """Return a page with each table between the comments ``<!-- table: NAME -->`` and ``<!-- end -->``.

    Raises:
        KeyError: If the page has markers of an unknown name.
    """

    def filled(found: re.Match) -> str:
        return f"{found[1]}\n{tables[found[2]].markdown()}{found[3]}"

    return re.sub(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", filled, page, flags=re.DOTALL)


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _validation(rows: Sequence[Row]) -> Section:
    """Lay the epochs out from left to right; the best of each run, whose weights were tested, is in bold."""
    epochs = sorted({int(row["epoch"]) for row in rows})
    lines = []
    for run, title in RUNS.items():
        found = {int(row["epoch"]): float(row["psnr_range"]) for row in rows if row["run"] == run}
        best = max(found, key=found.__getitem__)
        shown = {epoch: number(value, 2) for epoch, value in found.items()}
        shown[best] = f"**{shown[best]}**"
        lines.append([title, *(shown.get(epoch, NOT_KNOWN) for epoch in epochs)])
    return Section("Validation PSNR by epoch", ["run", *map(str, epochs)], lines)


def _figures(title: str, rows: Sequence[Row], mask: str) -> Section:
    found = {(row["run"], row["image"], row["figure"]): row for row in rows if row["mask"] == mask}
    columns = ["direction", "image", *(COLUMNS[figure] for figure in FIGURES)]
    lines = []
    for run, image, name in _images(found):
        cells = [found[run, image, figure] for figure in FIGURES]
        figures = (_mean(row, DIGITS[figure]) for row, figure in zip(cells, FIGURES, strict=True))
        lines.append([_direction(cells[0]), name, *figures])
    return Section(title, columns, lines)


def _tissues(rows: Sequence[Row]) -> Section:
    found = {(row["run"], row["image"], row["tissue"]): row for row in rows}
    lines = []
    for run, image, name in _images(found):
        cells = [found[run, image, tissue] for tissue in TISSUES]
        lines.append([_direction(cells[0]), name, *(_mean(row, DIGITS["dice"]) for row in cells)])
    return Section("Tissues, Dice coefficient", ["direction", "image", *TISSUES], lines)


def _comparisons(rows: Sequence[Row]) -> Section:
    lines = []
    for figure in COMPARED:
        for row in rows:
            if (row["figure"], row["mask"]) == (figure, WHOLE_VOLUME):
                pair = f"{RUNS[row['first']]} - {RUNS.get(row['second'], 'the intensity map')}"
                found = (number(float(row[each]), DIGITS[figure]) for each in ("mean_difference", "low_95", "high_95"))
                mean, low, high = found
                lines.append([COLUMNS[figure], pair, mean, f"{low} to {high}", probability(float(row["p_holm"]))])
    return Section("Paired comparisons, whole volume", ["figure", "pair", "difference", "95 % interval", "p"], lines)


def _images(found: Mapping[tuple[str, str, str], Row]) -> Iterable[tuple[str, str, str]]:
    """Yield run, image and name of each line: of every direction its networks, then the baselines they share."""
    directions: dict[str, list[str]] = {}
    for run in RUNS:
        row = next(row for key, row in found.items() if key[0] == run)
        directions.setdefault(_direction(row), []).append(run)
    present = {key[1] for key in found}
    for runs in directions.values():
        yield from ((run, NETWORK, RUNS[run]) for run in runs)
        yield from ((runs[0], image, name) for image, name in BASELINES.items() if image in present)


def _mean(row: Row, digits: int) -> str:
    return with_deviation(Summary(int(row["subjects"]), float(row["mean"]), float(row["sd"]), None), digits)


def _direction(row: Row) -> str:
    return direction_in_words((row["source"], row["target"]))


def main() -> None:
    """Write the page's tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent, help="of the page and the CSV's folder")
    folder = parser.parse_args().folder
    page = folder / PAGE
    page.write_text(with_tables(page.read_text(encoding="utf-8"), sections(folder / TABLES)), encoding="utf-8")


if __name__ == "__main__":
    main()
