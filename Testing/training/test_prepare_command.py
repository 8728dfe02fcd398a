import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from ixi_examples import (
    BROKEN,
    GOOD,
    SMALL,
    pack,
    scan_voxels,
    write_broken_subjects,
    write_good_ixi,
    write_scan,
    write_subject_scans,
)

from mrsynth_training import cache_filling, cli, prepare_command
from mrsynth_training.data_origin import IXI, ORIGINS, OWN
from mrsynth_training.paired_dataset import read_part
from mrsynth_training.split_file import read_split


@pytest.fixture
def ixi(tmp_path):
    return write_good_ixi(tmp_path / "IXI")


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def run(*arguments):
    return cli.main(["prepare", *(str(argument) for argument in arguments), *SMALL, "--processes", "1"])


def rows(cache):
    with open(cache / "subjects.csv", newline="") as file:
        return {row["subject"]: row for row in csv.DictReader(file)}


def test_ixi_with_broken_subjects_becomes_a_cache_a_table_and_a_split(ixi, cache, capsys):
    assert run(write_broken_subjects(ixi), cache) == 0
    said = capsys.readouterr()
    assert "19 subjects: 12 used, 7 skipped (1 constant, 1 duplicate_subject" in said.out
    assert "split.json  Guys  5      1           1     0" in said.out
    assert "warning: skipped IXI101: missing_partner: expected PD as well" in said.err
    table = rows(cache)
    assert {subject: row["reason"] for subject, row in table.items() if row["status"] == "skipped"} == BROKEN
    split = read_split(cache / "split.json")
    subjects = [subject for part in ("train", "validation", "test") for subject in read_part(cache, split, part)]
    assert sorted(subject.subject for subject in subjects) == sorted(name[:6] for name in GOOD)
    assert all(subject.voxels.shape == (2, 16, 16, 3) for subject in subjects)
    assert {subject.origin for subject in subjects} == {ORIGINS[IXI]}


def test_archives_and_folders_give_the_same_arrays_and_split(ixi, cache, tmp_path):
    assert run(ixi, cache) == 0
    for contrast in ("T2", "PD"):
        pack(ixi, contrast, ixi / f"IXI-{contrast}.tar")
    assert run(ixi, tmp_path / "from archives") == 0
    for path in (*cache.glob("*.npy"), cache / "split.json", cache / "subjects.csv"):
        assert path.read_bytes() == (tmp_path / "from archives" / path.name).read_bytes()


def test_the_command_run_again_changes_nothing(ixi, cache, monkeypatch):
    assert run(ixi, cache) == 0
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in cache.glob("subject_*")}
    monkeypatch.setattr(cache_filling, "prepare_subject", lambda task: pytest.fail("prepared again"))
    assert run(ixi, cache) == 0
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in cache.glob("subject_*")} == before


def test_each_site_can_be_left_out(ixi, cache, capsys):
    assert run(ixi, cache, "--leave-one-site-out") == 0
    for site, count in (("Guys", 7), ("HH", 4), ("IOP", 1)):
        split = read_split(cache / f"split-without-{site}.json")
        assert len(split.test) == count and {split.sites[name] for name in split.test} == {site}
    assert "split-without-IOP.json" in capsys.readouterr().out


def test_a_split_is_not_replaced_by_another_unless_it_is_asked_for(ixi, cache, capsys):
    assert run(ixi, cache) == 0
    before = (cache / "split.json").read_bytes()
    assert run(ixi, cache, "--seed", 3) == 2
    assert "--new-split replaces it" in capsys.readouterr().err
    assert (cache / "split.json").read_bytes() == before
    assert run(ixi, cache, "--seed", 3, "--new-split") == 0
    assert read_split(cache / "split.json").seed == 3


def test_a_hospitals_own_pairs_are_prepared_from_a_table(tmp_path, cache, capsys):
    lines = ["subject,source,target,site"]
    for number in range(4):
        for role in ("flair", "t1"):
            write_scan(tmp_path / "scans" / f"{role}{number}.nii.gz", scan_voxels(number))
        lines.append(f"patient-{number},scans/flair{number}.nii.gz,scans/t1{number}.nii.gz,{'AB'[number % 2]}")
    table = tmp_path / "pairs.csv"
    table.write_text("\n".join([*lines, "patient-9,scans/flair1.nii.gz,,A"]))
    assert run(table, cache, "--contrasts", "FLAIR", "T1", "--split", 2, 1, 1) == 0
    assert "5 subjects: 4 used, 1 skipped (1 missing_partner)" in capsys.readouterr().out
    (subject,) = read_part(cache, read_split(cache / "split.json"), "test")
    assert subject.contrasts == ("FLAIR", "T1") and subject.origin == ORIGINS[OWN]
    np.testing.assert_array_equal(subject.channel("FLAIR"), subject.channel("T1"))


def test_what_the_folder_lacks_is_downloaded_after_a_question(ixi, cache, tmp_path, capsys, monkeypatch):
    drive = tmp_path / "drive"
    pack(ixi, "PD", drive / "IXI-PD.tar")
    assert run(ixi, cache, "--download", "--address", drive.as_uri()) == 130
    said = capsys.readouterr().err
    assert "Download IXI-PD.tar (about 4.1 GB) of the IXI dataset, licence CC BY-SA 3.0" in said
    assert "IXI-T2.tar" not in said and "IXI was not downloaded" in said and not (ixi / "IXI-PD.tar").exists()
    monkeypatch.setattr(prepare_command.Terminal, "confirm", lambda terminal, question: True)
    assert run(ixi, cache, "--download", "--address", drive.as_uri()) == 0
    assert (ixi / "IXI-PD.tar.sha256").is_file() and len(rows(cache)) == len(GOOD)


def test_yes_downloads_without_asking_into_a_folder_that_is_made(ixi, cache, tmp_path):
    drive = tmp_path / "drive"
    for contrast in ("T2", "PD"):
        pack(ixi, contrast, drive / f"IXI-{contrast}.tar")
    assert run(tmp_path / "new", cache, "--download", "--yes", "--address", drive.as_uri()) == 0
    (tmp_path / "new" / "IXI-T2.tar").write_bytes(b"exchanged")
    assert run(tmp_path / "new", cache) == 2


def refusal(capsys, *arguments):
    assert run(*arguments) == 2
    *_, error = capsys.readouterr().err.splitlines()  # progress may have been shown before
    assert error.startswith("mrsynth-train: ")
    return error


def test_bad_input_is_one_line_and_exit_code_2(ixi, cache, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert "expected a folder with IXI" in refusal(capsys, tmp_path / "none", cache)
    assert "expected IXI-T2.tar and IXI-PD.tar" in refusal(capsys, tmp_path / "empty", cache)
    assert "expected a table of pairs" in refusal(capsys, tmp_path / "none.csv", cache)
    assert "with a table of pairs" in refusal(capsys, tmp_path / "none.csv", cache, "--download")
    assert "expected --contrasts with a table" in refusal(capsys, ixi, cache, "--contrasts", "T1", "T2")
    assert "found T1 twice" in refusal(capsys, tmp_path / "none.csv", cache, "--contrasts", "T1", "T1")
    assert "expected a contrast of letters" in refusal(capsys, ixi, cache, "--contrasts", "T 1", "T2")
    assert "at least one subject in each part" in refusal(capsys, ixi, cache, "--split", 1, 0, 1)
    assert "expected a plane" in refusal(capsys, ixi, cache, "--plane", "oblique")
    assert not cache.exists()


def test_one_subject_only_or_none_that_is_usable_is_told_and_stands_in_the_table(tmp_path, cache, capsys):
    write_subject_scans(tmp_path / "one", GOOD[0])
    assert "expected at least 3 subjects, one for each part of the split, found 1" in refusal(
        capsys, tmp_path / "one", cache
    )
    assert rows(cache)["IXI002"]["status"] == "used" and not (cache / "split.json").exists()
    for path in (tmp_path / "one" / "IXI-PD").iterdir():
        path.write_bytes(b"no scan")
    assert run(tmp_path / "one", cache) == 2
    assert "found 0" in capsys.readouterr().err
    assert rows(cache)["IXI002"]["reason"] == "unreadable"


def test_a_folder_with_one_contrast_only_tells_of_each_subject(ixi, cache, capsys):
    for path in (ixi / "IXI-PD").iterdir():
        path.unlink()
    assert "found 0" in refusal(capsys, ixi, cache)
    assert {row["reason"] for row in rows(cache).values()} == {"missing_partner"}


def test_a_truncated_archive_is_told(ixi, cache, capsys):
    archive = pack(ixi, "T2", ixi / "IXI-T2.tar")
    archive.write_bytes(archive.read_bytes()[:-20_000])
    assert "truncated or damaged" in refusal(capsys, ixi, cache)


def test_a_cache_that_cannot_be_written_is_told(ixi, cache, capsys):
    cache.touch()
    assert "expected a folder to write to, found a file" in refusal(capsys, ixi, cache)


def test_many_skipped_subjects_are_not_all_listed(ixi, cache, capsys, monkeypatch):
    monkeypatch.setattr(prepare_command, "SKIPPED_SHOWN", 2)
    assert run(write_broken_subjects(ixi), cache) == 0
    error = capsys.readouterr().err
    assert error.count("skipped IXI") == 2 and "skipped 5 more; see" in error


def test_padded_subjects_are_warned_of(ixi, cache, capsys):
    arguments = ["prepare", str(ixi), str(cache), "--size", "32", "32", "9", "--processes", "1"]
    assert cli.main(arguments) == 0
    assert "12 subjects are smaller than the protocol's size and were padded" in capsys.readouterr().err


SLOW_DISK = """
import time

import numpy

save = numpy.save


def slow_save(*arguments):
    time.sleep(0.5)
    save(*arguments)


numpy.save = slow_save
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no groups of processes that SIGINT is sent to")
@pytest.mark.parametrize("processes", [1, 2])
def test_ctrl_c_leaves_whole_files_that_the_same_command_goes_on_from(ixi, cache, tmp_path, processes):
    (tmp_path / "sitecustomize.py").write_text(SLOW_DISK)
    code = "import sys; from mrsynth_training import cli; sys.exit(cli.main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "prepare", ixi, cache, *SMALL, "--processes", str(processes)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline and not list(cache.glob("*.json")):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the command and its processes
    _, error = process.communicate(timeout=120)
    assert process.returncode == 130 and "the same command goes on from there" in error and "Traceback" not in error
    found = sorted(path.name for path in cache.iterdir())
    assert 2 <= len(found) < 2 * len(GOOD) and {path.suffix for path in cache.iterdir()} == {".npy", ".json"}
    for path in cache.glob("*.json"):
        assert np.load(path.with_suffix(".npy"), mmap_mode="r").shape == tuple(json.loads(path.read_text())["shape"])
    assert run(ixi, cache) == 0
    assert len(list(cache.glob("subject_*.npy"))) == len(GOOD)
