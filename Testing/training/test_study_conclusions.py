import dataclasses
import math

import pytest
from study_figures import a_run_of, evaluation_of

from mrsynth_training.evaluated_run import TrainingCourse
from mrsynth_training.study_conclusions import allowed, not_allowed

MANY = [27.0 + 0.3 * n for n in range(8)]
BETTER = [value + 1 + 0.02 * n for n, value in enumerate(MANY)]
FEW = MANY[:3]


def epochs(count):
    return tuple({"epoch": float(n + 1), "mae": 0.1, "psnr_range": 27.5} for n in range(count))


def courses_of(*runs, count=3):
    return {run.name: TrainingCourse(epochs(count), 60.0, None) for run in runs}


def scheduled(run, count, patience=0):
    experiment = run.run.experiment
    schedule = dataclasses.replace(experiment.schedule, epochs=count, patience=patience)
    trained = dataclasses.replace(run.run, experiment=dataclasses.replace(experiment, schedule=schedule))
    return dataclasses.replace(run, run=trained)


def said(sentences, *words):
    return any(all(word in sentence for word in words) for sentence in sentences)


def test_a_difference_that_chance_does_not_explain_is_told_with_interval_and_p():
    found = allowed([a_run_of("g1", MANY), a_run_of("g2", BETTER)])
    assert said(
        found, "g2 has a higher test PSNR than g1", "1.07 dB", "95\N{NO-BREAK SPACE}% interval", "p = 0.023 after Holm"
    )


@pytest.mark.parametrize("order", [("g1", "g2"), ("g2", "g1")])
def test_the_better_run_is_named_whichever_comes_first(order):
    values = {"g1": MANY, "g2": BETTER}
    found = allowed([a_run_of(name, values[name]) for name in order])
    assert said(found, "g2 has a higher test PSNR than g1", "1.07 dB, 95\N{NO-BREAK SPACE}% interval 1.03")


def test_differences_within_chance_are_told_as_such():
    other = [value + (0.1 + 0.01 * n) * (1 if n % 2 else -1) for n, value in enumerate(MANY)]
    found = allowed([a_run_of("g1", MANY), a_run_of("g2", other)])
    assert said(found, "no two runs differ in test PSNR by more than chance explains (8 subjects)")


def test_where_no_test_could_show_a_difference_none_is_denied():
    runs = [a_run_of("g1", FEW), a_run_of("g2", FEW)]
    assert not said(allowed(runs), "no two runs differ")
    assert said(
        not_allowed(runs, courses_of(*runs)), "adjusted for 3 pairs; that no difference is significant says nothing"
    )


def test_each_run_is_set_beside_the_intensity_map():
    found = allowed([a_run_of("g1", MANY)])
    words = "nearer to the truth than the intensity map of the training subjects: g1 in"
    assert said(found, f"{words} 8 of 8 subjects, 4.00 dB on average")
    assert said(allowed([a_run_of("g1", MANY[:1])]), f"{words} 1 of 1 subjects, 4.00 dB on average.")
    perfect = allowed([a_run_of("g1", [math.inf])])
    assert said(perfect, f"{words} 0 of 1 subjects.")


def test_tissues_are_told_beside_those_of_the_map():
    found = allowed([a_run_of("g1", MANY)])
    assert said(found, "Dice (WM, GM, CSF): g1 0.900, 0.900, 0.900; the intensity map 0.700, 0.700, 0.700.")
    without = a_run_of("g1", MANY, subjects=[evaluation_of("S0", 27.0, tissues=False)])
    assert not said(allowed([without]), "Dice") and not said(not_allowed([without], courses_of(without)), "Tissues")


def test_simulated_scans_say_nothing_of_acquired_ones():
    run = a_run_of("g1", MANY, simulated=True)
    assert said(not_allowed([run], courses_of(run)), "All scans are simulated", "acquired")
    both = [run, a_run_of("g2", MANY)]
    assert said(not_allowed(both, courses_of(*both)), "The scans of g1 are simulated")


def test_sites_that_were_shared_or_alone_are_told():
    run = a_run_of("g1", MANY)
    assert said(not_allowed([run], courses_of(run)), "of one site")
    assert said(not_allowed([run], courses_of(run)), "share their sites")
    split = run.settings.split | {"left_out_site": "HH"}
    left_out = a_run_of("g1", MANY, split=split, sites={"HH": 6, "Guys": 6})
    assert not said(not_allowed([left_out], courses_of(left_out)), "site")


def test_runs_that_cannot_be_compared_are_told():
    runs = [a_run_of("g1", MANY), a_run_of("back", MANY, direction=("PD", "T2"))]
    assert said(not_allowed(runs, courses_of(*runs)), "are not compared with one another")


def test_budgets_that_were_not_used_up_or_did_not_suffice_are_told():
    run = scheduled(a_run_of("g1", MANY), 34)
    assert said(not_allowed([run], courses_of(run)), "g1 was measured after 3 of 34 epochs")
    last = scheduled(a_run_of("g1", MANY), 2)
    assert said(not_allowed([last], courses_of(last, count=2)), "The best epoch of g1 is its last (2)")
    waited = scheduled(a_run_of("g1", MANY), 34, patience=1)
    assert not said(not_allowed([waited], courses_of(waited)), "34")
    assert said(not_allowed([run], courses_of(run)), "one training from one seed")


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "one test subject has no spread"),
        (3, "cannot give p below 0.250 before it is adjusted for 1 pair;"),
        (8, None),
    ],
)
def test_what_few_subjects_cannot_show_is_told(count, words):
    run = a_run_of("g1", MANY[:count])
    found = not_allowed([run], courses_of(run))
    assert said(found, words) if words else not said(found, "signed-rank")


@pytest.mark.parametrize(
    ("names", "simulated", "words"),
    [
        ([f"head-{n // 4}-scan-{n % 4:02d}" for n in range(8)], True, "the 8 test subjects are scans of 2 heads, and"),
        ([f"head-scan-{n:02d}" for n in range(8)], True, "the 8 test subjects are scans of 1 head, and"),
        ([f"head-{n}" for n in range(8)], True, None),
        ([f"IXI-scan-{n:02d}" for n in range(8)], False, None),
    ],
)
def test_several_scans_of_a_head_are_told_to_be_less_than_as_many_heads(names, simulated, words):
    subjects = [evaluation_of(name, value) for name, value in zip(names, MANY, strict=True)]
    run = a_run_of("g1", MANY, subjects=subjects, simulated=simulated)
    found = not_allowed([run], courses_of(run))
    assert said(found, words, "too narrow and the p too small") if words else not said(found, "too narrow")


def test_departures_from_the_protocol_are_told():
    run = a_run_of("g1", FEW, stride=(16, 16, 16), shape=(96, 96, 32))
    found = not_allowed([run], courses_of(run))
    assert said(
        found, "2 instead of 250 subjects to train on", "1 instead of 35", "3 instead of 70 subjects to test on"
    )
    assert said(found, "another size of scans and another stride")


def test_every_study_says_what_figures_do_not_show():
    run = a_run_of("g1", MANY)
    assert said(not_allowed([run], courses_of(run)), "small lesions", "not for diagnosis")
