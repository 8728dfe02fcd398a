"""A job from files to files, in this process."""

import json
from contextlib import contextmanager

import numpy as np
import pytest
from job_examples import a_ball, a_scan_at, identity_model_in
from model_examples import TINY_UNET, make_model

from mrsynth import synthesis_run
from mrsynth.errors import Cancelled, InputError, OutputError
from mrsynth.sidecar import sidecar_path
from mrsynth.synthesis_job import SynthesisJob
from mrsynth.synthesis_run import RunHooks, load_job_model, run_job
from mrsynth.volume import Volume
from mrsynth.volume_reading import read_volume
from mrsynth.volume_writing import write_volume


@pytest.fixture(scope="module")
def a_model_folder(tmp_path_factory):
    return identity_model_in(tmp_path_factory.mktemp("models"))


@pytest.fixture
def a_job(tmp_path, a_model_folder):
    return SynthesisJob(
        a_scan_at(tmp_path / "T2.nii.gz"), tmp_path / "PD.nii.gz", "same", model_folders=(a_model_folder,)
    )


def changed(job, **fields):
    return SynthesisJob.from_dict(job.to_dict() | {name: value and str(value) for name, value in fields.items()})


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_network_that_returns_its_input_returns_the_scan_in_place(tmp_path, a_job):
    run_job(a_job)
    output, source = read_volume(a_job.output), read_volume(a_job.source)
    np.testing.assert_allclose(output.voxels, source.voxels, atol=0.01)
    np.testing.assert_array_equal(output.affine, source.affine)
    assert names_in(tmp_path) == ["PD.json", "PD.nii.gz", "T2.nii.gz"]


def test_stages_follow_one_another(a_job):
    stages = []
    run_job(a_job, RunHooks(progress=lambda step: stages.append(step.stage)))
    assert list(dict.fromkeys(stages)) == ["reading", "loading", "synthesis", "writing"]


def test_a_reference_gives_figures_in_result_and_sidecar(tmp_path, a_job):
    job = changed(a_job, reference=a_scan_at(tmp_path / "acquired.nii.gz", "PD"))
    result = run_job(job, model=load_job_model(job))
    rows = result.to_dict()["comparison"]["rows"]
    assert {row["image"] for row in rows} == {"synthetic", "linear", "intensity map"}
    assert json.loads(sidecar_path(job.output).read_text())["comparison"]["rows"] == rows


def test_an_uncertainty_comes_with_a_sidecar_of_its_own(tmp_path, a_job):
    job = changed(a_job, uncertainty=tmp_path / "spread.nrrd", mode="smooth")
    result = run_job(job)
    assert json.loads((tmp_path / "spread.json").read_text())["kind"] == "uncertainty"
    assert json.loads((tmp_path / "PD.json").read_text())["options"]["mode"] == "smooth"
    assert read_volume(job.uncertainty).shape == a_ball().shape
    assert result.to_dict()["sidecars"] == [str(tmp_path / "PD.json"), str(tmp_path / "spread.json")]


def test_the_sidecar_of_an_uncertainty_says_that_the_network_estimated_it(tmp_path, a_job):
    network = {"name": "residual-unet", "configuration": {**TINY_UNET, "estimates_error": True}}
    make_model(tmp_path / "models", name="estimating", network=network)
    folders = {"model_folders": [str(tmp_path / "models")], "uncertainty": str(tmp_path / "error.nrrd")}
    job = SynthesisJob.from_dict(a_job.to_dict() | folders | {"model": "estimating"})
    run_job(job)
    assert (
        "the absolute error that the network itself expects"
        in json.loads((tmp_path / "error.json").read_text())["note"]
    )
    # With fresh weights it expects the same everywhere.
    voxels = read_volume(job.uncertainty).voxels
    assert voxels.min() > 0
    np.testing.assert_allclose(voxels, voxels.mean(), rtol=1e-5)


def test_a_pd_scan_for_a_t2_model_brings_a_warning(tmp_path, a_job):
    warnings = []
    job = changed(a_job, source=a_scan_at(tmp_path / "scan.nii.gz", "PD"))
    result = run_job(job, RunHooks(warning=warnings.append))
    assert any("looks PD-weighted, but model same takes T2" in warning for warning in warnings)
    assert list(result.warnings) == warnings


def test_a_source_that_is_synthetic_itself_brings_a_warning(tmp_path, a_job):
    run_job(a_job)
    result = run_job(changed(a_job, source=a_job.output, output=tmp_path / "again.nii.gz"))
    assert "the source is synthetic itself" in result.warnings


def constant_scan(path):
    write_volume(Volume(np.full((8, 8, 8), 3.0), np.eye(4)), path)
    return path


def distant_scan(path):
    affine = a_ball().affine.copy()
    affine[:3, 3] = 9000
    write_volume(Volume(a_ball().voxels, affine), path)
    return path


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda folder: {"source": folder / "none.nii.gz"}, "missing_file"),
        (lambda folder: {"source": constant_scan(folder / "constant.nii.gz")}, "constant"),
        (lambda folder: {"reference": folder / "none.nii.gz"}, "missing_file"),
        (lambda folder: {"reference": constant_scan(folder / "constant.nii.gz")}, "constant"),
        (lambda folder: {"reference": distant_scan(folder / "distant.nii.gz")}, "no_overlap"),
        (lambda folder: {"model": "unheard-of"}, "unknown_model"),
    ],
)
def test_bad_input_is_refused_before_the_model_runs_and_nothing_is_written(tmp_path, a_job, monkeypatch, change, code):
    monkeypatch.setattr(synthesis_run, "_load", lambda installed: pytest.fail("the model was loaded"))
    job = changed(a_job, **change(tmp_path))
    before = names_in(tmp_path)
    with pytest.raises(InputError) as refused:
        run_job(job)
    assert refused.value.code == code and names_in(tmp_path) == before


def test_a_missing_device_is_refused_and_nothing_written(tmp_path, a_job):
    with pytest.raises(InputError) as refused:
        run_job(changed(a_job, device="cuda:77"))
    assert refused.value.code == "no_device" and names_in(tmp_path) == ["T2.nii.gz"]


def test_a_scan_without_tissue_is_named(a_job, monkeypatch):
    def refuse(*arguments):
        raise InputError("expected tissue, found none", "constant")

    monkeypatch.setattr("mrsynth.synthesis.synthesize", refuse)
    with pytest.raises(InputError, match="T2.nii.gz: expected tissue"):
        run_job(a_job)


def test_a_disk_that_fills_up_leaves_what_was_there(tmp_path, a_job, monkeypatch):
    run_job(a_job)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(volume, path):
        if path.name == "spread.nrrd":
            raise OutputError("full", "disk_full")
        write_volume(volume, path)

    monkeypatch.setattr(synthesis_run, "write_volume", full)
    job = SynthesisJob.from_dict(a_job.to_dict() | {"uncertainty": str(tmp_path / "spread.nrrd"), "force": True})
    with pytest.raises(OutputError):
        run_job(job)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("stage", ["reading", "loading", "synthesis", "writing"])
def test_a_run_can_be_cancelled_in_every_stage(tmp_path, a_job, stage):
    seen = []
    hooks = RunHooks(progress=lambda step: seen.append(step.stage), cancelled=lambda: stage in seen)
    with pytest.raises(Cancelled):
        run_job(a_job, hooks)
    assert names_in(tmp_path) == ["T2.nii.gz"]


def test_an_output_that_appears_meanwhile_is_not_replaced(a_job):
    @contextmanager
    def committing():
        a_job.output.write_bytes(b"someone else's")
        yield

    with pytest.raises(InputError, match="exists already"):
        run_job(a_job, RunHooks(committing=committing))
    assert a_job.output.read_bytes() == b"someone else's"
