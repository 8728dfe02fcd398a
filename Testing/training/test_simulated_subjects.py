import numpy as np
import pytest
import torch
from small_heads import SMALL_SLICES

from mrsynth.errors import InputError, MissingFile
from mrsynth_training import cli, simulated_subjects
from mrsynth_training.cache_filling import fill_volume_cache
from mrsynth_training.data_origin import ORIGINS, SIMULATED
from mrsynth_training.paired_dataset import read_part
from mrsynth_training.simulated_subjects import PROTOCOL, SimulatedScanPair, head_of, plan_subjects, split_heads
from mrsynth_training.simulation import simulate
from mrsynth_training.split import SplitOptions
from mrsynth_training.split_file import read_split
from mrsynth_training.volume_cache import read_subject

SIZE = (32, 32, 8)


@pytest.fixture(autouse=True)
def small_subjects(monkeypatch):
    """Scans of 32 x 32 x 8; returns the protocols and seeds that were asked for."""
    asked = []

    def simulate_small(labels, seed, protocol):
        asked.append((protocol, seed))
        return simulate(labels, seed, protocol, geometry=SMALL_SLICES)

    monkeypatch.setattr(simulated_subjects, "simulate", simulate_small)
    monkeypatch.setattr(simulated_subjects, "SIZE", SIZE)
    return asked


@pytest.fixture
def heads(label_maps):
    return sorted(label_maps.glob("*.nii.gz"))


def silent(done, total):
    pass


def test_the_size_is_the_protocols():
    from mrsynth_training.acquisition import ixi_geometry
    from mrsynth_training.preprocessing import PreprocessingOptions

    slices = ixi_geometry()
    assert (slices.matrix, slices.matrix, slices.slices) == PreprocessingOptions().shape == (224, 224, 32)


def test_subjects_are_standardised_scans_of_ixis_protocol_one_a_head(heads, tmp_path, small_subjects):
    records = fill_volume_cache(plan_subjects(heads, tmp_path, 5, size=SIZE), 1, silent)
    assert [record.subject for record in records] == ["head_1", "head_2", "head_3"]
    assert small_subjects == [(PROTOCOL, 5), (PROTOCOL, 6), (PROTOCOL, 7)]
    subject = read_subject(tmp_path, "head_2")
    assert subject.voxels.shape == (2, *SIZE) and subject.contrasts == ("T2", "PD")
    np.testing.assert_allclose(subject.voxels.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(subject.voxels.std(axis=(1, 2, 3)), 1, atol=1e-5)
    assert subject.description["plane"] == "axial" and subject.site == "simulated"
    assert subject.origin == ORIGINS[SIMULATED] and subject.origin.simulated


def test_source_and_target_are_the_two_echoes_on_one_grid(heads):
    source, target = SimulatedScanPair(heads[0], seed=5).read()
    assert source.spacing_mm == target.spacing_mm == (3.0, 3.0, 6.0)
    head = target.voxels > 0.3 * target.voxels.max()
    assert target.voxels[head].mean() > source.voxels[head].mean()  # PD is the earlier echo


def test_subjects_that_are_there_are_not_simulated_again(heads, tmp_path, small_subjects):
    for _ in range(2):
        fill_volume_cache(plan_subjects(heads, tmp_path, 5, size=SIZE), 1, silent)
    assert len(small_subjects) == 3
    fill_volume_cache(plan_subjects(heads, tmp_path, 6, size=SIZE), 1, silent)
    assert len(small_subjects) == 6


def test_a_lost_label_map_is_told(tmp_path):
    with pytest.raises(MissingFile, match="a label map"):
        SimulatedScanPair(tmp_path / "none.nii.gz", 0).read()
    with pytest.raises(MissingFile):
        SimulatedScanPair(tmp_path / "none.nii.gz", 0).source.fingerprint()


def test_other_processes_leave_the_cores_to_one_another(heads, monkeypatch):
    threads = []
    monkeypatch.setattr(simulated_subjects, "parent_process", lambda: "a parent")
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    SimulatedScanPair(heads[0], 0).read()
    assert threads == [1]


def test_the_command_leaves_a_cache_and_its_split(label_maps, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(plan_subjects, "__defaults__", (1, SIZE))
    cache = tmp_path / "cache"
    assert cli.main(["simulate-subjects", str(label_maps), str(cache), "--processes", "1"]) == 0
    assert "3 subjects: 3 used" in capsys.readouterr().out
    split = read_split(cache / "split.json")
    assert sum(len(read_part(cache, split, part)) for part in ("train", "validation", "test")) == 3


def test_scans_of_one_head_are_subjects_of_one_part(label_maps, tmp_path, monkeypatch, small_subjects):
    monkeypatch.setattr(plan_subjects, "__defaults__", (1, SIZE))
    command = ["simulate-subjects", str(label_maps), str(tmp_path), "--processes", "1", "--seed", "5"]
    assert cli.main([*command, "--scans-per-head", "2", "--split", "1", "1", "1"]) == 0
    assert small_subjects == [(PROTOCOL, seed) for seed in range(5, 11)]
    split = read_split(tmp_path / "split.json")
    parts = [split.part(part) for part in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [2, 2, 2] and split.seed == 5
    assert all(len({head_of(subject) for subject in part}) == 1 for part in parts)
    assert {subject for part in parts for subject in part} == {f"head_{h}-scan-0{n}" for h in (1, 2, 3) for n in (0, 1)}
    first, second = (read_subject(tmp_path, f"head_1-scan-0{number}").voxels for number in (0, 1))
    assert not np.array_equal(first, second)


def test_heads_are_split_and_what_is_beyond_is_unused():
    subjects = [f"head-{head}-scan-{number:02d}" for head in range(8) for number in range(3)]
    split = split_heads(subjects, SplitOptions(3, 2, 1, seed=1))
    sizes = {part: len(split.part(part)) for part in ("train", "validation", "test", "unused")}
    assert sizes == {"train": 9, "validation": 6, "test": 3, "unused": 6}
    heads = [{head_of(subject) for subject in split.part(part)} for part in sizes]
    assert sum(map(len, heads)) == len(set().union(*heads)) == 8
    assert split_heads(subjects[::-1], SplitOptions(3, 2, 1, seed=1)) == split


@pytest.mark.parametrize(
    ("subject", "head"),
    [("a-scan-02", "a"), ("old-scan-head-scan-12", "old-scan-head"), ("old-scan-head", "old-scan-head")],
)
def test_a_scan_is_of_the_head_it_is_named_after(subject, head):
    assert head_of(subject) == head


def test_too_few_heads_for_three_parts_are_refused_however_many_scans_they_have():
    subjects = [f"head-{head}-scan-{number:02d}" for head in range(2) for number in range(9)]
    with pytest.raises(InputError, match="found 2"):
        split_heads(subjects, SplitOptions(1, 1, 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--scans-per-head", "0"), "expected at least one scan per head and a seed of at least 0, found 0 and 0"),
        (("--scans-per-head", "-2"), "found -2 and 0"),
        (("--seed", "-1"), "found 1 and -1"),
        (("--split", "2", "1", "0"), "expected at least one subject in each part of the split"),
    ],
)
def test_numbers_that_make_no_subjects_are_refused_before_any_is_made(label_maps, tmp_path, capsys, options, message):
    assert cli.main(["simulate-subjects", str(label_maps), str(tmp_path / "cache"), *options]) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("mrsynth-train: ") and error.count("\n") == 1
    assert not (tmp_path / "cache").exists()
