"""A job for a model that takes a timing: what it is told, what its sidecar and result say, from file to file."""

import json
from dataclasses import replace

import numpy as np
import pytest
from dicom_examples import write_series
from job_examples import a_ball, a_scan_at, timed_model_in

from mrsynth import synthesis_run
from mrsynth.acquired_timing import AcquiredTiming
from mrsynth.errors import InputError
from mrsynth.sidecar import sidecar_path
from mrsynth.synthesis_job import SynthesisJob
from mrsynth.synthesis_run import find_model, load_job_model, run_job
from mrsynth.timing import Timing
from mrsynth.volume_reading import read_volume

BIDS = '{"EchoTime": 0.095, "RepetitionTime": 4.2}'


@pytest.fixture(scope="module")
def a_model_folder(tmp_path_factory):
    return timed_model_in(tmp_path_factory.mktemp("models"))


@pytest.fixture
def a_job(tmp_path, a_model_folder):
    scan = a_scan_at(tmp_path / "T2.nii.gz")
    return SynthesisJob(scan, tmp_path / "PD.nii.gz", "timed", device="cpu", model_folders=(a_model_folder,))


def recorded(job, **timing):
    """What the sidecar tells of the timing, after a run that was given some of it."""
    result = run_job(replace(job, timing=Timing(**timing), force=True))
    document = json.loads(sidecar_path(job.output).read_text())["timing"]
    assert result.to_dict()["timing"] == document == result.timing.to_dict()
    return document


def entry(te_ms, te_from, tr_ms, tr_from, target_te_ms=8):
    return {"te_ms": te_ms, "te_from": te_from, "tr_ms": tr_ms, "tr_from": tr_from, "target_te_ms": target_te_ms}


def test_without_any_word_of_it_the_timing_is_unknown_and_the_target_the_usual_one(a_job):
    assert recorded(a_job) == entry(None, "unknown", None, "unknown")


def test_a_converter_s_sidecar_is_believed_and_recorded(a_job):
    sidecar_path(a_job.source).write_text(BIDS)
    assert recorded(a_job) == entry(95.0, "sidecar", 4200.0, "sidecar")


def test_the_user_counts_more_than_the_sidecar(a_job):
    sidecar_path(a_job.source).write_text(BIDS)
    assert recorded(a_job, te_ms=80.0, target_te_ms=20.0) == entry(80.0, "given", 4200.0, "sidecar", 20.0)


@pytest.mark.parametrize(("given", "tr_ms", "tr_from"), [({}, 3300.0, "DICOM"), ({"tr_ms": 3500.0}, 3500.0, "given")])
def test_the_tags_of_a_dicom_series_are_believed_unless_the_user_knows_better(tmp_path, a_job, given, tr_ms, tr_from):
    ball = a_ball()
    write_series(tmp_path / "T2", ball.voxels.astype(np.int16), ball.affine, echo_time="101", repetition_time="3300")
    assert recorded(replace(a_job, source=tmp_path / "T2"), **given) == entry(101.0, "DICOM", tr_ms, tr_from)


def test_what_the_sidecar_says_changes_the_result_as_much_as_the_same_said_by_the_user(a_job):
    run_job(a_job)
    unknown = read_volume(a_job.output).voxels
    run_job(replace(a_job, force=True, timing=Timing(95.0, 4200.0)))
    given = read_volume(a_job.output).voxels
    sidecar_path(a_job.source).write_text(BIDS)
    run_job(replace(a_job, force=True))
    np.testing.assert_array_equal(read_volume(a_job.output).voxels, given)
    assert not np.allclose(given, unknown, rtol=0.01)


def test_a_result_is_read_again_with_the_echo_time_it_was_made_for(a_job):
    run_job(replace(a_job, timing=Timing(95.0, 4200.0, 20.0)))
    assert read_volume(a_job.output).timing == AcquiredTiming(20.0, 4200.0, "sidecar")


def test_times_that_the_model_has_not_seen_are_warned_of_and_the_target_that_was_made_is_recorded(a_job):
    result = run_job(replace(a_job, timing=Timing(te_ms=30.0, target_te_ms=200.0)))
    assert any("the source's TE of 30 ms lies outside the 60 to 130 ms" in warning for warning in result.warnings)
    assert any("the TE asked for of 200 ms" in warning for warning in result.warnings)
    assert result.timing.timing == Timing(30.0, None, 40.0)
    assert json.loads(sidecar_path(a_job.output).read_text())["warnings"] == list(result.warnings)


def test_a_model_without_timing_records_none_and_makes_the_same_whatever_is_known(tmp_path, a_job):
    job = replace(a_job, model="same")
    run_job(job)
    plain = job.output.read_bytes()
    sidecar_path(job.source).write_text(BIDS)
    result = run_job(replace(job, force=True, timing=Timing(80.0, 3000.0)))
    assert result.timing is None and result.to_dict()["timing"] is None
    assert "timing" not in json.loads(sidecar_path(job.output).read_text())
    assert job.output.read_bytes() == plain


@pytest.mark.parametrize("step", [run_job, find_model, load_job_model])
def test_a_model_without_timing_that_is_asked_for_an_echo_time_is_refused_before_anything_is_read(
    a_job, monkeypatch, step
):
    monkeypatch.setattr(synthesis_run, "read_volume", lambda path: pytest.fail("the scan was read"))
    with pytest.raises(InputError, match="no target TE for model same") as refused:
        step(replace(a_job, model="same", timing=Timing(target_te_ms=20.0)))
    assert refused.value.code == "bad_timing"
