"""Figures as Markdown, as JSON, and as a picture.

    python Testing/benchmarks/document.py

writes ``RESULTS.md`` anew from ``results.json`` and, if it is there, the ``results_gpu.json`` of `benchmark_gpu.py`.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from machine import in_words

RESULTS, RESULTS_OF_GPU = "results.json", "results_gpu.json"
UNSHOWN = ("Kernels on a GPU",)  # for whoever makes it faster
# What a reader of the tables of a graphics card has to know.
USED = """The rows "this project" are what is used; the others stand beside them, and may miss a bound: single precision
itself is that far from the CPU's. Patches with odd sides go through PyTorch's layers. No CUDA graph is used, as it
gains too little. The default network's rows are of one pass a scan; since then its standard preset takes two.
"""
HOW = "Rows of a table took turns, so look at ratios rather than at seconds; all are medians of the runs."


@dataclass(frozen=True)
class Section:
    """A table.

    Attributes:
        title: Above it.
        columns: Names of the columns; the first says what a row is about.
        rows: Cells; numbers are shown with three digits.
        note: Below it.
    """

    title: str
    columns: Sequence[str]
    rows: list[list[Any]] = field(default_factory=list)
    note: str = ""

    def markdown(self) -> str:
        """Return the table with its title and note."""
        lines = [f"## {self.title}", "", _line(self.columns), _line(["---"] * len(self.columns))]
        lines += [_line([_shown(cell) for cell in row]) for row in self.rows]
        return "\n".join([*lines, *(["", self.note] if self.note else [])]) + "\n"


def write_results(folder: Path, machine: dict[str, Any], sections: Sequence[Section]) -> None:
    """Write ``results.json``, ``results.png`` and, with what is known of GPUs there, ``RESULTS.md`` into a folder."""
    document = {"machine": machine, "sections": [asdict(section) for section in sections]}
    (folder / RESULTS).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    draw(sections, folder / "results.png")
    write_page(folder)


def write_page(folder: Path) -> None:
    """Write ``RESULTS.md`` from the results in a folder."""
    found = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    parts = ["# Time and memory\n", f"`make bench` on {in_words(found['machine'])} {HOW}\n", *_tables(found)]
    if (folder / RESULTS_OF_GPU).is_file():
        parts += _gpu_part(json.loads((folder / RESULTS_OF_GPU).read_text(encoding="utf-8")))
    (folder / "RESULTS.md").write_text("\n".join(parts), encoding="utf-8")


def _gpu_part(found: dict[str, Any]) -> list[str]:
    """Return what was measured on a graphics card, under a heading of its own."""
    machine, failures = found["machine"], found["failures"]
    card = f"{machine['card']}, {machine['card_memory_gib']:.0f} GiB, CUDA {machine['cuda']}, cuDNN {machine['cudnn']}"
    said = f"`python Testing/benchmarks/benchmark_gpu.py` on {card}; {in_words(machine)} All times are medians.\n"
    noted = ["What gave no figure:\n", *(f"- {failure}" for failure in failures), ""] if failures else []
    return ["# On a GPU\n", said, USED, *_tables(found), *noted]


def _tables(found: dict[str, Any]) -> list[str]:
    return [Section(**section).markdown() for section in found["sections"] if section["title"] not in UNSHOWN]


def draw(sections: Sequence[Section], path: Path) -> None:
    """Draw a bar for each row of each section, as long as its second column says."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 0.34 * sum(len(s.rows) + 2.5 for s in sections)), layout="constrained")
    heights = [len(section.rows) + 1 for section in sections]
    axes = figure.subplots(len(sections), 1, height_ratios=heights, squeeze=False)[:, 0]
    for plot, section in zip(axes, sections, strict=True):
        names, values = [row[0].replace("`", "") for row in section.rows], [row[1] for row in section.rows]
        bars = plot.barh(names, values, color="#4477aa")
        plot.bar_label(bars, [_shown(value) for value in values], padding=3, fontsize=8)
        plot.invert_yaxis()
        plot.margins(x=0.12)
        plot.set_title(f"{section.title}: {section.columns[1]}", fontsize=9, loc="left")
        plot.tick_params(labelsize=8)
        plot.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(cell: Any) -> str:
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent, help="of the results and the page")
    write_page(parser.parse_args().folder)


if __name__ == "__main__":
    main()
