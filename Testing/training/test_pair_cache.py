import dataclasses
import json
import time
from pathlib import Path

import numpy as np
import pytest

from mrsynth.errors import InputError, MissingFile
from mrsynth.json_file import write_json
from mrsynth_training.experiments import SimulationOptions
from mrsynth_training.pair_cache import CHANNELS, LESIONS, fill_cache, plan_simulations, read_cache


def test_cached_channels_have_their_median_tissue_at_one(a_cache):
    pair = read_cache(a_cache)[0]
    assert pair.voxels.shape == (len(CHANNELS), 32, 32, 8) and pair.voxels.dtype == np.float16
    for channel in pair.voxels[:LESIONS].astype(np.float32):
        assert np.median(channel[channel > 0.1 * np.percentile(channel, 99)]) == pytest.approx(1, abs=0.02)
    assert pair.description["subject"] == "head_1"


def test_a_full_cache_is_not_simulated_again(an_experiment, label_maps, a_cache):
    heads = sorted(label_maps.glob("*.nii.gz"))[:2]
    tasks = plan_simulations(heads, a_cache, an_experiment.simulation)
    assert fill_cache(tasks, processes=1, report=lambda done, total: None) == 0


def note_process(task):
    """Stands in for `write_pair`; at the top of the module, so that another process finds it."""
    if task.seed == 11:
        raise RuntimeError("this scan cannot be simulated")
    time.sleep(0.05)
    task.path.with_suffix(".json").touch()


def test_scans_are_simulated_in_several_processes(label_maps, tmp_path, monkeypatch):
    monkeypatch.setattr("mrsynth_training.pair_cache.write_pair", note_process)
    told = []
    tasks = plan_simulations(sorted(label_maps.iterdir()), tmp_path / "cache", SimulationOptions(3, 2, seed=20))
    assert fill_cache(tasks, 2, lambda done, total: told.append((done, total))) == 3
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert all(task.path.with_suffix(".json").is_file() for task in tasks)


def test_a_failure_in_one_process_leaves_the_rest_unsimulated(label_maps, tmp_path, monkeypatch):
    monkeypatch.setattr("mrsynth_training.pair_cache.write_pair", note_process)
    tasks = plan_simulations(sorted(label_maps.iterdir()), tmp_path / "cache", SimulationOptions(100, 2, seed=10))
    with pytest.raises(RuntimeError, match="cannot be simulated"):
        fill_cache(tasks, 2, lambda done, total: None)
    assert len(list((tmp_path / "cache").glob("*.json"))) < 50


def test_every_head_is_simulated_at_both_protocols_in_their_share():
    heads = [Path(f"head_{number}.nii.gz") for number in range(3)]
    options = SimulationOptions(scans=30, training_heads=2, seed=5, ixi_share=0.4)
    tasks = plan_simulations(heads, Path("cache"), options)
    assert [task.seed for task in tasks] == list(range(5, 35)) and {task.label_map for task in tasks} == set(heads[:2])
    for head in heads[:2]:
        protocols = [task.kind.protocol for task in tasks if task.label_map == head]
        assert protocols.count("ixi") == 6 and protocols.count("random") == 9
    assert not any(task.kind.wide for task in tasks)


def test_as_many_scans_as_asked_for_are_wide():
    heads = [Path(f"head_{number}.nii.gz") for number in range(2)]
    options = SimulationOptions(scans=20, training_heads=2, seed=5, wide_share=0.35)
    assert [task.kind.wide for task in plan_simulations(heads, Path("cache"), options)].count(True) == 7


def test_scans_of_another_experiment_are_not_trained_on(an_experiment, a_cache):
    other = dataclasses.replace(an_experiment.simulation, seed=11)
    with pytest.raises(InputError, match="found 2 of them and 1 others"):
        read_cache(a_cache, other)


@pytest.mark.parametrize("change", [{"ixi_share": 1.0}, {"wide_share": 1.0}])
def test_scans_of_another_kind_are_not_trained_on(an_experiment, a_cache, change):
    other = dataclasses.replace(an_experiment.simulation, **change)
    with pytest.raises(InputError, match="expected scan 10 of the kind .* found .*; simulate the scans again"):
        read_cache(a_cache, other)


def test_scans_that_do_not_say_their_kind_are_taken_at_their_seeds(an_experiment, a_cache):
    for path in a_cache.glob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        del document["description"]["kind"]
        write_json(path, document)
    assert len(read_cache(a_cache, an_experiment.simulation)) == 3


@pytest.mark.parametrize("text", ["", "{", "[]", '{"scales": {}}'])
def test_a_damaged_description_is_refused(a_cache, text):
    next(a_cache.glob("*.json")).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="expected what describes a scan, found a damaged file") as refused:
        read_cache(a_cache)
    assert refused.value.code == "corrupt_file"


def test_a_missing_empty_or_damaged_cache_is_refused(a_cache, tmp_path):
    with pytest.raises(MissingFile, match="found no folder"):
        read_cache(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="mrsynth-train simulate"):
        read_cache(tmp_path / "empty")
    array = next(a_cache.glob("*.npy"))
    array.write_bytes(array.read_bytes()[:200])
    with pytest.raises(InputError, match="damaged"):
        read_cache(a_cache)
    array.unlink()
    with pytest.raises(MissingFile, match="describes"):
        read_cache(a_cache)
