"""``mrsynth synthesize --te --tr --target-te``."""

import json
import shutil

import pytest
from job_examples import a_scan_at, timed_model_in

from mrsynth.cli.main import main
from mrsynth.volume_reading import read_volume


@pytest.fixture(scope="module")
def a_model_folder(tmp_path_factory):
    return timed_model_in(tmp_path_factory.mktemp("models"))


@pytest.fixture
def synthesize(a_model_folder):
    """Runs the command with a model that is told the timing."""

    def run(*arguments, model="timed"):
        arguments = ["synthesize", *map(str, arguments), "--device", "cpu"]
        return main([*arguments, "--model", model, "--models", str(a_model_folder)])

    return run


def test_the_times_that_are_given_are_told_in_one_line(tmp_path, synthesize, capsys):
    scan = a_scan_at(tmp_path / "T2.nii.gz")
    assert synthesize(scan, tmp_path / "PD.nii.gz", "--te", "98", "--tr", "4500.5", "--target-te", "15") == 0
    assert "\n  TE 98 ms (given), TR 4500.5 ms (given), target TE 15 ms\n" in capsys.readouterr().out
    assert read_volume(tmp_path / "PD.nii.gz").timing.te_ms == 15.0


def test_what_comes_with_the_scan_is_told_with_where_it_is_from(tmp_path, synthesize, capsys):
    scan = a_scan_at(tmp_path / "T2.nii.gz")
    (tmp_path / "T2.json").write_text('{"EchoTime": 0.1}')
    assert synthesize(scan, tmp_path / "PD.nii.gz", "--json") == 0
    case = json.loads(capsys.readouterr().out)["cases"][0]
    assert case["timing"]["te_ms"] == 100.0 and case["timing"]["te_from"] == "sidecar"
    assert case["timing"]["target_te_ms"] == 8


def test_each_case_of_a_folder_has_a_line_of_its_own(tmp_path, synthesize, capsys):
    scan = a_scan_at(tmp_path / "scans" / "a.nii.gz")
    shutil.copy(scan, tmp_path / "scans" / "b.nii.gz")
    (tmp_path / "scans" / "b.json").write_text('{"EchoTime": 0.1, "RepetitionTime": 3}')
    assert synthesize(tmp_path / "scans", tmp_path / "out", "--target-te", "20") == 0
    told = [line for line in capsys.readouterr().err.splitlines() if ": TE " in line]
    assert told == [
        "a.nii.gz: TE unknown, TR unknown, target TE 20 ms",
        "b.nii.gz: TE 100 ms (sidecar), TR 3000 ms (sidecar), target TE 20 ms",
    ]


def test_a_model_without_timing_says_nothing_of_it(tmp_path, synthesize, capsys):
    scan = a_scan_at(tmp_path / "T2.nii.gz")
    assert synthesize(scan, tmp_path / "PD.nii.gz", "--te", "98", model="same") == 0
    shown = capsys.readouterr()
    assert "TE " not in shown.out + shown.err


@pytest.mark.parametrize("output", ["PD.nii.gz", "folder"])
def test_a_model_without_timing_refuses_a_target_echo_once_and_writes_nothing(tmp_path, synthesize, capsys, output):
    scan = a_scan_at(tmp_path / "scans" / "a.nii.gz")
    a_scan_at(tmp_path / "scans" / "b.nii.gz")
    source = scan.parent if output == "folder" else scan
    assert synthesize(source, tmp_path / output, "--target-te", "20", "--json", model="same") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "bad_timing"
    assert not (tmp_path / output).exists()


@pytest.mark.parametrize(("option", "name"), [("--te", "TE"), ("--tr", "TR"), ("--target-te", "target TE")])
@pytest.mark.parametrize("value", ["0", "-8", "nan", "inf"])
def test_a_time_that_is_none_is_refused(tmp_path, synthesize, capsys, option, name, value):
    scan = a_scan_at(tmp_path / "T2.nii.gz")
    assert synthesize(scan, tmp_path / "PD.nii.gz", f"{option}={value}") == 2
    assert f"error: expected a {name} above 0 ms, found" in capsys.readouterr().err


def test_a_model_s_card_shows_the_times_it_takes(a_model_folder, capsys):
    assert main(["models", "show", "timed", "--models", str(a_model_folder)]) == 0
    assert "Timing            told the source's TE (60 to 130 ms)" in capsys.readouterr().out
