"""``mrsynth synthesize``: one scan, several, a folder of them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from job_examples import a_ball, a_scan_at, identity_model_in

from mrsynth.cli.main import main
from mrsynth.models.store import default_store
from mrsynth.volume_reading import read_volume

PACKAGE = Path(__file__).resolve().parents[2] / "MRSynthesis"


@pytest.fixture(scope="module")
def a_model_folder(tmp_path_factory):
    return identity_model_in(tmp_path_factory.mktemp("models"))


@pytest.fixture
def synthesize(a_model_folder):
    """Runs the command with the model that returns its input."""

    def run(*arguments, model="same"):
        return main(["synthesize", *map(str, arguments), "--model", model, "--models", str(a_model_folder)])

    return run


@pytest.fixture
def a_folder(tmp_path):
    """A folder with two scans, and things that are none."""
    folder = tmp_path / "scans"
    a_scan_at(folder / "a.nii.gz")
    a_scan_at(folder / "b.nrrd")
    (folder / "notes.txt").write_text("no scan")
    (folder / ".hidden.nii.gz").write_text("no scan")
    a_scan_at(folder / "deeper" / "c.nii.gz")
    return folder


def write_series(folder):
    """Write the ball as a DICOM series, slice by slice."""
    folder.mkdir(parents=True)
    ball = a_ball()
    writer = SimpleITK.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for index in range(ball.shape[2]):
        image = SimpleITK.GetImageFromArray(ball.voxels[:, :, index].T.astype(np.int16)[None])
        image.SetSpacing(ball.spacing_mm)
        position = f"0\\0\\{index * ball.spacing_mm[2]}"
        tags = {"0020|000e": "1.2.3.4", "0020|000d": "1.2.3", "0008|0018": f"1.2.3.4.{index + 1}", "0008|0060": "MR"}
        tags |= {"0020|0032": position, "0020|0037": "1\\0\\0\\0\\1\\0", "0020|0013": str(index)}
        for tag, value in tags.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{index:03d}.dcm"))
        writer.Execute(image)
    return folder


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_one_scan_becomes_one_file_and_a_sidecar(tmp_path, synthesize, capsys):
    scan = a_scan_at(tmp_path / "T2 ü.nii.gz")
    assert synthesize(scan, tmp_path / "out" / "PD.mha") == 0
    assert names_in(tmp_path / "out") == ["PD.json", "PD.mha"]
    shown = capsys.readouterr()
    assert shown.out.startswith("PD from T2 ü.nii.gz by same 1.2.3") and "PD.mha" in shown.out
    assert "synthesis on cpu" in shown.err


def test_into_a_folder_the_output_gets_a_name(tmp_path, synthesize):
    scan = a_scan_at(tmp_path / "T2.nii.gz")
    assert synthesize(scan, str(tmp_path / "new") + os.sep) == 0
    assert names_in(tmp_path / "new") == ["T2-synthetic-PD.json", "T2-synthetic-PD.nii.gz"]


def test_a_reference_prints_a_table_and_an_uncertainty_is_written(tmp_path, synthesize, capsys):
    scan, reference = a_scan_at(tmp_path / "T2.nii.gz"), a_scan_at(tmp_path / "PD.nii.gz", "PD")
    out = tmp_path / "out.nii.gz"
    assert synthesize(scan, out, "--reference", reference, "--uncertainty", tmp_path / "u.nii.gz") == 0
    shown = capsys.readouterr().out
    assert "intensity map" in shown and "whole volume" in shown and "u.nii.gz" in shown
    assert read_volume(tmp_path / "u.nii.gz").shape == a_ball().shape


def test_a_document_is_all_that_standard_output_carries(tmp_path, synthesize, capsys):
    scan = a_scan_at(tmp_path / "T2.nii.gz")
    assert synthesize(scan, tmp_path / "out.nii.gz", "--json") == 0
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert document["exit_code"] == 0 and document["cases"][0]["status"] == "done"
    assert document["cases"][0]["output"] == str(tmp_path / "out.nii.gz")
    assert "synthesis on cpu" in shown.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.nii.gz", "out.nii.gz"], "found nothing"),
        (["T2.nii.gz", "out.txt"], "expected an output named"),
        (["T2.nii.gz", "T2.nii.gz", "--force"], "is an input"),
        (["T2.nii.gz", "taken.nii.gz"], "exists already; --force"),
        (["T2.nii.gz", "no/such/out.nii.gz"], "expected a folder for the output"),
        (["T2.nii.gz", "broken.nii.gz", "out.nii.gz"], "expected a folder for 2 inputs"),
        (["broken.nii.gz", "out.nii.gz"], "broken.nii.gz: expected"),
        (["T2.nii.gz", "folder", "--uncertainty", "u.nii.gz"], "expected one input and one output file"),
        (["T2.nii.gz", "out.nii.gz", "--uncertainty", "out.nii.gz"], "found two there"),
        (["T2.nii.gz", "out.nii.gz", "--batch-size", "0"], "batch_size"),
        (["folder", "out"], "expected volumes or a DICOM series"),
        (["T2.nii.gz", "out.nii.gz", "--device", "toaster"], "found 'toaster'"),
    ],
)
def test_bad_input_ends_with_one_line_and_nothing_written(tmp_path, monkeypatch, synthesize, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    a_scan_at(tmp_path / "T2.nii.gz")
    (tmp_path / "taken.nii.gz").write_text("taken")
    (tmp_path / "broken.nii.gz").write_text("broken")
    (tmp_path / "folder").mkdir()
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    assert synthesize(*arguments) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and words in errors[0]
    assert {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")} == before


def test_bad_input_is_told_in_the_document_too(tmp_path, synthesize, capsys):
    assert synthesize(tmp_path / "none.nii", tmp_path / "out.nii", "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "missing_file"


def test_an_unknown_model_is_refused_with_those_there_are(tmp_path, synthesize, capsys):
    assert synthesize(a_scan_at(tmp_path / "T2.nii"), tmp_path / "out.nii", model="sane") == 2
    assert "did you mean same?" in capsys.readouterr().err


def test_a_folder_is_done_scan_by_scan_without_going_deeper(tmp_path, synthesize, capsys, a_folder):
    assert synthesize(a_folder, tmp_path / "out") == 0
    made = ["a-synthetic-PD.json", "a-synthetic-PD.nii.gz", "b-synthetic-PD.json", "b-synthetic-PD.nrrd"]
    assert names_in(tmp_path / "out") == made
    assert "2 of 2 done" in capsys.readouterr().out


def test_a_folder_may_take_its_own_outputs_which_are_no_inputs_then(synthesize, capsys, a_folder):
    assert synthesize(a_folder, a_folder) == 0
    assert synthesize(a_folder, a_folder, "--force") == 0
    assert "2 of 2 done" in capsys.readouterr().out
    assert len(list(a_folder.glob("*-synthetic-PD*.json"))) == 2


def test_a_folder_of_nothing_but_outputs_is_refused(tmp_path, synthesize, capsys, a_folder):
    synthesize(a_folder, tmp_path / "out")
    assert synthesize(tmp_path / "out", tmp_path / "again") == 2
    assert "found synthetic ones only" in capsys.readouterr().err


def test_a_bad_case_is_passed_over_and_told(tmp_path, synthesize, capsys, a_folder):
    (a_folder / "aa.nii.gz").write_text("broken")
    assert synthesize(a_folder, tmp_path / "out", "--json") == 2
    document = json.loads(capsys.readouterr().out)
    assert [case["status"] for case in document["cases"]] == ["done", "failed", "done"]
    assert document["cases"][1]["error"]["code"] and document["exit_code"] == 2
    assert len(names_in(tmp_path / "out")) == 4


def test_a_failure_of_the_program_weighs_more_than_a_bad_input(tmp_path, synthesize, capsys, a_folder, monkeypatch):
    (a_folder / "aa.nii.gz").write_text("broken")

    def fail(*arguments):
        raise RuntimeError("the network fell over")

    monkeypatch.setattr("mrsynth.synthesis.synthesize", fail)
    assert synthesize(a_folder, tmp_path / "out") == 1
    assert "0 of 3 done" in capsys.readouterr().out


def test_outputs_that_exist_stop_a_batch_before_it_begins(tmp_path, synthesize, capsys, a_folder):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b-synthetic-PD.nrrd").touch()
    assert synthesize(a_folder, tmp_path / "out") == 2
    assert names_in(tmp_path / "out") == ["b-synthetic-PD.nrrd"]
    assert "exists already" in capsys.readouterr().err


def test_inputs_whose_outputs_would_collide_are_refused(tmp_path, synthesize, capsys, a_folder):
    assert synthesize(a_folder / "a.nii.gz", a_scan_at(tmp_path / "a.nii.gz"), tmp_path / "out") == 2
    assert "found two there" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_an_interrupt_ends_a_batch_and_keeps_what_is_done(tmp_path, synthesize, capsys, a_folder, monkeypatch):
    from mrsynth import synthesis_run

    read = synthesis_run.read_volume

    def interrupted(path):
        if path.name == "b.nrrd":
            signal.raise_signal(signal.SIGINT)
        return read(path)

    monkeypatch.setattr(synthesis_run, "read_volume", interrupted)
    assert synthesize(a_folder, tmp_path / "out", "--json") == 130
    document = json.loads(capsys.readouterr().out)
    assert [case["status"] for case in document["cases"]] == ["done", "cancelled"]
    assert len(names_in(tmp_path / "out")) == 2


def test_an_interrupt_while_outputs_are_renamed_ends_the_batch_after_them(
    tmp_path, synthesize, capsys, a_folder, monkeypatch
):
    from mrsynth.staged_outputs import StagedOutputs

    commit = StagedOutputs.commit

    def interrupted(self):
        signal.raise_signal(signal.SIGINT)
        commit(self)

    monkeypatch.setattr(StagedOutputs, "commit", interrupted)
    assert synthesize(a_folder, tmp_path / "out", "--json") == 130
    assert [case["status"] for case in json.loads(capsys.readouterr().out)["cases"]] == ["done"]
    assert names_in(tmp_path / "out") == ["a-synthetic-PD.json", "a-synthetic-PD.nii.gz"]


def test_a_dicom_folder_is_one_scan(tmp_path, synthesize):
    series = write_series(tmp_path / "series")
    assert synthesize(series, tmp_path / "PD.nii.gz") == 0
    assert read_volume(tmp_path / "PD.nii.gz").shape == a_ball().shape


def test_a_folder_of_dicom_folders_is_several(tmp_path, synthesize):
    study = tmp_path / "study"
    write_series(study / "one")
    shutil.copytree(study / "one", study / "two")
    assert synthesize(study, tmp_path / "out") == 0
    assert [name for name in names_in(tmp_path / "out") if name.endswith("gz")] == [
        "one-synthetic-PD.nii.gz",
        "two-synthetic-PD.nii.gz",
    ]


def test_a_warning_names_its_scan(tmp_path, synthesize, capsys):
    assert synthesize(a_scan_at(tmp_path / "scan.nii.gz", "PD"), tmp_path / "out.nii.gz") == 0
    assert "warning: scan.nii.gz: the scan looks PD-weighted" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signal to one process")
def test_a_signal_ends_the_command_within_two_seconds_and_leaves_nothing(tmp_path):
    slow = {"mode": "paper", "patch": [8, 8, 4], "stride": [1, 1, 1], "smooth_stride": None}
    unet = {"name": "residual-unet", "configuration": {"widths": [8, 8], "blocks": [2, 2], "slice_strides": [1]}}
    identity_model_in(tmp_path / "models", network=unet, inference=slow)
    scan = a_scan_at(tmp_path / "T2.nii.gz")
    command = [sys.executable, "-m", "mrsynth.cli.main", "synthesize", str(scan), str(tmp_path / "out" / "PD.nii.gz")]
    environment = os.environ | {"PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, "--model", "same", "--models", str(tmp_path / "models")],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    for line in process.stderr:
        if b"synthesis on cpu" in line:
            break
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and time.monotonic() - asked < 2
    assert errors.endswith(b"cancelled\n") and b"Traceback" not in errors and output == b""
    assert not (tmp_path / "out").exists()


def test_an_unreadable_folder_is_bad_input(tmp_path, synthesize, capsys, monkeypatch):
    (tmp_path / "locked").mkdir()
    real = Path.iterdir

    def refuse(self):
        if self.name == "locked":
            raise PermissionError(13, "Permission denied")
        return real(self)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert synthesize(tmp_path / "locked", tmp_path / "out") == 2
    assert "expected a readable folder" in capsys.readouterr().err


def test_the_folder_of_models_is_searched_first(a_model_folder):
    assert default_store([a_model_folder]).find("same").folder == a_model_folder / "same"
