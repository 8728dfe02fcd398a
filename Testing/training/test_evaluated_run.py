import shutil

import pytest
from epoch_examples import shrink_networks
from study_examples import STRIDE, prepare_heads, train_run

from mrsynth.errors import InputError, MissingFile
from mrsynth_training.evaluated_run import read_course, read_evaluated_runs
from mrsynth_training.evaluation_record import record_path
from mrsynth_training.run_evaluation import EvaluationOptions, RunEvaluation
from mrsynth_training.trained_run import read_trained_runs


@pytest.fixture(scope="module")
def a_measured_run(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        shrink_networks(patch)
        folder = tmp_path_factory.mktemp("measured")
        cache = prepare_heads(folder / "cache")
        for name, seed in (("run", 0), ("other", 1)):
            train_run(cache, folder / name, seed=seed)
        options = EvaluationOptions(cache, cache / "split.json", STRIDE)
        RunEvaluation(read_trained_runs([folder / "run"]), options).evaluate()
        return folder


@pytest.fixture
def a_run(a_measured_run, tmp_path):
    """A copy of it, to be spoilt."""
    return shutil.copytree(a_measured_run / "run", tmp_path / "run")


def test_a_measured_run_has_the_figures_of_its_subjects_in_order(a_run):
    found = read_evaluated_runs([a_run])[0]
    assert [subject.subject for subject in found.subjects] == ["H3", "H4", "H5"]
    assert [each.mae for each in found.metrics("network", "head")] == [
        subject.metrics["network", "head"].mae for subject in found.subjects
    ]


def test_a_run_that_got_better_since_it_was_measured_is_told(a_run, a_measured_run):
    shutil.copy(a_measured_run / "other" / "best.pt", a_run / "best.pt")
    with pytest.raises(InputError, match="found those of other weights .* run `mrsynth-train evaluate-runs` again"):
        read_evaluated_runs([a_run])


def test_a_subject_that_is_missing_or_made_otherwise_is_told(a_run):
    path = record_path(a_run, "H4")
    path.write_text(path.read_text().replace('"stride": [\n      8', '"stride": [\n      4'))
    with pytest.raises(InputError, match="made alike, found others of H4"):
        read_evaluated_runs([a_run])
    path.unlink()
    with pytest.raises(MissingFile, match="subject_H4.json"):
        read_evaluated_runs([a_run])


def test_the_course_of_a_run_has_its_epochs_its_time_and_its_machine(a_run):
    course = read_course(a_run)
    assert [row["epoch"] for row in course.epochs] == [1.0] and course.epochs[0]["psnr_range"] > 0
    assert course.seconds > 0 and course.record.hardware


def test_a_run_without_its_checkpoint_or_record_still_has_its_epochs(a_run):
    (a_run / "checkpoint.pt").unlink()
    (a_run / "run.json").unlink()
    course = read_course(a_run)
    assert course.epochs and course.seconds is None and course.record is None


def test_a_lost_or_damaged_table_of_epochs_is_told(a_run):
    (a_run / "epochs.csv").write_text("epoch,mae\n1,x\n")
    with pytest.raises(InputError, match="epochs.csv: expected a table of epochs, found a damaged one"):
        read_course(a_run)
    (a_run / "epochs.csv").unlink()
    with pytest.raises(MissingFile, match="epochs.csv: expected the run's table"):
        read_course(a_run)
