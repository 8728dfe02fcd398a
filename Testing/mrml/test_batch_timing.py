"""``batch_synthesize.py --te --tr --target-te``: what models are told, and what is done anew for that."""

import json

import numpy as np
import pytest
import SimpleITK
from job_examples import SHAPE, a_scan_at, identity_model_in
from model_examples import make_timed_model
from test_batch_script import a_script, statuses  # noqa: F401 (a fixture)

from mrsynth.sidecar import sidecar_path


@pytest.fixture
def batch(tmp_path, a_script, capsys):  # noqa: F811 (the fixture)
    """A folder with a scan, and a function that does it: status of the scan and what its model was told."""
    make_timed_model(tmp_path / "models")
    a_scan_at(tmp_path / "scans" / "T2.nii.gz")

    def run(*options):
        places = ("--input", str(tmp_path / "scans"), "--output", str(tmp_path / "out"))
        code = a_script.main([*places, "--model", "timed", "--models", str(tmp_path / "models"), *options])
        (status,) = statuses(tmp_path).values()
        (made,) = (tmp_path / "out").glob("*.nii.gz")
        told = json.loads(sidecar_path(made).read_text())["timing"]
        assert code == (status == "failed")
        return status, [told[name] for name in ("te_ms", "te_from", "tr_ms", "tr_from", "target_te_ms")]

    return run


def test_times_that_are_given_count_and_others_are_the_scans(tmp_path, batch):
    (tmp_path / "scans" / "T2.json").write_text('{"EchoTime": 0.1, "RepetitionTime": 3}')
    usual = [100.0, "sidecar", 3000.0, "sidecar", 8.0]
    given = ("--te", "90", "--target-te", "20")
    assert batch() == ("done", usual)
    assert batch() == batch("--target-te", "8") == ("skipped", usual)
    assert [batch(*each)[0] for each in (("--te", "100.5"), ("--tr", "2900"), ("--target-te", "9"))] == ["failed"] * 3
    assert batch(*given, "--force") == ("done", [90.0, "given", 3000.0, "sidecar", 20.0])
    assert batch(*given)[0] == "skipped" and batch("--target-te", "20")[0] == "failed"


@pytest.mark.parametrize("timing", [{}, None])
def test_a_result_that_does_not_say_what_its_model_was_told_is_not_taken_for_done(tmp_path, batch, timing):
    batch()
    (sidecar,) = (tmp_path / "out").glob("*.json")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"timing": timing}))
    with pytest.raises((KeyError, TypeError)):  # as nothing new was written there is nothing to read
        batch()
    assert statuses(tmp_path) == {"T2.nii.gz": "failed"}


def test_a_scan_that_only_slicer_reads_keeps_the_times_of_its_sidecar(tmp_path, batch):
    (tmp_path / "scans" / "T2.nii.gz").unlink()
    image = SimpleITK.GetImageFromArray(np.random.default_rng(1).integers(1, 500, SHAPE[::-1]).astype(np.int16))
    SimpleITK.WriteImage(image, str(tmp_path / "scans" / "odd.mhd"))
    (tmp_path / "scans" / "odd.json").write_text('{"EchoTime": 0.1}')
    assert batch() == ("done", [100.0, "sidecar", None, "unknown", 8.0])
    assert batch()[0] == "skipped"


@pytest.mark.parametrize(("options", "words"), [(("--te", "-1"), "above 0 ms"), (("--te", "nan"), "above 0 ms")])
def test_times_that_are_none_are_refused_before_anything_is_done(tmp_path, a_script, capsys, options, words):  # noqa: F811
    places = ("--input", str(tmp_path), "--output", str(tmp_path / "out"))
    assert a_script.main([*places, "--model", "timed", *options]) == 2
    assert words in capsys.readouterr().out and not (tmp_path / "out").exists()


def test_a_model_that_knows_one_echo_time_only_is_asked_for_no_other(tmp_path, a_script, capsys):  # noqa: F811
    models = identity_model_in(tmp_path / "models")
    places = ("--input", str(tmp_path), "--output", str(tmp_path / "out"), "--models", str(models))
    assert a_script.main([*places, "--model", "same", "--target-te", "20"]) == 2
    assert "no target TE for model same" in capsys.readouterr().out
