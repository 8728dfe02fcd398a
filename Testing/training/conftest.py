import dataclasses

import nibabel as nib
import numpy as np
import pytest
from small_heads import EXPERIMENT, SMALL_SLICES, write_head

from mrsynth_training import pair_cache
from mrsynth_training.experiments import Experiment, OptimizationOptions, SimulationOptions
from mrsynth_training.simulation import simulate

TINY_NETWORK = {
    "name": "residual-unet",
    "configuration": {"widths": [4, 6], "blocks": [1, 1], "slice_strides": [1]},
}


@pytest.fixture
def an_experiment():
    return Experiment(
        name="tiny",
        title="A tiny network",
        source_contrast="T2",
        target_contrast="PD",
        network=TINY_NETWORK,
        simulation=SimulationOptions(scans=3, training_heads=2, seed=10),
        optimization=OptimizationOptions(steps=6, batch_size=2, patch=(16, 16, 4), averaging=0.9, seed=1),
    )


@pytest.fixture
def an_experiment_file(tmp_path):
    """The same experiment as a file."""
    path = tmp_path / "tiny.toml"
    path.write_text(EXPERIMENT, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def label_maps(tmp_path_factory):
    """A folder of three small heads."""
    folder = tmp_path_factory.mktemp("label maps")
    for number, stretch in enumerate((1.0, 0.95, 0.9), start=1):
        write_head(folder / f"head_{number}.nii.gz", stretch)
    return folder


@pytest.fixture(autouse=True)
def small_scans(monkeypatch):
    """Simulated scans are 32 x 32 x 8 in these tests, whatever the protocol."""

    def simulate_small(labels, seed, kind="random", marking=None):
        return simulate(labels, seed, kind, geometry=SMALL_SLICES, marking=marking)

    for module in ("pair_cache", "evaluation_cases"):
        monkeypatch.setattr(f"mrsynth_training.{module}.simulate", simulate_small)


@pytest.fixture
def a_cache(an_experiment, label_maps, tmp_path):
    """A filled cache; written in this process, as the worker processes would not see the small scans."""
    heads = sorted(label_maps.glob("*.nii.gz"))
    cache = tmp_path / "cache"
    cache.mkdir()
    for task in pair_cache.plan_simulations(heads, cache, an_experiment.simulation):
        pair_cache.write_pair(task)
    return cache


@pytest.fixture
def with_steps(an_experiment):
    """A function that returns the experiment with another number of steps."""

    def change(steps):
        return dataclasses.replace(
            an_experiment, optimization=dataclasses.replace(an_experiment.optimization, steps=steps)
        )

    return change


@pytest.fixture
def real_pairs(tmp_path):
    """A table of one pair of volumes."""
    voxels = np.random.default_rng(0).uniform(0, 50, (24, 24, 6)).astype(np.float32)
    voxels[6:18, 6:18] += 300
    for contrast, image in (("T2", voxels), ("PD", np.sqrt(voxels))):
        nib.save(nib.Nifti1Image(image, np.diag([1, 1, 4, 1])), tmp_path / f"{contrast}.nii.gz")
    table = tmp_path / "pairs.csv"
    table.write_text("name,T2,PD\na real head,T2.nii.gz,PD.nii.gz\n", encoding="utf-8")
    return table
