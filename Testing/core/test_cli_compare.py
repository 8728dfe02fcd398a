"""``mrsynth compare``."""

import json

import numpy as np
import pytest
from job_examples import a_ball, a_scan_at

from mrsynth.cli.main import main
from mrsynth.comparison import Comparison, compare_volumes
from mrsynth.slice_metrics import SliceMetrics, measure_slices
from mrsynth.volume import Volume
from mrsynth.volume_reading import read_volume
from mrsynth.volume_writing import write_volume


@pytest.fixture
def a_pair(tmp_path):
    return a_scan_at(tmp_path / "synthetic.nii.gz"), a_scan_at(tmp_path / "acquired.nii.gz", "PD")


def compare(*arguments):
    return main(["compare", *map(str, arguments)])


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_table_is_printed_with_baselines_if_there_is_a_source(a_pair, capsys):
    assert compare(*a_pair) == 0
    assert "intensity map" not in capsys.readouterr().out
    assert compare(*a_pair, "--source", a_pair[0]) == 0
    assert "intensity map" in capsys.readouterr().out


def test_a_document_is_all_that_standard_output_carries(a_pair, capsys):
    assert compare(*a_pair, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["synthetic"] == str(a_pair[0]) and document["rows"][0]["image"] == "synthetic"
    volumes = [read_volume(path) for path in a_pair]
    assert Comparison.from_dict(document) == compare_volumes(*volumes)
    assert SliceMetrics.from_dict(document["slices"]) == measure_slices(*volumes)


def test_everything_that_was_asked_for_is_written(tmp_path, a_pair):
    out = tmp_path / "new"
    files = {"csv": "t.csv", "picture": "p.png", "difference": "d.nii.gz", "gradient-difference": "g.nrrd"}
    options = [part for name, file in files.items() for part in (f"--{name}", out / file)]
    assert compare(*a_pair, *options) == 0
    assert names_in(out) == sorted(files.values())
    assert (out / "t.csv").read_text().startswith("image,mask,")
    assert (out / "p.png").read_bytes().startswith(b"\x89PNG")
    assert read_volume(out / "d.nii.gz").shape == a_ball().shape
    assert compare(*a_pair, *options) == 2
    assert compare(*a_pair, *options, "--force") == 0


@pytest.mark.parametrize("option", ["difference", "gradient-difference"])
def test_one_difference_comes_without_the_other(tmp_path, a_pair, option):
    assert compare(*a_pair, f"--{option}", tmp_path / "out.nii.gz") == 0
    assert read_volume(tmp_path / "out.nii.gz").shape == a_ball().shape


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["synthetic.nii.gz", "none.nii.gz"], "found nothing"),
        (["synthetic.nii.gz", "constant.nii.gz"], "constant.nii.gz: expected an image"),
        (["synthetic.nii.gz", "distant.nii.gz"], "elsewhere"),
        (["synthetic.nii.gz", "acquired.nii.gz", "--picture", "p.txt"], "expected a picture named"),
        (["synthetic.nii.gz", "acquired.nii.gz", "--difference", "d.txt"], "expected a volume named"),
        (["synthetic.nii.gz", "acquired.nii.gz", "--gradient-difference", ".nii.gz"], "expected a volume named"),
        (["synthetic.nii.gz", "acquired.nii.gz", "--csv", "acquired.nii.gz", "--force"], "is an input"),
        (["synthetic.nii.gz", "acquired.nii.gz", "--csv", "x", "--difference", "no/such/d.nii"], "for the output"),
    ],
)
def test_bad_input_ends_with_one_line_and_nothing_written(tmp_path, monkeypatch, a_pair, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    write_volume(Volume(np.ones((8, 8, 8)), np.eye(4)), "constant.nii.gz")
    affine = np.diag([1.0, 1, 4, 1])
    affine[:3, 3] = 9000
    write_volume(Volume(a_ball().voxels, affine), "distant.nii.gz")
    before = names_in(tmp_path)
    assert compare(*arguments) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("error: ") and errors.count("\n") == 1 and words in errors
    assert names_in(tmp_path) == before
