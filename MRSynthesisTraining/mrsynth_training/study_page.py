"""The page of a study, laid out as a paper's supplement: tables, plots, pictures, settings, and what they bear out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from mrsynth.html_document import document, figure
from mrsynth_training.evaluated_run import EvaluatedRun, TrainingCourse
from mrsynth_training.study_comparisons import comparable_groups
from mrsynth_training.study_conclusions import allowed, not_allowed
from mrsynth_training.study_configuration import data_table, machine_table, settings_tables
from mrsynth_training.study_notes import (
    COMPARISONS_NOTE,
    FIGURES_NOTE,
    RESULTS_NOTE,
    TISSUES_CAPTION,
    TISSUES_NOTE,
)
from mrsynth_training.study_sections import (
    comparisons_table,
    figures_table,
    has_tissues,
    results_table,
    subjects_table,
    tissues_table,
)
from mrsynth_training.study_style import STYLE
from mrsynth_training.study_words import direction_in_words, listed


@dataclass(frozen=True, eq=False)
class StudyPicture:
    """A picture for the page.

    Attributes:
        png: The file.
        caption: Plain text.
        description: Plain text for those who cannot see it.
    """

    png: bytes
    caption: str
    description: str


@dataclass(frozen=True, eq=False)
class Study:
    """All that a page says.

    Attributes:
        title: Of the page.
        runs: That were measured.
        courses: How they went, by name.
        energy_kwh: Of the trainings, by name, as far as somebody measured it.
        written: When, ISO 8601.
    """

    title: str
    runs: tuple[EvaluatedRun, ...]
    courses: Mapping[str, TrainingCourse]
    energy_kwh: Mapping[str, float]
    written: str


def study_page(study: Study, plots: Sequence[StudyPicture], pictures: Sequence[StudyPicture]) -> str:
    """Return the whole page as HTML.

    Args:
        study: What to say.
        plots: Of epochs and of subjects.
        pictures: Of subjects.
    """
    numbers, runs = _Numbers(), study.runs
    parts = [
        f"<h1>{escape(study.title)}</h1>",
        f'<p class="byline">{_byline(study)}</p>',
        numbers.table(_results_caption(runs), results_table(runs), RESULTS_NOTE),
        _conclusions(study),
        "<h2>Test in detail</h2>",
        *(_group_tables(group, numbers) for group in comparable_groups(runs)),
        numbers.table(TISSUES_CAPTION, tissues_table(runs), TISSUES_NOTE) if has_tissues(runs) else "",
        "<h2>Validation over epochs, test over subjects</h2>",
        *(numbers.figure(plot) for plot in plots),
        "<h2>Pictures</h2>" if pictures else "",
        *(numbers.figure(picture) for picture in pictures),
        "<h2>Data, settings and machines</h2>",
        numbers.words("Data of training and test.", data_table(runs)),
        numbers.words("Settings of the experiments.", settings_tables(runs)),
        numbers.words(
            "Training and test: time, machines and software.", machine_table(runs, study.courses, study.energy_kwh)
        ),
        "<h2>Subject by subject</h2>",
        *(_subject_table(group, numbers) for group in comparable_groups(runs)),
    ]
    return document(study.title, "\n".join(part for part in parts if part), STYLE)


class _Numbers:
    """Numbers tables and figures as they come."""

    def __init__(self) -> None:
        self._tables, self._figures = 0, 0

    def table(self, caption: str, html: str, note: str = "", keep: bool = True) -> str:
        """Return a table below its caption and above its note; short ones are kept on one sheet."""
        self._tables += 1
        below = f'<p class="note">{escape(note)}</p>' if note else ""
        kind = "tabled keep" if keep else "tabled"
        above = f'<p class="caption"><b>Table {self._tables}.</b> {escape(caption)}</p>'
        return f'<div class="{kind}">{above}{html}{below}</div>'

    def words(self, caption: str, html: str) -> str:
        """Return a table of words."""
        return self.table(caption, html.replace('class="paper"', 'class="paper words"'), keep=False)

    def figure(self, picture: StudyPicture) -> str:
        """Return a figure above its caption."""
        self._figures += 1
        return figure(picture.png, f"<b>Figure {self._figures}.</b> {escape(picture.caption)}", picture.description)


def _byline(study: Study) -> str:
    names = listed([escape(run.name) for run in study.runs])
    when = escape(study.written.replace("T", " ").replace("+00:00", " UTC"))
    return f"Runs {names}. Written {when} by MRSynthesis. Research use only, not for diagnosis."


def _conclusions(study: Study) -> str:
    return (
        "<h2>What this study shows</h2>"
        f"{_list(allowed(study.runs))}"
        "<h2>What it does not show</h2>"
        f"{_list(not_allowed(study.runs, study.courses))}"
    )


def _list(sentences: Iterable[str]) -> str:
    return f'<ul class="statements">{"".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)}</ul>'


def _results_caption(runs: Sequence[EvaluatedRun]) -> str:
    counts = listed(list(map(str, sorted({len(run.subjects) for run in runs}))))
    return f"Validation and test of each generator, as the report has them. Test subjects: {counts}."


def _group_tables(group: Sequence[EvaluatedRun], numbers: _Numbers) -> str:
    where, count = direction_in_words(group[0].run.direction), len(group[0].subjects)
    figures = numbers.table(
        f"{where}, test: all figures of the generators and of what needs no network. Subjects: {count}.",
        figures_table(group),
        FIGURES_NOTE,
    )
    compared = numbers.table(
        f"{where}, test: differences between generators on the same subjects, and from the intensity map.",
        comparisons_table(group),
        COMPARISONS_NOTE,
    )
    return figures + compared


def _subject_table(group: Sequence[EvaluatedRun], numbers: _Numbers) -> str:
    where = direction_in_words(group[0].run.direction)
    caption = f"{where}, test: MAE (SD) and PSNR (dB) of each subject, whole volume."
    return numbers.table(caption, subjects_table(group), keep=False)
