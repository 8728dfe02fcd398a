"""What a study allows one to conclude and what not, said from its own figures: numbers of subjects, budgets, tests."""

from collections.abc import Iterator, Mapping, Sequence

from mrsynth.metrics import WHOLE_VOLUME
from mrsynth_training.evaluated_run import EvaluatedRun, TrainingCourse
from mrsynth_training.evaluation import NETWORK
from mrsynth_training.paired_statistics import smallest_p
from mrsynth_training.run_evaluation import PROTOCOL_STRIDE
from mrsynth_training.simulated_subjects import head_of
from mrsynth_training.study_comparisons import Comparison, comparable_groups, compare_runs
from mrsynth_training.study_sections import SIGNIFICANT, has_tissues
from mrsynth_training.study_tables import tissue_summary
from mrsynth_training.study_words import direction_in_words, listed, number, probability
from mrsynth_training.tissue_segmentation import TISSUES
from mrsynth_training.validation_baselines import TRAINED_MAP

PROTOCOL_PARTS = {"train": 250, "validation": 35, "test": 70}
PROTOCOL_SHAPE = (224, 224, 32)


def allowed(runs: Sequence[EvaluatedRun]) -> list[str]:
    """Return sentences that the figures bear out, on these subjects and by these figures."""
    return [sentence for group in comparable_groups(runs) for sentence in _of_group(group)]


def not_allowed(runs: Sequence[EvaluatedRun], courses: Mapping[str, TrainingCourse]) -> list[str]:
    """Return sentences about what the figures do not show."""
    return [
        *_about_data(runs),
        *_about_budget(runs, courses),
        *_about_chance(runs),
        *_about_the_report(runs),
        *_about_measures(runs),
    ]


def _of_group(group: Sequence[EvaluatedRun]) -> Iterator[str]:
    compared = [each for each in compare_runs(group) if (each.mask, each.figure) == (WHOLE_VOLUME, "psnr_range")]
    where, count = direction_in_words(group[0].run.direction), len(group[0].subjects)
    pairs = [each for each in compared if each.second is not None]
    shown = [each for each in pairs if _is_significant(each)]
    for each in shown:
        better, worse = (each.first, each.second) if each.first_is_better else (each.second, each.first)
        yield f"{where}: {better} has a higher test PSNR than {worse}: {_by(each)}."
    if pairs and not shown and _can_be_significant(count, len(compared)):
        yield f"{where}: no two runs differ in test PSNR by more than chance explains ({count} subjects)."
    beside = [_beside_the_map(each, group) for each in compared if each.second is None]
    yield f"{where}: nearer to the truth than the intensity map of the training subjects: {'; '.join(beside)}."
    if has_tissues(group):
        yield f"{where}: tissues agree with the truth by Dice ({', '.join(TISSUES)}): {_tissues(group)}."


def _beside_the_map(each: Comparison, group: Sequence[EvaluatedRun]) -> str:
    """What a network adds to a look-up table of intensities."""
    run = next(run for run in group if run.name == each.first)
    pairs = zip(run.metrics(NETWORK, WHOLE_VOLUME), run.metrics(TRAINED_MAP, WHOLE_VOLUME), strict=True)
    better = sum(network.psnr_range > by_map.psnr_range for network, by_map in pairs)
    text = f"{each.first} in {better} of {len(run.subjects)} subjects"
    return text if each.difference.mean is None else f"{text}, {number(each.difference.mean, 2)} dB on average"


def _tissues(group: Sequence[EvaluatedRun]) -> str:
    several = [(run.name, tissue_summary(run, NETWORK)) for run in group]
    several.append(("the intensity map", tissue_summary(group[0], TRAINED_MAP)))
    values = (f"{name} {', '.join(number(found[t].mean, 3) for t in TISSUES)}" for name, found in several)
    return "; ".join(values)


def _about_data(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    simulated = [run.name for run in runs if run.settings.simulated]
    if simulated:
        which = "All scans" if len(simulated) == len(runs) else f"The scans of {listed(simulated)}"
        yield f"{which} are simulated. Nothing here says how well the generators do on acquired scans."
    sites = {site for run in runs for site in run.settings.sites}
    if len(sites) == 1 and not simulated:
        yield "All test subjects are of one site, so nothing is known about other scanners."
    if not any(run.settings.split.get("left_out_site") for run in runs) and not simulated:
        yield "Test and training subjects share their sites; a site that was never seen may do worse."
    if len(comparable_groups(runs)) > 1:
        yield "Runs of another direction, stride or other test subjects are not compared with one another."


def _about_budget(runs: Sequence[EvaluatedRun], courses: Mapping[str, TrainingCourse]) -> Iterator[str]:
    for run in runs:
        done, planned = int(courses[run.name].epochs[-1]["epoch"]), run.run.experiment.schedule.epochs
        best = run.run.best.row["epoch"]
        if done < planned and not run.run.experiment.schedule.patience:
            yield f"{run.name} was measured after {done} of {planned} epochs; more may change its place."
        elif best == done:
            yield (
                f"The best epoch of {run.name} is its last ({done}): it was still getting better, and a longer "
                "training may change its place."
            )
    yield (
        "Each run is one training from one seed. A difference between two runs holds for these weights; how much of it "
        "another seed would undo is not known."
    )


def _about_chance(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    for group in comparable_groups(runs):
        where, count, pairs = direction_in_words(group[0].run.direction), len(group[0].subjects), _family_size(group)
        if count < 2:
            yield f"{where}: one test subject has no spread; neither deviations nor tests are given."
        elif not _can_be_significant(count, pairs):
            yield (
                f"{where}: with {count} test subjects the signed-rank test cannot give p below {smallest_p(count):.3f} "
                f"before it is adjusted for {pairs} pair{'s' if pairs > 1 else ''}; that no difference is significant "
                "says nothing."
            )
        yield from _about_heads(group)


def _about_heads(group: Sequence[EvaluatedRun]) -> Iterator[str]:
    """Tests and intervals take subjects for independent, which scans of one head are not."""
    where, count = direction_in_words(group[0].run.direction), len(group[0].subjects)
    heads = len({head_of(each.subject) for each in group[0].subjects})
    if all(run.settings.simulated for run in group) and heads < count:
        yield (
            f"{where}: the {count} test subjects are scans of {heads} head{'s' if heads > 1 else ''}, and scans of one "
            "head are alike. For heads at large the intervals are too narrow and the p too small."
        )


def _about_the_report(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    departures = []
    for part, expected in PROTOCOL_PARTS.items():
        found = sorted({_part_size(run, part) for run in runs})
        if found != [expected]:
            departures.append(f"{listed(list(map(str, found)))} instead of {expected} subjects to {_PURPOSE[part]}")
    if any(run.settings.shape != PROTOCOL_SHAPE for run in runs):
        departures.append("another size of scans")
    if any(run.settings.stride != PROTOCOL_STRIDE for run in runs):
        departures.append("another stride")
    yield (
        "The report that these experiments follow does not say which range its PSNR rests on; codes differ by several "
        "dB for the same images. " + (f"Beside it, this study has {listed(departures)}." if departures else "")
    ).strip()


def _about_measures(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    if has_tissues(runs):
        yield (
            "Tissues are told apart by one simple method in both scans, from one contrast. It may be wrong in both "
            "alike, and borders come from the source: read the coefficients beside those of the intensity map."
        )
    yield (
        "No figure says that a synthetic scan shows disease. Averages over a volume hide small lesions that are "
        "missing or made up. Research use only, not for diagnosis."
    )


_PURPOSE = {"train": "train on", "validation": "validate on", "test": "test on"}


def _part_size(run: EvaluatedRun, part: str) -> int:
    return len(run.subjects) if part == "test" else len(run.run.best.subjects[part])


def _family_size(group: Sequence[EvaluatedRun]) -> int:
    """Pairs of runs, and each run with its map: what p is adjusted for."""
    return len(group) * (len(group) - 1) // 2 + len(group)


def _can_be_significant(subjects: int, pairs: int) -> bool:
    return smallest_p(subjects) * pairs < SIGNIFICANT


def _is_significant(each: Comparison) -> bool:
    return each.p_holm is not None and each.p_holm < SIGNIFICANT


def _by(each: Comparison) -> str:
    found, sign = each.difference, 1 if each.first_is_better is not False else -1
    ends = sorted((sign * found.low, sign * found.high))
    interval = f"95\N{NO-BREAK SPACE}% interval {number(ends[0], 2)} to {number(ends[1], 2)} dB"
    p = probability(each.p_holm)
    return f"{number(sign * found.mean, 2)} dB, {interval}, p {p if p.startswith('<') else f'= {p}'} after Holm"
