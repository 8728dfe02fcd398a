import errno
import json
import os
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from ixi_examples import BROKEN, SMALL_SIZE, scan_voxels, write_broken_subjects, write_good_ixi, write_scan

from mrsynth.errors import Cancelled, OutputError
from mrsynth_training import cache_filling
from mrsynth_training.cache_filling import PreparationTask, fill_volume_cache, prepare_subject
from mrsynth_training.ixi_scans import find_ixi
from mrsynth_training.preprocessing import PreprocessingOptions

OPTIONS = PreprocessingOptions(SMALL_SIZE)


@pytest.fixture
def ixi(tmp_path):
    return write_broken_subjects(write_good_ixi(tmp_path / "IXI"))


@pytest.fixture
def tasks(ixi, tmp_path):
    """One task for each pair, four of them broken."""
    return tasks_of(ixi, tmp_path / "cache")


def tasks_of(ixi, cache, options=OPTIONS):
    return [PreparationTask(pair, cache, ("T2", "PD"), options) for pair in find_ixi(ixi)[0]]


def silent(done, total):
    pass


def contents(cache: Path):
    return {path.name: path.read_bytes() for path in cache.iterdir()}


def prepared_subjects(monkeypatch):
    """Return a list that fills with the subjects that are prepared from now on, in this process."""
    names = []

    def note(task):
        names.append(task.pair.subject)
        return prepare_subject(task)

    monkeypatch.setattr(cache_filling, "prepare_subject", note)
    return names


def test_good_subjects_are_prepared_and_broken_ones_skipped_with_their_reason(tasks):
    told = []
    records = fill_volume_cache(tasks, 1, lambda done, total: told.append((done, total)))
    skipped = {record.subject: record.reason for record in records if not record.used}
    assert skipped == {name: BROKEN[name] for name in ("IXI102", "IXI103", "IXI104", "IXI105")}
    assert told == [(done, len(tasks)) for done in range(len(tasks) + 1)]
    assert len(list(tasks[0].cache.glob("*.npy"))) == len(list(tasks[0].cache.glob("*.json"))) == len(tasks) - 4
    assert all(record.detail == "" for record in records if record.used)


def test_several_processes_write_just_what_one_writes(tasks, ixi, tmp_path):
    serial = fill_volume_cache(tasks, 1, silent)
    parallel = fill_volume_cache(tasks_of(ixi, tmp_path / "parallel"), 2, silent)
    assert parallel == serial
    assert contents(tmp_path / "parallel") == contents(tasks[0].cache)


def test_a_run_that_was_stopped_and_goes_on_ends_as_one_that_was_not(tasks, ixi, tmp_path):
    whole = fill_volume_cache(tasks_of(ixi, tmp_path / "whole"), 1, silent)
    answers = iter([False] * 5 + [True])
    with pytest.raises(Cancelled, match="the same command goes on from there"):
        fill_volume_cache(tasks, 1, silent, lambda: next(answers))
    assert len(list(tasks[0].cache.glob("*.npy"))) == 5
    assert fill_volume_cache(tasks, 1, silent) == whole
    assert contents(tasks[0].cache) == contents(tmp_path / "whole")


def test_a_stop_ends_several_processes_with_whole_files_only(tasks):
    asked = []
    with pytest.raises(Cancelled):
        fill_volume_cache(tasks, 2, silent, lambda: asked.append(1) or len(asked) > 1)
    endings = {path.suffix for path in tasks[0].cache.iterdir()}
    assert endings <= {".npy", ".json"}


def test_what_is_finished_is_not_done_again(tasks, monkeypatch):
    first = fill_volume_cache(tasks, 1, silent)
    again = prepared_subjects(monkeypatch)
    assert fill_volume_cache(tasks, 1, silent) == first
    assert again == ["IXI102", "IXI103", "IXI104", "IXI105"]


def test_a_changed_scan_is_done_again(tasks, ixi, monkeypatch):
    fill_volume_cache(tasks, 1, silent)
    again = prepared_subjects(monkeypatch)
    path = ixi / "IXI-PD" / "IXI012-HH-1211-PD.nii.gz"
    write_scan(path, scan_voxels(77))
    os.utime(path, ns=(1, 1))
    fill_volume_cache([task for task in tasks if task.pair.subject < "IXI100"], 1, silent)
    assert again == ["IXI012"]


def test_a_changed_option_has_every_subject_done_again(tasks, ixi, monkeypatch):
    fill_volume_cache(tasks, 1, silent)
    again = prepared_subjects(monkeypatch)
    fill_volume_cache(tasks_of(ixi, tasks[0].cache, PreprocessingOptions(SMALL_SIZE, first_slice=1)), 1, silent)
    assert len(again) == len(tasks)


def test_a_damaged_array_is_done_again(tasks, monkeypatch):
    fill_volume_cache(tasks, 1, silent)
    array = tasks[0].cache / "subject_IXI002.npy"
    array.write_bytes(array.read_bytes()[:400])
    again = prepared_subjects(monkeypatch)
    fill_volume_cache(tasks[:3], 1, silent)
    assert again == ["IXI002"]


def test_a_subject_that_went_bad_is_not_left_in_the_cache(tasks, ixi):
    fill_volume_cache(tasks, 1, silent)
    (ixi / "IXI-T2" / "IXI002-Guys-0828-T2.nii.gz").unlink()
    record = fill_volume_cache(tasks, 1, silent)[0]
    assert (record.subject, record.reason) == ("IXI002", "missing_file")
    assert not list(tasks[0].cache.glob("subject_IXI002*"))


def test_a_padded_subject_says_so(ixi, tmp_path):
    records = fill_volume_cache(tasks_of(ixi, tmp_path / "cache", PreprocessingOptions((32, 24, 9)))[:1], 1, silent)
    assert records[0].detail == "padded from 20x24x3 to 32x24x3 voxels"


def test_a_description_tells_what_the_array_was_made_from(tasks):
    fill_volume_cache(tasks[:1], 1, silent)
    document = json.loads((tasks[0].cache / "subject_IXI002.json").read_text())
    assert document["source"][0] == "IXI002-Guys-0828-T2.nii.gz"
    assert document["options"] == {"size": [16, 16, 9], "slice_step": 3, "first_slice": 0, "plane": "acquired"}


def test_a_full_disk_stops_everything_and_is_no_fault_of_a_subject(tasks, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("numpy.save", refuse)
    with pytest.raises(OutputError) as caught:
        fill_volume_cache(tasks, 1, silent)
    assert caught.value.code == "disk_full"
    assert list(tasks[0].cache.iterdir()) == []


def test_a_cache_that_cannot_be_made_is_an_output_error(ixi, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="expected a folder to write to"):
        fill_volume_cache(tasks_of(ixi, tmp_path / "file"), 1, silent)


class BrokenPool:
    """A pool whose processes were killed."""

    def __init__(self, *_, **__):
        pass

    def submit(self, *_):
        raise BrokenProcessPool

    def shutdown(self, cancel_futures):
        pass


def test_a_process_that_is_killed_is_told_with_what_to_do(tasks, monkeypatch):
    monkeypatch.setattr(cache_filling, "ProcessPoolExecutor", BrokenPool)
    with pytest.raises(RuntimeError, match="fewer --processes"):
        fill_volume_cache(tasks, 2, silent)
    with pytest.raises(Cancelled):
        fill_volume_cache(tasks, 2, silent, lambda: True)


def test_nothing_to_prepare_is_no_record():
    assert fill_volume_cache([], 2, silent) == []
