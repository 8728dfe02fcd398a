"""The page of the ablations, from the records of `ablations.py`.

    python Testing/benchmarks/ablation_page.py [RECORDS ...]

merges files of records, if any are named, into ``ablations.json`` and writes ``ABLATIONS.md`` from it.
"""

import argparse
import math
import statistics
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from ablation_findings import FINDINGS, HOW, LIMITS
from ablation_measurement import IXI, LESION_ERROR, RANDOM, TOLD
from ablation_records import Ablation, Record, read_records, write_records
from ablation_variants import DIRECTIONS, SHIPPED, VARIANTS
from document import Section

RECORDS, PAGE = "ablations.json", "ABLATIONS.md"
TITLES = {"t2-to-pd": "T2 to PD", "pd-to-t2": "PD to T2"}
COLUMNS = (IXI, IXI + TOLD, RANDOM, RANDOM + TOLD, "real IXI040", "ICBM152 average", LESION_ERROR)
WIDTH = 120
UNMEASURED = "not measured"
OWN_TE, UNTOLD = "target at its own TE, not always the usual one", "told neither TE nor TR"


def write_page(folder: Path) -> None:
    """Write ``ABLATIONS.md`` from the records in a folder."""
    records = read_records([folder / RECORDS])
    ablations = {direction: Ablation.of(records, direction) for direction in DIRECTIONS}
    tables = [direction_table(TITLES[name], ablation) for name, ablation in ablations.items()]
    parts = ["# Ablations\n", *_introduction(records), *(table.markdown() for table in tables)]
    parts += [told_table(ablations).markdown(), "## What came of each idea\n", *_findings(ablations), LIMITS]
    (folder / PAGE).write_text("\n".join(parts), encoding="utf-8")


def _introduction(records: Sequence[Record]) -> list[str]:
    """Return what was done, with how many trainings there were, of how many steps, on what."""
    said = {name: sorted({str(record[name]) for record in records}) for name in ("steps", "hardware")}
    known = {name: " or ".join(values) for name, values in said.items()}
    return [_paragraph(part) for part in HOW.format(trainings=len(records), **known).split("\n\n")]


def direction_table(title: str, ablation: Ablation) -> Section:
    """Return the table of a direction: a row for each variant, and how much seeds differ."""
    rows = [[name, *(_cell(ablation, name, figure) for figure in COLUMNS)] for name in ablation.figures]
    besides = [_difference(ablation, OWN_TE, figure, UNTOLD) for figure in COLUMNS]
    rows += [["target at its own TE, less told neither", *besides]]
    rows += [["spread between seeds", *(_spread(ablation, figure) for figure in COLUMNS)]]
    return Section(title, ("variant", *COLUMNS), rows)


def _cell(ablation: Ablation, variant: str, figure: str) -> str:
    """Return the mean of the seeds, half of what they differ by, and the difference to what is shipped."""
    seeds, digits = ablation.seeds(variant, figure), _digits(figure)
    if not seeds:
        return UNMEASURED
    text = f"{statistics.fmean(seeds):.{digits}f} ± {(max(seeds) - min(seeds)) / 2:.{digits}f}"
    return text if variant == SHIPPED else f"{text} ({_difference(ablation, variant, figure, SHIPPED)})"


def _difference(ablation: Ablation, variant: str, figure: str, reference: str) -> str:
    difference = ablation.difference(variant, figure, reference)
    if difference is None:
        return UNMEASURED
    text = f"{difference:+.{_digits(figure)}f}"
    return f"**{text}**" if ablation.is_clear(variant, figure, reference) else text


def _spread(ablation: Ablation, figure: str) -> str:
    spread = ablation.spread(figure)
    return UNMEASURED if math.isnan(spread) else f"{spread:.{_digits(figure)}f}"


def _digits(figure: str) -> int:
    return 3 if figure == LESION_ERROR else 2


def told_table(ablations: dict[str, Ablation]) -> Section:
    """Return what networks gain from being told TE and TR, in dB: each against itself, told nothing."""
    columns = [(name, kind) for name in ablations for kind in (IXI, RANDOM)]
    headings = [f"{TITLES[name]}, {kind}" for name, kind in columns]
    variants = [name for name, variant in VARIANTS.items() if variant.told]
    rows = [[name, *(_gain(ablations[direction], name, kind) for direction, kind in columns)] for name in variants]
    return Section("What a network gains from knowing TE and TR, in dB, of each seed", ("variant", *headings), rows)


def _gain(ablation: Ablation, variant: str, kind: str) -> str:
    told, untold = ablation.seeds(variant, kind + TOLD), ablation.seeds(variant, kind)
    return ", ".join(f"{ours - theirs:+.2f}" for ours, theirs in zip(told, untold, strict=True))


def _findings(ablations: dict[str, Ablation]) -> list[str]:
    """Return a paragraph for each idea: what is made of it, and what was clear."""
    return [
        _paragraph(f"**{found.idea}: {found.decision}.** {found.why} {_clear(ablations, variant)}")
        for variant, found in FINDINGS.items()
    ]


def _paragraph(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), WIDTH, break_long_words=False, break_on_hyphens=False) + "\n"


def _clear(ablations: dict[str, Ablation], variant: str) -> str:
    """Return the differences of a variant that seeds do not explain, as a sentence."""
    clear = [
        f"{TITLES[direction]}, {figure}: {ablation.difference(variant, figure):+.{_digits(figure)}f}"
        for direction, ablation in ablations.items()
        for figure in COLUMNS
        if ablation.is_clear(variant, figure)
    ]
    return f"Clear without it: {'; '.join(clear) or 'nothing'}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Merge the records that the command line names and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="*", type=Path, help="files that ablations.py wrote")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent, help="of the records and the page")
    options = parser.parse_args(arguments)
    merged = options.folder / RECORDS
    if options.records:
        kept = [merged] if merged.is_file() else []
        write_records(merged, read_records([*kept, *options.records]))
    write_page(options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
