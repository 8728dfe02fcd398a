import itertools
import shutil

import numpy as np
import pytest
from epoch_examples import shrink_networks
from study_examples import (
    STRIDE,
    TEST,
    prepare_head,
    prepare_heads,
    reversed_experiment,
    train_experiment,
    train_run,
)

from mrsynth.baselines import intensity_map, linear_fit
from mrsynth.errors import Cancelled, InputError, MissingFile, OutputError
from mrsynth.metrics import HEAD, WHOLE_VOLUME
from mrsynth.volume_reading import read_volume
from mrsynth_training import run_evaluation, subject_reference
from mrsynth_training.evaluation_record import read_evaluation, record_path, synthetic_path
from mrsynth_training.evaluation_settings import read_settings
from mrsynth_training.run_evaluation import EvaluationOptions, RunEvaluation
from mrsynth_training.trained_run import read_trained_runs
from mrsynth_training.volume_cache import array_path, read_subject


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    shrink_networks(monkeypatch)


@pytest.fixture(scope="module")
def a_study(tmp_path_factory):
    """A cache of six heads, and two runs of one direction and one of the other."""
    with pytest.MonkeyPatch.context() as patch:
        shrink_networks(patch)
        folder = tmp_path_factory.mktemp("study")
        cache = prepare_heads(folder / "cache")
        for name, seed in (("one", 0), ("two", 1)):
            train_run(cache, folder / name, seed=seed)
        train_experiment(cache, folder / "back", reversed_experiment())
        return folder


@pytest.fixture
def study(a_study, tmp_path):
    """The same in a folder of its own."""
    return shutil.copytree(a_study, tmp_path / "study")


def evaluation(study, *names, stride=STRIDE):
    runs = read_trained_runs([study / name for name in names or ("one",)])
    return RunEvaluation(runs, EvaluationOptions(study / "cache", study / "cache" / "split.json", stride))


def naive_synthesis(network, source, patch, stride):
    """Every overlapping patch by itself, summed and divided."""
    import torch

    starts = [sorted({*range(0, n - p, s), n - p}) for n, p, s in zip(source.shape, patch, stride, strict=True)]
    total, count = np.zeros(source.shape), np.zeros(source.shape)
    for corner in itertools.product(*starts):
        box = tuple(slice(c, c + p) for c, p in zip(corner, patch, strict=True))
        with torch.no_grad():
            total[box] += network(torch.from_numpy(source[box].copy())[None, None])[0, 0].numpy()
        count[box] += 1
    return total / count


def test_the_figures_are_those_of_an_independent_computation(study):
    evaluation(study).evaluate()
    run = read_trained_runs([study / "one"])[0]
    for name in TEST:
        subject, found = read_subject(study / "cache", name), read_evaluation(study / "one", name)
        source, target = (np.array(subject.channel(contrast)) for contrast in ("T2", "PD"))
        error = naive_synthesis(run.network(), source, (8, 8, 8), STRIDE) - target
        whole, head = found.metrics["network", WHOLE_VOLUME], found.metrics["network", HEAD]
        assert whole.mae == pytest.approx(np.abs(error).mean(), rel=1e-5)
        peaks = np.ptp(target), np.subtract(*np.percentile(target, (99.5, 0.5)))
        expected = [10 * np.log10(peak**2 / (error**2).mean()) for peak in peaks]
        assert [whole.psnr_range, whole.psnr_percentile] == pytest.approx(expected, rel=1e-5)
        assert found.peaks == pytest.approx(peaks)
        assert head.mae > 1.5 * whole.mae  # air is easy
        steps = [np.abs(np.diff(target + error, axis=a)) - np.abs(np.diff(target, axis=a)) for a in (0, 1)]
        squares = np.concatenate([(each**2).ravel() for each in steps])
        assert whole.gradient_difference == pytest.approx(squares.mean(), rel=1e-4)


def test_the_baselines_stand_beside_the_network(study):
    evaluation(study).evaluate()
    subject, found = read_subject(study / "cache", "H3"), read_evaluation(study / "one", "H3")
    source, target = (np.array(subject.channel(contrast)) for contrast in ("T2", "PD"))
    for name, image in (("linear", linear_fit(source, target)), ("oracle", intensity_map(source, target))):
        assert found.metrics[name, WHOLE_VOLUME].mse == pytest.approx(((image - target) ** 2).mean(), rel=1e-4)
    by_map = found.metrics["map", WHOLE_VOLUME].mse
    assert found.metrics["oracle", WHOLE_VOLUME].mse <= by_map
    assert set(found.tissues) == {"network", "map"} and found.tissue_note == ""


def test_the_synthetic_volume_is_kept_in_its_place_and_its_units(study):
    evaluation(study).evaluate()
    subject, run = read_subject(study / "cache", "H4"), read_trained_runs([study / "one"])[0]
    volume = read_volume(synthetic_path(study / "one", "H4"))
    expected = naive_synthesis(run.network(), np.array(subject.channel("T2")), (8, 8, 8), STRIDE)
    assert np.allclose(volume.voxels, expected, atol=1e-5)
    assert np.allclose(volume.affine, subject.affine)


def test_the_settings_tell_how_and_on_whom_it_was_measured(study):
    evaluation(study).evaluate()
    settings = read_settings(study / "one")
    assert settings.subjects == TEST and settings.sites == {"north": 2, "south": 1}
    assert settings.split == {
        "train": 2, "validation": 1, "test": 3, "unused": 0, "seed": 0, "left_out_site": None
    }  # fmt: skip
    assert settings.simulated and "simulated" in settings.data
    assert (settings.stride, settings.shape, settings.epoch) == (STRIDE, (32, 32, 12), 1)
    assert settings.hardware and "PyTorch" in settings.software


def test_runs_of_both_directions_are_measured_at_once(study):
    both = evaluation(study, "one", "back")
    told = []
    both.evaluate(told.append)
    patches = 2 * 3 * (4 * 4 * 2)
    assert told[-1].done == told[-1].total == patches and not both.pending
    back = read_evaluation(study / "back", "H3")
    subject = read_subject(study / "cache", "H3")
    assert back.peaks[0] == pytest.approx(np.ptp(subject.channel("T2")))


def test_what_two_runs_share_is_measured_once_a_subject(study, monkeypatch):
    made = []
    original = subject_reference.SubjectReference.__init__

    def count(self, *arguments):
        made.append(arguments)
        original(self, *arguments)

    monkeypatch.setattr(subject_reference.SubjectReference, "__init__", count)
    evaluation(study, "one", "two").evaluate()
    assert len(made) == len(TEST)


def test_what_is_done_is_not_done_again(study):
    evaluation(study).evaluate()
    before = {name: record_path(study / "one", name).stat().st_mtime_ns for name in TEST}
    told = []
    evaluation(study).evaluate(told.append)
    assert told == []
    assert before == {name: record_path(study / "one", name).stat().st_mtime_ns for name in TEST}


def test_an_interrupted_evaluation_keeps_finished_subjects_and_equals_a_whole_one(study):
    evaluation(study).evaluate()
    whole = {name: record_path(study / "one", name).read_bytes() for name in TEST}
    shutil.rmtree(study / "one" / "test")
    told = []
    with pytest.raises(Cancelled, match="subjects that are finished are kept"):
        evaluation(study).evaluate(told.append, lambda: len(told) > 3)
    assert 0 < len(evaluation(study).pending) < len(TEST)
    evaluation(study).evaluate()
    assert whole == {name: record_path(study / "one", name).read_bytes() for name in TEST}


def test_a_changed_cache_a_changed_stride_and_a_lost_volume_are_measured_anew(study):
    evaluation(study).evaluate()
    prepare_head(study / "cache", 9, "H4")
    assert [subject.subject for _, subject in evaluation(study).pending] == ["H4"]
    synthetic_path(study / "one", "H5").unlink()
    assert [subject.subject for _, subject in evaluation(study).pending] == ["H4", "H5"]
    assert len(evaluation(study, stride=(4, 8, 8)).pending) == 3


def test_another_best_epoch_and_another_training_part_are_measured_anew(study):
    evaluation(study).evaluate()
    prepare_head(study / "cache", 8, "H1")  # the baseline's map is of other subjects now
    assert len(evaluation(study).pending) == 3
    shutil.copy(study / "two" / "best.pt", study / "one" / "best.pt")
    assert len(evaluation(study).pending) == 3


def test_a_damaged_record_is_made_anew(study):
    evaluation(study).evaluate()
    record_path(study / "one", "H3").write_text("{")
    assert [subject.subject for _, subject in evaluation(study).pending] == ["H3"]


def test_a_run_that_has_seen_a_test_subject_is_refused(study):
    split = study / "cache" / "split.json"
    split.write_text(split.read_text().replace('"H2"', '"H3"', 1).replace('"H3",\n    "H4"', '"H2",\n    "H4"'))
    with pytest.raises(InputError, match="one: expected test subjects that took no part in training, found 1 .*H2"):
        evaluation(study)


def test_subjects_prepared_in_another_way_are_refused(study):
    for number, name in enumerate(TEST):
        prepare_head(study / "cache", number, name, slice_step=3)
    with pytest.raises(InputError, match="found H3 otherwise: slice_step: expected 1, found 3"):
        evaluation(study)


@pytest.mark.parametrize("lost", ["H3", "H0"])
def test_a_lost_file_of_the_cache_is_told(study, lost):
    array_path(study / "cache", lost).unlink()
    with pytest.raises(MissingFile, match=f"subject_{lost}.npy: expected the array"):
        evaluation(study)


def test_a_split_that_is_not_there_is_told(study):
    (study / "cache" / "split.json").unlink()
    with pytest.raises(MissingFile, match="expected a split"):
        evaluation(study)


def test_a_stride_beyond_the_patch_is_refused(study):
    with pytest.raises(InputError, match="expected a stride from 1 to the patch"):
        evaluation(study, stride=(9, 8, 8))


def test_a_full_disk_leaves_no_half_of_a_subject(study, monkeypatch):
    def refuse(*_):
        raise OutputError("full", "disk_full")

    monkeypatch.setattr(run_evaluation, "write_volume", refuse)
    with pytest.raises(OutputError):
        evaluation(study).evaluate()
    assert not list((study / "one" / "test").glob("subject_*"))


def test_one_test_subject_is_enough(tmp_path):
    cache = prepare_heads(tmp_path / "cache", test=("H3",))
    train_run(cache, tmp_path / "one")
    evaluation(tmp_path).evaluate()
    assert read_settings(tmp_path / "one").subjects == ("H3",)


def test_contrasts_whose_tissues_are_not_known_are_measured_without_them(study):
    from mrsynth_training.volume_cache import CachedSubject

    subject = read_subject(study / "cache", "H3")
    other = CachedSubject(subject.voxels, subject.description | {"contrasts": ["T1", "PD"]})
    run = read_trained_runs([study / "one"])[0]
    by_map = run_evaluation.trained_map([subject], run.experiment)
    reference = subject_reference.SubjectReference(other, ("T1", "PD"), by_map)
    found = reference.evaluate(reference.source, {})
    assert found.tissues == {} and "found T1 and PD" in found.tissue_note


def test_a_subject_without_a_brain_is_measured_without_tissues(study):
    from mrsynth_training.volume_cache import CachedSubject

    subject = read_subject(study / "cache", "H3")
    small = CachedSubject(subject.voxels, subject.description | {"affine": np.eye(4).tolist()})
    run = read_trained_runs([study / "one"])[0]
    reference = subject_reference.SubjectReference(
        small, ("T2", "PD"), run_evaluation.trained_map([subject], run.experiment)
    )
    found = reference.evaluate(reference.source, {})
    assert found.tissues == {} and "expected a brain" in found.tissue_note
