import numpy as np
import pytest
import torch
from small_heads import SMALL_SLICES

from mrsynth.errors import MissingFile
from mrsynth_training import cli, simulated_subjects
from mrsynth_training.cache_filling import fill_volume_cache
from mrsynth_training.data_origin import ORIGINS, SIMULATED
from mrsynth_training.paired_dataset import read_part
from mrsynth_training.simulated_subjects import PROTOCOL, SimulatedScanPair, plan_subjects
from mrsynth_training.simulation import simulate
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
