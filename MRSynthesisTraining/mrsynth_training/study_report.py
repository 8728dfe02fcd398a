"""A study as a folder that can be mailed and printed: one page of HTML with all in it, its tables and its pictures."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from mrsynth.atomic_file import write_bytes
from mrsynth.errors import InputError, OutputExists
from mrsynth.metrics import WHOLE_VOLUME
from mrsynth.output_checks import check_folder
from mrsynth.staged_outputs import StagedOutputs
from mrsynth.synthesis_job import new_run_id
from mrsynth.volume_reading import read_volume
from mrsynth_training.array_digest import array_digest
from mrsynth_training.evaluated_run import EvaluatedRun, read_course
from mrsynth_training.evaluation import NETWORK
from mrsynth_training.evaluation_record import synthetic_path
from mrsynth_training.study_comparisons import comparable_groups
from mrsynth_training.study_page import Study, StudyPicture, study_page
from mrsynth_training.study_pictures import ShownSubject, draw_subject
from mrsynth_training.study_plots import plot_courses, plot_spread
from mrsynth_training.study_tables import study_tables
from mrsynth_training.study_words import direction_in_words, listed
from mrsynth_training.volume_cache import read_subject

PAGE = "report.html"
COURSES, SPREAD = "epochs.png", "subjects.png"


@dataclass(frozen=True)
class ReportOptions:
    """What may be chosen of a report.

    Attributes:
        title: Of the page; empty for one that names directions.
        cache: Folder of the prepared subjects; None for the one that each run was measured with.
        subjects: Names of those to show pictures of; empty for the middle one and the worst of each direction.
        energy_kwh: Of the trainings, by name of the run, as far as somebody measured it.
        replace: Whether a report that is there may be replaced.
    """

    title: str = ""
    cache: Path | None = None
    subjects: tuple[str, ...] = ()
    energy_kwh: Mapping[str, float] = field(default_factory=dict)
    replace: bool = False


def write_study_report(folder: Path, runs: Sequence[EvaluatedRun], options: ReportOptions) -> Path:
    """Write page, tables, plots and pictures: all of them, or none; return the page.

    Raises:
        OutputExists: If one of them is there and may not be replaced.
        MissingFile: If neither the folder nor the one above it exists, or a file of a run or of the cache is gone.
        InputError: If a subject was no test subject or has changed since it was measured, or energy is told of no run.
        OutputError: If the folder cannot be written to or the disk is full.
    """
    _require_known_energy(runs, options)
    check_folder(folder)
    study = Study(
        title=options.title or _title(runs),
        runs=tuple(runs),
        courses={run.name: read_course(run.run.folder) for run in runs},
        energy_kwh=options.energy_kwh,
        written=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    plots = _plots(study)
    pictures = {name: picture for group in comparable_groups(runs) for name, picture in _pictures(group, options)}
    page = study_page(study, list(plots.values()), list(pictures.values())).encode("utf-8")
    drawn = {name: picture.png for name, picture in (plots | pictures).items()}
    files = {PAGE: page} | study_tables(runs) | drawn
    _write(folder, files, options.replace)
    return folder / PAGE


def chosen_subjects(group: Sequence[EvaluatedRun]) -> list[str]:
    """Return the subject in the middle and the worst one, by mean test PSNR of all runs; one name if they are one."""
    means = {
        subject.subject: float(np.mean([run.subjects[n].metrics[NETWORK, WHOLE_VOLUME].psnr_range for run in group]))
        for n, subject in enumerate(group[0].subjects)
    }
    ranked = sorted(means, key=lambda name: (means[name], name))
    return list(dict.fromkeys([ranked[len(ranked) // 2], ranked[0]]))


def _title(runs: Sequence[EvaluatedRun]) -> str:
    directions = list(dict.fromkeys(direction_in_words(run.run.direction) for run in runs))
    return f"Synthesis of brain MRI: {listed(directions)}"


def _plots(study: Study) -> dict[str, StudyPicture]:
    directions: dict[object, list[EvaluatedRun]] = {}
    for run in study.runs:
        directions.setdefault(run.run.direction, []).append(run)
    courses = StudyPicture(
        plot_courses(list(directions.values()), study.courses),
        "Mean absolute error and PSNR of the validation subjects, epoch by epoch; the mark is the epoch that was "
        "measured.",
        "Validation error and PSNR over epochs, a line for each run",
    )
    spread = StudyPicture(
        plot_spread(comparable_groups(study.runs)),
        "PSNR of each test subject, whole volume. Points of one subject are joined, bars are means. The intensity map "
        "is that of the training subjects.",
        "Test PSNR of each subject, run by run",
    )
    return {COURSES: courses, SPREAD: spread}


def _pictures(group: Sequence[EvaluatedRun], options: ReportOptions) -> list[tuple[str, StudyPicture]]:
    known = {subject.subject for subject in group[0].subjects}
    strangers = sorted(set(options.subjects) - known)
    if strangers:
        raise InputError(f"expected names of test subjects such as {sorted(known)[0]}, found {', '.join(strangers)}")
    found = []
    for name in options.subjects or chosen_subjects(group):
        shown = _shown(group, name, options.cache)
        for number, png in enumerate(draw_subject(shown), start=1):
            part = f"-{number}" if number > 1 else ""
            file = f"picture-{'-to-'.join(group[0].run.direction)}-{group[0].name}-{name}{part}.png"
            found.append(
                (file, StudyPicture(png, _caption(group, name, shown), f"Source, truth and generators of {name}"))
            )
    return found


def _shown(group: Sequence[EvaluatedRun], name: str, cache: Path | None) -> ShownSubject:
    """Read the acquired pair and what each run made of it.

    Raises:
        InputError: If the acquired pair is not the one that figures were measured on.
    """
    first = group[0]
    subject = read_subject(cache or Path(first.settings.cache), name)
    measured = next(each for each in first.subjects if each.subject == name)
    if array_digest(subject.voxels) != measured.made_from["voxels"]:
        raise InputError(
            f"{name}: expected the prepared scans that figures were measured on, found others; run `mrsynth-train "
            "evaluate-runs` again, or name their folder with --cache"
        )
    source, target = (np.array(subject.channel(contrast)) for contrast in first.run.direction)
    synthetic = {run.name: read_volume(synthetic_path(run.run.folder, name)).voxels for run in group}
    return ShownSubject(source, target, synthetic, subject.affine, first.run.direction)


def _caption(group: Sequence[EvaluatedRun], name: str, shown: ShownSubject) -> str:
    place = next(n for n, each in enumerate(group[0].subjects) if each.subject == name)
    psnr = [f"{run.name} {run.subjects[place].metrics[NETWORK, WHOLE_VOLUME].psnr_range:.2f} dB" for run in group]
    return (
        f"{direction_in_words(group[0].run.direction)}, test subject {name}, {shown.place}: source, acquired truth and "
        "synthetic images in the window of the truth; below, squared error and difference of the gradients' magnitudes "
        f"against the truth, one scale for all. PSNR over the whole volume: {listed(psnr)}."
    )


def _require_known_energy(runs: Sequence[EvaluatedRun], options: ReportOptions) -> None:
    names = [run.name for run in runs]
    unknown = sorted(set(options.energy_kwh) - set(names))
    if unknown:
        raise InputError(f"expected energy of one of the runs {', '.join(names)}, found it of {', '.join(unknown)}")


def _write(folder: Path, files: Mapping[str, bytes], replace: bool) -> None:
    present = [name for name in files if os.path.lexists(folder / name)]
    if present and not replace:
        raise OutputExists(
            f"{folder}: expected a folder without a report, found {', '.join(present)}; --force replaces it"
        )
    with StagedOutputs(new_run_id()) as staged:
        for name, data in files.items():
            write_bytes(staged.path_for(folder / name), data)
        staged.commit()
