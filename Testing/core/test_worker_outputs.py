"""Places for outputs: checked before, filled all at once."""

import errno
import json
import os

import pytest

from mrsynth.errors import InputError, MissingFile, OutputError, OutputExists
from mrsynth.output_checks import check_absent, check_folder, check_outputs, check_places
from mrsynth.sidecar import MADE_BY, sidecar_path
from mrsynth.staged_outputs import StagedOutputs, remove_staging
from mrsynth.synthesis_job import SynthesisJob


@pytest.fixture
def a_folder(tmp_path):
    (tmp_path / "scan.nii.gz").write_bytes(b"scan")
    return tmp_path


def job_in(folder, output="out.nii.gz", **changes):
    return SynthesisJob(folder / "scan.nii.gz", folder / output, "same", **changes)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def staged(folder, texts):
    outputs = StagedOutputs("run")
    for name, text in texts.items():
        outputs.path_for(folder / name).write_text(text)
    return outputs


def test_staged_files_appear_together(a_folder):
    with staged(a_folder / "new", {"a": "1", "b": "2"}) as outputs:
        assert names_in(a_folder / "new") == [".mrsynth-run"]
        outputs.commit()
    assert names_in(a_folder / "new") == ["a", "b"]


def test_staged_files_that_are_not_wanted_leave_nothing_not_even_their_folder(a_folder):
    with pytest.raises(ZeroDivisionError), staged(a_folder / "new", {"a": "1"}):
        raise ZeroDivisionError
    assert names_in(a_folder) == ["scan.nii.gz"]


def test_an_output_that_cannot_be_written_is_told_by_the_name_it_was_to_have(a_folder):
    with pytest.raises(OutputError) as caught, staged(a_folder, {"a": "1", "b": "2"}) as outputs:
        raise OutputError(f"{outputs.path_for(a_folder / 'b')}: found a full disk", "disk_full")
    assert str(caught.value) == f"{a_folder / 'b'}: found a full disk"
    assert caught.value.code == "disk_full"
    assert names_in(a_folder) == ["scan.nii.gz"]


@pytest.mark.parametrize("links", [True, False])
def test_a_rename_that_fails_puts_everything_back(a_folder, monkeypatch, links):
    (a_folder / "old").write_text("old")
    (a_folder / "taken").mkdir()
    if not links:
        monkeypatch.setattr(os, "link", refuse_links)
    with staged(a_folder, {"old": "new", "fresh": "x", "taken": "y"}) as outputs, pytest.raises(OutputError):
        outputs.commit()
    assert (a_folder / "old").read_text() == "old"
    assert names_in(a_folder) == ["old", "scan.nii.gz", "taken"]


def refuse_links(source, target):
    raise OSError(errno.EPERM, "Operation not permitted")


def test_a_file_in_place_of_the_folder_is_refused(a_folder):
    with pytest.raises(OutputError), StagedOutputs("run") as outputs:
        outputs.path_for(a_folder / "scan.nii.gz" / "a")


def test_what_a_killed_run_left_is_removed_by_its_id(a_folder):
    staged(a_folder, {"a": "1"})
    remove_staging([a_folder / "a"], "another")
    assert ".mrsynth-run" in names_in(a_folder)
    remove_staging([a_folder / "a"], "run")
    assert names_in(a_folder) == ["scan.nii.gz"]


def test_a_free_place_is_accepted_and_left_free(a_folder):
    check_outputs([job_in(a_folder, uncertainty=a_folder / "spread.nrrd"), job_in(a_folder, "new/out.mha")])
    assert names_in(a_folder) == ["scan.nii.gz"]


@pytest.mark.parametrize("output", ["out.txt", "out", "out.nii.gz.part", ".nii.gz", ".hidden.nrrd"])
def test_an_output_that_is_no_volume_is_refused(a_folder, output):
    with pytest.raises(InputError, match="expected an output named") as refused:
        check_outputs([job_in(a_folder, output)])
    assert refused.value.code == "unsupported_format"


def test_a_folder_in_the_outputs_place_is_refused(a_folder):
    (a_folder / "out.nii.gz").mkdir()
    with pytest.raises(InputError, match="found a folder"):
        check_outputs([job_in(a_folder, force=True)])


@pytest.mark.parametrize("name", ["out.nii.gz", "out.json", "spread.nrrd", "spread.json"])
def test_whatever_is_there_is_refused_without_force(a_folder, name):
    (a_folder / name).write_text(json.dumps({"made_by": MADE_BY, "synthetic": True}))
    job = job_in(a_folder, uncertainty=a_folder / "spread.nrrd")
    with pytest.raises(OutputExists, match=name):
        check_outputs([job])
    check_outputs([job_in(a_folder, uncertainty=a_folder / "spread.nrrd", force=True)])


def test_a_dangling_link_is_something_that_is_there(a_folder):
    try:
        (a_folder / "out.nii.gz").symlink_to(a_folder / "nowhere")
    except OSError as error:
        pytest.skip(f"this system makes no links: {error}")
    with pytest.raises(OutputExists):
        check_absent(job_in(a_folder))


def test_several_that_are_there_are_counted(a_folder):
    (a_folder / "out.nii.gz").touch()
    (a_folder / "out.json").touch()
    with pytest.raises(OutputExists, match="and 1 more"):
        check_outputs([job_in(a_folder)])


def test_a_json_file_of_another_kind_is_never_replaced(a_folder):
    (a_folder / "out.json").write_text('{"EchoTime": 0.1}')
    with pytest.raises(OutputExists, match="of another kind"):
        check_outputs([job_in(a_folder, force=True)])


def test_an_output_in_the_place_of_an_input_is_refused_even_with_force(a_folder):
    (a_folder / "reference.nii.gz").touch()
    for output in ("scan.nii.gz", "new/../scan.nii.gz", "reference.nii.gz"):
        (a_folder / "new").mkdir(exist_ok=True)
        with pytest.raises(InputError, match="is an input"):
            check_outputs([job_in(a_folder, output, reference=a_folder / "reference.nii.gz", force=True)])


@pytest.mark.parametrize("other", ["out.nii.gz", "OUT.nii.gz", "out.nrrd"])
def test_outputs_that_share_a_place_or_a_sidecar_are_refused(a_folder, other):
    with pytest.raises(InputError, match="found two there"):
        check_outputs([job_in(a_folder), job_in(a_folder, other)])


def test_an_uncertainty_in_the_outputs_place_is_refused(a_folder):
    with pytest.raises(InputError, match="found two there"):
        check_outputs([job_in(a_folder, uncertainty=a_folder / "out.nii.gz")])


def test_a_folder_far_from_anything_is_refused(a_folder):
    with pytest.raises(MissingFile, match="none above it"):
        check_outputs([job_in(a_folder, "x/y/out.nii.gz")])


@pytest.mark.parametrize(("number", "code"), [(errno.EACCES, "output_unwritable"), (errno.ENOSPC, "disk_full")])
def test_a_folder_that_takes_no_file_is_refused(a_folder, monkeypatch, number, code):
    def refuse(dir):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("mrsynth.output_checks.tempfile.TemporaryFile", refuse)
    with pytest.raises(OutputError) as refused:
        check_folder(a_folder)
    assert refused.value.code == code


def test_a_file_in_place_of_a_folder_takes_no_file(a_folder):
    with pytest.raises(OutputError):
        check_folder(a_folder / "scan.nii.gz")


def test_places_of_any_kind_are_checked_alike(a_folder):
    (a_folder / "table.csv").touch()
    check_places([a_folder / "picture.png"], [], force=False)
    check_places([a_folder / "table.csv"], [], force=True)
    with pytest.raises(OutputExists):
        check_places([a_folder / "table.csv"], [], force=False)


def test_a_sidecar_lies_beside_its_volume(a_folder):
    assert sidecar_path(a_folder / "x.nii.gz") == a_folder / "x.json"
