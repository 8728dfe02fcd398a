"""The demo from end to end, with models that return their input."""

import csv
import errno
import json

import numpy as np
import pytest
from model_examples import make_model

from mrsynth import demo
from mrsynth.demo import DemoSetting, lesion_contrast, run_demo, run_scan_demo
from mrsynth.demo_head import HeadGrid, build_demo_head
from mrsynth.errors import Cancelled, InputError, OutputError
from mrsynth.volume import Volume
from mrsynth.volume_reading import read_volume
from mrsynth.volume_writing import write_volume

COARSE = HeadGrid((48, 58, 16), (4.0, 4.0, 10.0))
RETURNING_ITS_INPUT = {
    "network": {"name": "identity", "configuration": {}},
    "grid": {"in_plane_spacing_mm": [0.5, 5.0], "slice_spacing_mm": [1.0, 12.0]},
    "normalization": {"kind": "robust", "target_to_source": 1.0},
    "inference": {"mode": "smooth", "patch": None, "stride": None, "smooth_stride": None},
}


@pytest.fixture(scope="module")
def a_head():
    return build_demo_head(grid=COARSE)


@pytest.fixture
def a_folder_of_models(tmp_path):
    """Both models of the demo, which return their input."""
    for source, target in (("T2", "PD"), ("PD", "T2")):
        changes = {"source_contrast": source, "target_contrast": target, **RETURNING_ITS_INPUT}
        make_model(tmp_path / "models", name=f"{source}-to-{target}".lower(), **changes)
    return tmp_path / "models"


@pytest.fixture
def a_coarse_demo(monkeypatch, a_head):
    monkeypatch.setattr(demo, "build_demo_head", lambda: a_head)


@pytest.mark.usefixtures("a_coarse_demo")
def test_the_demo_writes_volumes_figures_and_pictures_for_both_directions(tmp_path, a_folder_of_models):
    stages = []
    result = run_demo(tmp_path / "out", lambda p: stages.append(p.stage), model_folders=(a_folder_of_models,))
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"T2.nii.gz", "PD.nii.gz"} < names
    for target in ("T2", "PD"):
        stem = f"synthetic-{target}"
        assert {f"{stem}{end}" for end in (".nii.gz", ".json", ".png", "-metrics.json", "-metrics.csv")} < names
    assert [outcome.job.card.target_contrast for outcome in result.outcomes] == ["PD", "T2"]
    assert stages[0] == "building a head"
    assert stages[-1] == "drawing"


@pytest.mark.usefixtures("a_coarse_demo")
def test_the_figures_measure_the_synthetic_volume_and_the_lesions(tmp_path, a_folder_of_models, a_head):
    outcome = run_demo(tmp_path, model_folders=(a_folder_of_models,)).outcomes[0]
    figures = json.loads(outcome.metrics.read_text())
    assert {row["image"] for row in figures["rows"]} > {"synthetic"}
    assert figures["lesion_contrast"] == outcome.lesion_contrast
    assert outcome.lesion_contrast["synthetic"] == pytest.approx(lesion_contrast(a_head.t2, a_head.lesions), rel=1e-4)
    assert outcome.lesion_contrast["reference"] == pytest.approx(lesion_contrast(a_head.pd, a_head.lesions), rel=1e-4)
    rows = list(csv.DictReader(outcome.metrics.with_suffix(".csv").open()))
    assert len(rows) == len(figures["rows"])


@pytest.mark.usefixtures("a_coarse_demo")
def test_a_second_demo_replaces_the_first(tmp_path, a_folder_of_models, monkeypatch):
    monkeypatch.setattr(demo, "write_comparison_picture", lambda *arguments: None)
    for _ in range(2):
        run_demo(tmp_path / "out", model_folders=(a_folder_of_models,))
    assert read_volume(tmp_path / "out" / "synthetic-PD.nii.gz").shape == COARSE.shape


@pytest.mark.parametrize("contrast, target", [("t2", "PD"), ("pd", "T2")])
def test_a_scans_model_is_chosen_by_its_contrast(tmp_path, a_folder_of_models, a_head, contrast, target):
    scan = tmp_path / "scan.nii.gz"
    write_volume(getattr(a_head, contrast), scan)
    outcome = run_scan_demo(scan, DemoSetting(tmp_path / "out", model_folders=(a_folder_of_models,))).outcomes[0]
    assert outcome.job.job.output.name == f"scan-synthetic-{target}.nii.gz"
    assert outcome.picture.is_file()
    assert outcome.metrics is None and outcome.lesion_contrast is None


def test_a_scan_of_no_known_contrast_needs_the_name_of_a_model(tmp_path, a_folder_of_models):
    scan = tmp_path / "scan.nii.gz"
    ramp = np.random.default_rng(0).normal(100, 10, (30, 30, 12))
    write_volume(Volume(ramp, np.eye(4)), scan)
    setting = DemoSetting(tmp_path / "out", model_folders=(a_folder_of_models,))
    with pytest.raises(InputError, match="could not tell which; name a model") as caught:
        run_scan_demo(scan, setting)
    assert caught.value.code == "unknown_model"
    assert not (tmp_path / "out").exists()
    assert run_scan_demo(scan, setting, model="t2-to-pd").outcomes[0].picture.is_file()


def test_a_reference_brings_figures(tmp_path, a_folder_of_models, a_head):
    for contrast in ("t2", "pd"):
        write_volume(getattr(a_head, contrast), tmp_path / f"{contrast}.nii.gz")
    setting = DemoSetting(tmp_path / "out", model_folders=(a_folder_of_models,))
    outcome = run_scan_demo(tmp_path / "t2.nii.gz", setting, "t2-to-pd", tmp_path / "pd.nii.gz").outcomes[0]
    assert outcome.metrics.name == "t2-synthetic-PD-metrics.json"
    assert "lesion_contrast" not in json.loads(outcome.metrics.read_text())


def test_a_cancelled_demo_stops_before_it_builds_anything(tmp_path):
    with pytest.raises(Cancelled):
        run_demo(tmp_path / "out", cancelled=lambda: True)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="expected a folder to write to, found a file"):
        run_demo(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.mkdir", full)
    with pytest.raises(OutputError, match="found a full disk"):
        run_demo(tmp_path / "out")


def test_lesion_contrast_is_the_ratio_to_what_is_near():
    voxels = np.full((30, 30, 5), 50.0)
    lesions = np.zeros(voxels.shape, dtype=bool)
    lesions[14:17, 14:17, 2] = True
    voxels[lesions] = 100
    voxels[0] = 1000
    assert lesion_contrast(Volume(voxels, np.eye(4)), lesions) == 2
