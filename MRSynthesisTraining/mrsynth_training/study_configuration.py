"""What a study's runs were: their settings side by side, their data, their machines and what they took."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mrsynth_training.evaluated_run import EvaluatedRun, TrainingCourse
from mrsynth_training.study_sections import table
from mrsynth_training.study_words import NOT_KNOWN, duration

_SAID_ELSEWHERE = ("name",)
_DIGEST_SHOWN = 16


def settings_tables(runs: Sequence[EvaluatedRun]) -> str:
    """Return the settings in which runs differ, a column a run, and those that all share."""
    documents = {run.name: flattened(run.run.experiment.to_dict()) for run in runs}
    names = [
        name for name in dict.fromkeys(n for each in documents.values() for n in each) if name not in _SAID_ELSEWHERE
    ]
    rows, shared = [], []
    for name in names:
        values = [_in_words(each.get(name)) for each in documents.values()]
        if len(set(values)) == 1:
            shared.append([escape(name), escape(values[0])])
        else:
            rows.append([escape(name), *map(escape, values)])
    differing = table(("Setting", *map(escape, documents)), rows) if rows else ""
    return differing + table(("The same in all runs" if len(runs) > 1 else "Setting", ""), shared)


def flattened(document: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    """Return a nested dictionary as one of depth one, with names such as ``losses: gradient weight``."""
    flat: dict[str, Any] = {}
    for name, value in document.items():
        words = f"{place}: {name}" if place else str(name)
        flat |= flattened(value, words) if isinstance(value, Mapping) else {words.replace("_", " "): value}
    return flat


def data_table(runs: Sequence[EvaluatedRun]) -> str:
    """Return what runs were trained and measured on, a column a run."""
    columns = []
    for run in runs:
        settings, subjects = run.settings, run.run.best.subjects
        sites = ", ".join(f"{site or 'site not known'}: {count}" for site, count in settings.sites.items())
        left_out = settings.split.get("left_out_site")
        columns.append(
            {
                "Scans": settings.data + (" (simulated, not acquired)" if settings.simulated else ""),
                "Subjects to train on": str(len(subjects["train"])),
                "Subjects to validate on": str(len(subjects["validation"])),
                "Test subjects": str(len(run.subjects)),
                "Sites of the test": sites,
                "Split": f"seed {settings.split['seed']}" + (f", without {left_out} in training" if left_out else ""),
                "Preparation": ", ".join(f"{n}: {_in_words(v)}" for n, v in flattened(settings.preparation).items()),
                "Size of a prepared scan": _in_words(settings.shape),
                "Stride of the test's patches": _in_words(settings.stride),
            }
        )
    return _columns(runs, columns)


def machine_table(
    runs: Sequence[EvaluatedRun], courses: Mapping[str, TrainingCourse], energy_kwh: Mapping[str, float]
) -> str:
    """Return how long training took, on and with what, a column a run; what is not known says so."""
    columns = []
    for run in runs:
        course, settings = courses[run.name], run.settings
        done, best = int(course.epochs[-1]["epoch"]), run.run.best.row["epoch"]
        record, energy = course.record, energy_kwh.get(run.name)
        columns.append(
            {
                "Epochs": f"{done} of {run.run.experiment.schedule.epochs}, best {best}",
                "Time of training": duration(course.seconds),
                "Time an epoch": duration(course.seconds / done if course.seconds is not None else None),
                "Energy of training": "not measured" if energy is None else f"{energy:g} kWh",
                "Trained on": "; ".join(record.hardware) if record else "not recorded",
                "Trained with": "; ".join(record.software) if record else "not recorded",
                "Tested on": settings.hardware,
                "Tested with": settings.software,
                "Tested on the day": settings.written[:10],
                "SHA-256 of the weights": f"{settings.weights[:_DIGEST_SHOWN]}...",
            }
        )
    return _columns(runs, columns)


def _columns(runs: Sequence[EvaluatedRun], columns: Sequence[Mapping[str, str]]) -> str:
    """A row for each name, one cell of it across where all runs agree."""
    rows = []
    for name in columns[0]:
        values = [column[name] for column in columns]
        if len(set(values)) == 1:
            rows.append([escape(name), escape(values[0])])
        else:
            rows.append([escape(name), *map(escape, values)])
    return table(("", *(escape(run.name) for run in runs)), rows)


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " \N{MULTIPLICATION SIGN} ".join(map(str, value)) or "none"
    return NOT_KNOWN if value is None else str(value) if value != "" else "none"
