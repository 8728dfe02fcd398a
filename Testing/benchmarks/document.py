"""Figures as Markdown, as JSON, and as a picture."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from machine import in_words

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
    """Write ``RESULTS.md``, ``results.json`` and ``results.png`` into a folder."""
    header = ["# Time and memory\n", f"`make bench` on {in_words(machine)} {HOW}\n"]
    text = "\n".join([*header, *(section.markdown() for section in sections)])
    (folder / "RESULTS.md").write_text(text, encoding="utf-8")
    document = {"machine": machine, "sections": [asdict(section) for section in sections]}
    (folder / "results.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    draw(sections, folder / "results.png")


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
