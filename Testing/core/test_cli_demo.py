"""``mrsynth demo``; what the demo makes is tested with the demo."""

import json
import signal
from dataclasses import replace

import pytest
from job_examples import a_scan_at, identity_model_in

from mrsynth.cli.main import main
from mrsynth.demo import DemoResult


@pytest.fixture
def a_demo(tmp_path, monkeypatch):
    """The calls of a demo that makes nothing."""
    calls = []

    def run_demo(folder, progress, cancelled, model_folders):
        calls.append((folder, model_folders))
        return DemoResult(folder, ())

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mrsynth.demo.run_demo", run_demo)
    return calls


@pytest.mark.parametrize(
    ("arguments", "folder"), [([], "demo-output"), (["here"], "here"), (["--output", "there"], "there")]
)
def test_a_demo_goes_to_its_folder(a_demo, arguments, folder):
    assert main(["demo", *arguments, "--models", "mine"]) == 0
    assert [(str(place), [str(each) for each in models]) for place, models in a_demo] == [(folder, ["mine"])]


def test_a_demo_with_a_scan_shows_its_files_and_figures(tmp_path, capsys):
    models = identity_model_in(tmp_path / "models")
    scan, reference = a_scan_at(tmp_path / "T2.nii.gz"), a_scan_at(tmp_path / "PD.nii.gz", "PD")
    arguments = ["demo", tmp_path / "out", "--scan", scan, "--model", "same", "--models", models]
    arguments += ["--reference", reference]
    assert main([str(each) for each in arguments]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("PD from T2.nii.gz by same 1.2.3")
    for name in ("T2-synthetic-PD.nii.gz", "T2-synthetic-PD.png", "intensity map"):
        assert name in shown
    assert main([str(each) for each in [*arguments, "--json"]]) == 0
    outcome = json.loads(capsys.readouterr().out)["outcomes"][0]
    assert outcome["picture"].endswith(".png") and outcome["comparison"]["rows"]


def test_warnings_and_the_lesions_of_the_head_are_told(tmp_path, capsys, monkeypatch):
    from mrsynth.demo import DemoSetting, run_scan_demo

    models, scan = identity_model_in(tmp_path / "models"), a_scan_at(tmp_path / "scan.nii.gz", "PD")
    made = run_scan_demo(scan, DemoSetting(tmp_path / "out", model_folders=(models,)), "same")
    outcome = replace(made.outcomes[0], lesion_contrast={"synthetic": 1.52, "reference": 1.61})
    monkeypatch.setattr("mrsynth.demo.run_demo", lambda *arguments: replace(made, outcomes=(outcome,)))
    assert main(["demo"]) == 0
    shown = capsys.readouterr()
    assert "1.52 in the synthetic, 1.61 in the reference" in shown.out
    assert "warning: scan.nii.gz: the scan looks PD-weighted" in shown.err


def test_options_for_a_scan_need_a_scan(a_demo, capsys):
    assert main(["demo", "--model", "same"]) == 2
    assert capsys.readouterr().err.startswith("error: expected --scan") and not a_demo


def test_a_demo_without_its_scan_is_bad_input(tmp_path, capsys):
    assert main(["demo", str(tmp_path / "out"), "--scan", str(tmp_path / "none.nii.gz")]) == 2
    assert "found nothing" in capsys.readouterr().err


def test_a_demo_can_be_interrupted(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("mrsynth.demo.run_demo", lambda *arguments: signal.raise_signal(signal.SIGINT))
    assert main(["demo", str(tmp_path / "out")]) == 130
    assert capsys.readouterr().err.endswith("cancelled\n")


def test_the_head_alone_can_be_written(tmp_path, capsys):
    assert main(["demo", str(tmp_path / "head"), "--head-only"]) == 0
    assert sorted(path.name for path in (tmp_path / "head").iterdir()) == ["PD.nii.gz", "T2.nii.gz"]
    assert "T2.nii.gz" in capsys.readouterr().out


def test_a_scan_and_the_head_alone_exclude_each_other(tmp_path, capsys):
    assert main(["demo", "--head-only", "--scan", str(tmp_path)]) == 2
    assert "found both" in capsys.readouterr().err
