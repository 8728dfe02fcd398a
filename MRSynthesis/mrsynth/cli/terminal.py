"""What the command line says: results on standard output, everything else on standard error."""

import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

from mrsynth.progress import EtaClock, Progress

_COLOURS = {"error": "\033[31m", "warning": "\033[33m"}
_PLAIN = "\033[0m"
_STEP = 0.05
_QUIET_S = 2.0
"""Plain progress lines come every ``_STEP`` of a stage, but in short stages not one after the other."""


class Terminal:
    """Where the command line speaks.

    Args:
        as_json: Whether standard output is to carry one JSON document, and no text.
        output: Standard output, or something in its place.
        errors: Standard error, or something in its place.
    """

    def __init__(self, as_json: bool = False, output: TextIO | None = None, errors: TextIO | None = None) -> None:
        self.as_json = as_json
        self._output = sys.stdout if output is None else output
        self._errors = sys.stderr if errors is None else errors

    def say(self, text: str) -> None:
        """Print a result; left out where a JSON document stands for it."""
        if not self.as_json:
            print(text, file=self._output)

    def document(self, content: dict[str, Any]) -> None:
        """Print the JSON document, where one is wanted."""
        if self.as_json:
            print(json.dumps(content, indent=2), file=self._output)

    def note(self, text: str) -> None:
        """Print what is going on."""
        print(text, file=self._errors, flush=True)

    def warn(self, text: str) -> None:
        """Print a warning."""
        self._labelled("warning", text)

    def error(self, text: str) -> None:
        """Print why something failed, in one line."""
        self._labelled("error", text)

    def progress(self, name: str) -> "ProgressLines":
        """A display for the progress of one piece of work: a bar on a terminal, lines otherwise."""
        return ProgressBar(name, self._errors) if self._errors.isatty() else ProgressLines(name, self._errors)

    def confirm(self, question: str) -> bool:
        """Ask a question that only "y" answers with yes; where nobody can answer, the answer is no."""
        print(f"{question} [y/N] ", end="", file=self._errors, flush=True)
        if not sys.stdin.isatty():
            print("no (nobody to ask; --yes answers beforehand)", file=self._errors)
            return False
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def _labelled(self, label: str, text: str) -> None:
        coloured = self._errors.isatty() and "NO_COLOR" not in os.environ
        shown = f"{_COLOURS[label]}{label}:{_PLAIN}" if coloured else f"{label}:"
        print(f"{shown} {text}", file=self._errors, flush=True)


class ProgressLines:
    """Progress as plain lines, a few for each stage; a context, so that a display can tidy up.

    Args:
        name: Of the work.
        stream: Where to write.
    """

    def __init__(self, name: str, stream: TextIO) -> None:
        self._name = name
        self._stream = stream
        self._clock = EtaClock()
        self._stage = ("", "")
        self._next = 0.0
        self._last_s = 0.0

    def __enter__(self) -> "ProgressLines":
        return self

    def __exit__(self, *error: object) -> None:
        self.clear()

    def __call__(self, progress: Progress) -> None:
        """Take note of one step."""
        eta_s = self._clock.eta_s(progress)
        entered = (progress.stage, progress.device) != self._stage
        if entered:
            self._stage, self._next = (progress.stage, progress.device), 0.0
        self._show(progress, eta_s, entered)

    def clear(self) -> None:
        """Make room for another line."""

    def _show(self, progress: Progress, eta_s: float | None, entered: bool) -> None:
        if progress.total == 1:
            self._print(f"{self._name}: {described(progress)}" if entered else "")
            return
        now = time.monotonic()
        last = progress.done == progress.total
        soon = progress.fraction < self._next or now - self._last_s < _QUIET_S
        if soon and not (entered or last):
            return
        self._next, self._last_s = progress.fraction + _STEP, now
        left = "" if eta_s is None or last else f", {duration(eta_s)} left"
        self._print(f"{self._name}: {described(progress)} {progress.fraction:4.0%}{left}")

    def _print(self, line: str) -> None:
        if line:
            print(line, file=self._stream, flush=True)


class ProgressBar(ProgressLines):
    """Progress as one line of a terminal that is drawn again and again, and gone in the end."""

    def __init__(self, name: str, stream: TextIO) -> None:
        super().__init__(name, stream)
        self._bar: Any = None

    def clear(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self._stream.write("\r" + " " * (shutil.get_terminal_size().columns - 1) + "\r")
        self._stream.flush()

    def _show(self, progress: Progress, eta_s: float | None, entered: bool) -> None:
        if entered:
            self.clear()
            width = shutil.get_terminal_size().columns
            self._stream.write(f"{self._name}: {described(progress)} ..."[: width - 1])
            self._stream.flush()
        if progress.total > 1:
            self._draw(progress)

    def _draw(self, progress: Progress) -> None:
        if self._bar is None or self._bar.total != progress.total:
            from tqdm import tqdm

            self.clear()
            self._bar = tqdm(
                desc=f"{self._name}: {described(progress)}",
                total=progress.total,
                initial=progress.done,
                file=self._stream,
                leave=False,
                dynamic_ncols=True,
                bar_format="{desc} {percentage:3.0f}% |{bar:24}| {elapsed} < {remaining}",
            )
        self._bar.update(progress.done - self._bar.n)


def described(progress: Progress) -> str:
    """The stage in words, with the device if one is known."""
    return f"{progress.stage} on {progress.device}" if progress.device else progress.stage


def duration(seconds: float) -> str:
    """A time in words: ``45 s``, ``2 min 05 s``, ``1 h 02 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def table(rows: Sequence[Sequence[str]], titles: Sequence[str]) -> str:
    """Rows in aligned columns below their titles and a rule."""
    widths = [max(len(row[column]) for row in (titles, *rows)) for column in range(len(titles))]
    ruled = [titles, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in ruled
    )
