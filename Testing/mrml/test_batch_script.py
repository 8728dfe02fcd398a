"""The batch script: as a process like Slicer's, and piece by piece with a worker that needs no PyTorch."""

import csv
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import SimpleITK
from host_script import slicer_host
from job_examples import SHAPE, a_ball, a_scan_at, identity_model_in
from test_dicom import write_series

slicer_host.install()

import slicer  # noqa: E402
import slicer.packaging  # noqa: E402

from mrsynth.sidecar import sidecar_path  # noqa: E402
from mrsynth.volume_reading import read_volume  # noqa: E402
from MRSynthesisLib import BatchRun, BlockingJob  # noqa: E402
from MRSynthesisLib.ProcessTree import areGone  # noqa: E402
from MRSynthesisLib.WorkerLaunch import WorkerLaunch, workerLaunch  # noqa: E402

TESTING = Path(__file__).resolve().parents[1]
SCRIPT = TESTING.parent / "MRSynthesis" / "Resources" / "Scripts" / "batch_synthesize.py"
STALLED = TESTING / "core" / "stalled_worker.py"
PATIENCE_S = 180


@pytest.fixture(scope="module")
def a_script():
    """The script as a module, without its last lines."""
    specification = importlib.util.spec_from_file_location("batch_synthesize", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def a_study(tmp_path):
    """Two scans, an acquired image for the first, and a file that is no scan; and a model."""
    identity_model_in(tmp_path / "models")
    scans = tmp_path / "scans ü"
    for name, contrast in (("a_T2.nii.gz", "T2"), ("a_PD.nii.gz", "PD"), ("b_T2.nrrd", "T2")):
        a_scan_at(scans / name, contrast)
    return tmp_path


@pytest.fixture
def without_torch(monkeypatch):
    """Workers whose network is a stand-in; all else of them is real."""

    def launch(jobFile):
        real = workerLaunch(jobFile)
        return WorkerLaunch(real.program, ("-X", "utf8", "-u", str(STALLED), str(jobFile), "none"), real.environment)

    monkeypatch.setattr(BlockingJob, "workerLaunch", launch)


def argumentsFor(study, *more, output="out"):
    places = ("--input", str(study / "scans ü"), "--output", str(study / output))
    return [*places, "--model", "same", "--models", str(study / "models"), *more]


def processOf(study, *more):
    """The script in a process of its own, whose temporary files lie in the study."""
    (study / "tmp").mkdir(exist_ok=True)
    folders = os.pathsep.join([str(TESTING / "host"), str(TESTING.parent / "MRSynthesis")])
    environment = os.environ | {"PYTHONPATH": folders, "TMPDIR": str(study / "tmp"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(TESTING / "mrml" / "host_script.py"), str(SCRIPT), "--", *argumentsFor(study, *more)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8", "errors": "replace"}
    return subprocess.Popen(command, env=environment, **pipes)


def summaryOf(study, output="out"):
    with open(study / output / "summary.csv", encoding="utf-8", newline="") as file:
        return {row["case"]: row for row in csv.DictReader(file)}


def statuses(study):
    return {case: row["status"] for case, row in summaryOf(study).items()}


def namesIn(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_is_done_past_a_bad_case_and_a_second_call_does_not_do_it_again(a_study, a_script, without_torch):
    """The whole thing: a process like Slicer's, real workers, a real model."""
    (a_study / "scans ü" / "broken.nii").write_bytes(b"no scan")
    process = processOf(a_study, "--reference-suffix", "_PD", "--format", "nrrd")
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (1, ""), output
    lines = output.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == [
        "[1/3] done a_T2.nii.gz",
        "[2/3] done b_T2.nrrd",
        "[3/3] failed broken.nii",
    ]
    assert "2 of 3 cases are done, 1 failed" in lines[-1] and len(lines) == 4
    made = ["a_T2-synthetic-PD.json", "a_T2-synthetic-PD.nrrd", "b_T2-synthetic-PD.json", "b_T2-synthetic-PD.nrrd"]
    assert namesIn(a_study / "out") == [*made, "summary.csv"] and namesIn(a_study / "tmp") == []
    found = read_volume(a_study / "out" / "a_T2-synthetic-PD.nrrd")
    assert np.allclose(found.voxels, a_ball().voxels, atol=0.01) and np.allclose(found.affine, a_ball().affine)
    rows = summaryOf(a_study)
    assert float(rows["a_T2.nii.gz"]["mae (head)"]) > 0 and float(rows["a_T2.nii.gz"]["ssim (whole volume)"]) < 1
    assert rows["b_T2.nrrd"]["mae (head)"] == "" and "expected" in rows["broken.nii"]["message"]

    before = {path: path.stat().st_mtime_ns for path in (a_study / "out").glob("*-synthetic-*")}
    assert a_script.main(argumentsFor(a_study, "--reference-suffix", "_PD", "--format", "nrrd")) == 1
    assert statuses(a_study) == {"a_T2.nii.gz": "skipped", "b_T2.nrrd": "skipped", "broken.nii": "failed"}
    assert summaryOf(a_study)["a_T2.nii.gz"]["mae (head)"] == rows["a_T2.nii.gz"]["mae (head)"]
    assert before == {path: path.stat().st_mtime_ns for path in before}


@pytest.mark.skipif(os.name == "nt", reason="signals of this kind are POSIX's")
def test_an_interrupted_batch_leaves_nothing_half_done(a_study):
    process = processOf(a_study)
    parent = psutil.Process(process.pid)
    end = time.monotonic() + PATIENCE_S
    while not parent.children() or not list((a_study / "tmp").rglob("job.json")):
        assert time.monotonic() < end
        time.sleep(0.01)
    workers = parent.children(recursive=True)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130 and "stopped after 0 of 3 cases" in output
    assert areGone(workers, PATIENCE_S)
    assert namesIn(a_study / "tmp") == [] and not (a_study / "out").exists()


def test_arguments_that_cannot_be_used_end_with_2(a_study, a_script, capsys):
    (a_study / "empty").mkdir()
    wrong = {
        "unknown_model": ["--model", "no such model"],
        "expected a folder": ["--input", str(a_study / "nowhere")],
        "expected volumes": ["--input", str(a_study / "empty")],
        "none above it": ["--output", str(a_study / "x" / "y")],
        "reference images only": ["--reference-suffix", "2", "--input", str(a_study / "scans ü")],
    }
    (a_study / "scans ü" / "a_PD.nii.gz").unlink()
    for words, arguments in wrong.items():
        assert a_script.main(argumentsFor(a_study) + arguments) == 2
        told = capsys.readouterr().out
        assert told.startswith("error: ") and len(told.splitlines()) == 1
        assert words == "unknown_model" or words in told
    with pytest.raises(SystemExit) as caught:
        a_script.main(["--input", "x"])
    assert caught.value.code == 2
    assert not (a_study / "out").exists()


def test_missing_packages_are_named_before_anything_begins(a_study, a_script, capsys):
    slicer.packaging.pretendedMissing.update({"nibabel", "psutil"})
    try:
        assert a_script.main(argumentsFor(a_study)) == 2
    finally:
        slicer.packaging.reset()
    assert "nibabel, psutil are missing" in capsys.readouterr().out


def test_the_exit_code_counts_failures_up_to_100(a_study, a_script, monkeypatch, capsys):
    cases = [a_scan_at(a_study / "many" / f"{number}.nii") for number in range(1)]
    for number in range(1, 103):
        (a_study / "many" / f"{number}.nii").write_bytes(cases[0].read_bytes())
    monkeypatch.setattr(
        BatchRun.BatchRun, "run", lambda self, case: BatchRun.CaseReport(case, BatchRun.FAILED, "no", 0.0)
    )
    monkeypatch.setattr(a_script, "writeSummary", lambda reports, folder: None)
    assert a_script.main([*argumentsFor(a_study), "--input", str(a_study / "many")]) == 100


def test_a_summary_that_cannot_be_written_ends_the_batch(a_study, a_script, without_torch, capsys):
    (a_study / "out" / "summary.csv").mkdir(parents=True)
    assert a_script.main(argumentsFor(a_study)) == 1
    assert "stopped after 1 of 3 cases" in capsys.readouterr().out


def test_what_only_slicer_reads_is_handed_over_in_place(a_study, a_script, without_torch, capsys):
    """Headers with their voxels in another file, left-handed and oblique."""
    image = SimpleITK.GetImageFromArray(np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE[::-1]))
    image.SetSpacing((1, 1, 4))
    image.SetDirection((0.6, 0.8, 0, 0.8, -0.6, 0, 0, 0, 1))
    image.SetOrigin((-10, 20, 30))
    (a_study / "odd").mkdir()
    for name in ("x.mhd", "same.nrrd"):
        SimpleITK.WriteImage(image, str(a_study / "odd" / name))
    (a_study / "odd" / "z.mgz").write_bytes(b"no scan")
    nodes = slicer.mrmlScene.GetNumberOfNodes()
    assert a_script.main([*argumentsFor(a_study), "--input", str(a_study / "odd")]) == 1
    assert statuses(a_study) == {"same.nrrd": "done", "x.mhd": "done", "z.mgz": "failed"}
    assert "Slicer can read" in summaryOf(a_study)["z.mgz"]["message"] and slicer.mrmlScene.GetNumberOfNodes() == nodes
    expected = pointsOf(read_volume(a_study / "odd" / "same.nrrd"))
    assert np.allclose(pointsOf(read_volume(a_study / "out" / "x-synthetic-PD.nii.gz")), expected, atol=1e-3)
    assert a_script.main([*argumentsFor(a_study), "--input", str(a_study / "odd")]) == 1
    assert statuses(a_study)["x.mhd"] == "skipped"


def pointsOf(volume):
    """Where each intensity lies: rows of intensity and place, sorted, whatever the order of the voxels."""
    indices = np.indices(volume.shape).reshape(3, -1)
    places = volume.affine[:3, :3] @ indices + volume.affine[:3, 3:]
    rows = np.vstack([volume.voxels.ravel(), places]).T
    return rows[np.argsort(rows[:, 0])]


def test_a_dicom_series_is_a_case(a_study, a_script, without_torch, capsys):
    (a_study / "dicom").mkdir()
    write_series(a_study / "dicom" / "series 1", a_ball().voxels.astype(np.int16), a_ball().affine)
    assert a_script.main([*argumentsFor(a_study), "--input", str(a_study / "dicom")]) == 0
    assert namesIn(a_study / "out") == ["series 1-synthetic-PD.json", "series 1-synthetic-PD.nii.gz", "summary.csv"]
    assert a_script.main([*argumentsFor(a_study), "--input", str(a_study / "dicom")]) == 0
    assert statuses(a_study) == {"series 1": "skipped"}


def test_only_what_would_come_out_the_same_is_skipped(a_study, a_script, without_torch, capsys):
    (a_study / "scans ü" / "b_T2.nrrd").unlink()
    arguments = argumentsFor(a_study, "--reference-suffix", "_PD")
    assert a_script.main(arguments) == 0
    output, source = a_study / "out" / "a_T2-synthetic-PD.nii.gz", a_study / "scans ü" / "a_T2.nii.gz"
    made = sidecar_path(output).read_text()
    for name, change in CHANGES.items():
        extra = change(a_study, output) or []
        assert a_script.main([*arguments, *extra]) == 1, name
        assert "exist" in summaryOf(a_study)[source.name]["message"], name
        sidecar_path(output).write_text(made)
        os.utime(source, (0, 0))
        shutil.rmtree(a_study / "models")
        identity_model_in(a_study / "models", version="1.2.3")
    assert a_script.main(arguments) == 0 and statuses(a_study) == {source.name: "skipped"}
    changeSidecar(output, options={"mode": "smooth"})  # an older word for standard
    assert a_script.main([*arguments, "--preset", "standard"]) == 0 and statuses(a_study) == {source.name: "skipped"}
    assert a_script.main([*arguments, "--force"]) == 0 and statuses(a_study) == {source.name: "done"}


CHANGES = {
    "model": lambda study, output: identity_model_in(study / "models", version="2.0.0") and None,
    "mode": lambda study, output: ["--mode", "smooth"],
    "newer source": lambda study, output: os.utime(study / "scans ü" / "a_T2.nii.gz"),
    "foreign sidecar": lambda study, output: sidecar_path(output).write_text('{"made_by": "another"}') and None,
    "other source": lambda study, output: changeSidecar(output, source={"name": "another.nii"}),
    "damaged sidecar": lambda study, output: changeSidecar(output, source=None, options=None),
    "no sidecar": lambda study, output: sidecar_path(output).unlink(),
}


def changeSidecar(output, **fields):
    sidecar_path(output).write_text(json.dumps(json.loads(sidecar_path(output).read_text()) | fields))


def test_messages_name_the_scan_and_no_temporary_folder(a_study, a_script, without_torch, capsys):
    image = SimpleITK.GetImageFromArray(np.zeros(SHAPE, np.int16))
    (a_study / "odd").mkdir()
    SimpleITK.WriteImage(image, str(a_study / "odd" / "flat.mhd"))
    assert a_script.main([*argumentsFor(a_study), "--input", str(a_study / "odd")]) == 1
    message = summaryOf(a_study)["flat.mhd"]["message"]
    assert "every voxel is 0" in message and "mrsynthesis-" not in message and "flat.mhd" in message


def test_in_slicer_volumes_are_loaded_as_slicer_does(monkeypatch):
    asked = []
    monkeypatch.setattr(slicer, "app", type("App", (), {"coreIOManager": None}))
    monkeypatch.setattr(slicer.util, "loadVolume", lambda *arguments: asked.append(arguments) or "node")
    assert BatchRun.loadVolume(Path("x.mgz")) == "node"
    assert asked == [("x.mgz", {"show": False, "singleFile": True})]


def test_in_slicer_the_application_ends_with_the_code(a_script, monkeypatch):
    codes = []
    monkeypatch.setattr(slicer, "app", type("App", (), {"commandOptions": None}))
    monkeypatch.setattr(slicer.util, "exit", codes.append)
    a_script._leave(3)
    assert codes == [3]
    monkeypatch.undo()
    with pytest.raises(SystemExit) as caught:
        a_script._leave(4)
    assert caught.value.code == 4
