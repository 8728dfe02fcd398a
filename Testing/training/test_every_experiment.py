"""Every shipped experiment from scans to a listed model at a small scale: prepare, train, stop, resume, export, use."""

import signal
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from ixi_examples import BROKEN, GOOD
from simulated_ixi import SIZE, write_simulated_ixi

import mrsynth.cli.main
from mrsynth.models.store import ModelStore
from mrsynth_training import cli
from mrsynth_training.adversaries import Adversaries
from mrsynth_training.checkpoints import CHECKPOINT, read_state
from mrsynth_training.epoch_checkpoint import EpochCheckpoint
from mrsynth_training.epoch_experiment import read_epoch_experiment
from mrsynth_training.experiments import read_experiment, shipped_experiments
from mrsynth_training.split_file import read_split
from mrsynth_training.trainer import Trainer

OF_FIT = tuple(name for name, path in shipped_experiments().items() if "[optimization]" in path.read_text())
OF_TRAIN = tuple(name for name in shipped_experiments() if name not in OF_FIT)
# The report's experiments in all but size: two epochs of a few patches with a few filters.
SCHEDULE = ("schedule.epochs=2", "schedule.batch_size=4", "schedule.patch=[8,8,8]")
DISCRIMINATOR = ("discriminator.stage_filters=[2,2]", "discriminator.dense_units=[4]")
NETWORKS = {
    "paper-generator": ("network.configuration.filters=[2,2,2,3,3,2,2,2]",),
    "residual-unet": (
        *("network.configuration.widths=[2,3]", "network.configuration.blocks=[1,1]"),
        *("network.configuration.slice_strides=[1]", "network.configuration.fold=1"),
    ),
}
FIT = (
    *("simulation.scans=2", "simulation.training_heads=2", "optimization.steps=4", "optimization.batch_size=1"),
    *("optimization.patch=[16,16,4]", *NETWORKS["residual-unet"]),
)


def run(*arguments):
    return cli.main([str(argument) for argument in arguments])


def settings(changes):
    return [word for change in changes for word in ("--set", change)]


@pytest.fixture(scope="module")
def ixi(tmp_path_factory):
    """A folder that looks like IXI, broken subjects and all."""
    return write_simulated_ixi(tmp_path_factory.mktemp("IXI"))


@pytest.fixture(scope="module")
def caches(ixi, tmp_path_factory):
    """The folder's subjects prepared in a plane, once for all experiments of that plane."""
    prepared: dict[str, Path] = {}

    def cache(plane):
        if plane not in prepared:
            prepared[plane] = tmp_path_factory.mktemp("caches") / plane
            assert run("prepare", ixi, prepared[plane], *SIZE, "--plane", plane, "--processes", 1) == 0
        return prepared[plane]

    return cache


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


def trained(name, caches, runs, monkeypatch):
    """Train an experiment, stopped in its second epoch and gone on with; return the folder of its run."""
    experiment = read_epoch_experiment(Path(name))
    if (runs / name).exists():
        return runs / name
    if experiment.continues:
        trained(experiment.continues, caches, runs, monkeypatch)
    changes = (*SCHEDULE, *DISCRIMINATOR * experiment.adversarial, *NETWORKS[experiment.network["name"]])
    command = ("train", name, caches(experiment.plane), runs / name, "--device", "cpu", *settings(changes))
    with monkeypatch.context() as patch:
        stop_at(patch, Adversaries, "update", 10)
        assert run(*command) == 130
    assert read_state(runs / name / CHECKPOINT, EpochCheckpoint).history["epoch"] == 1
    assert run(*command, "--resume") == 0
    return runs / name


def stop_at(patch, owner, method, number):
    """Send the signal of Ctrl-C when a method is called for the so-manieth time."""
    original, calls = getattr(owner, method), []

    def call(*arguments):
        calls.append(arguments)
        if len(calls) == number:
            signal.raise_signal(signal.SIGINT)
        return original(*arguments)

    patch.setattr(owner, method, call)


def test_a_tree_that_looks_like_ixi_is_prepared_by_the_protocol(caches, capsys):
    cache = caches("acquired")
    assert f"{len(GOOD) + len(BROKEN)} subjects: {len(GOOD)} used, {len(BROKEN)} skipped" in capsys.readouterr().out
    split = read_split(cache / "split.json")
    assert [len(split.part(name)) for name in ("train", "validation", "test")] == [9, 1, 2]
    assert set(split.sites.values()) == {"Guys", "HH", "IOP"}


@pytest.mark.parametrize("name", OF_TRAIN)
def test_an_experiment_goes_from_scans_to_a_listed_model(name, caches, runs, tmp_path, monkeypatch):
    folder = trained(name, caches, runs, monkeypatch)
    history = read_state(folder / CHECKPOINT, EpochCheckpoint).history
    assert history["epoch"] == 2 and len(history["figures"]) == 2
    for table, rows in (("epochs.csv", 2), ("validation.csv", 2)):
        assert len((folder / table).read_text().splitlines()) == 1 + rows
    assert run("export", folder, "--models", tmp_path) == 0
    (model,) = ModelStore([tmp_path]).list()
    experiment = read_epoch_experiment(Path(name))
    assert model.card.name == name and model.is_complete
    assert model.card.grid.get("plane", "acquired") == experiment.plane
    assert model.card.training["subjects"] == 9 and "the IXI dataset" in model.card.training["data"]
    assert [figure["range"][:7] for figure in model.card.figures] == ["maximum", "0.5 to "]


def fitted(name, label_maps, folder, start=()):
    """Simulate, fit and export at a small scale; return the folder of the model."""
    assert run("simulate", name, label_maps, folder / "scans", "--processes", 1, *settings(FIT)) == 0
    assert run("fit", name, folder / "scans", folder / "run", *start, *settings(FIT)) == 0
    assert run("export", folder / "run", "--models", folder / "models") == 0
    return folder / "models" / name


@pytest.mark.parametrize("name", OF_FIT)
def test_an_experiment_of_a_shipped_model_goes_from_label_maps_to_a_listed_one(name, label_maps, tmp_path, monkeypatch):
    continued = read_experiment(Path(name)).continues
    start = ("--start", fitted(continued, label_maps, tmp_path / "first")) if continued else ()
    scans, folder, models = tmp_path / "scans", tmp_path / "run", tmp_path / "models"
    assert run("simulate", name, label_maps, scans, "--processes", 1, *settings(FIT)) == 0
    with monkeypatch.context() as patch:
        stop_at(patch, Trainer, "_train_step", 2)
        assert run("fit", name, scans, folder, *start, *settings(FIT)) == 130
    assert run("fit", name, scans, folder, "--resume", *settings(FIT)) == 0
    assert run("export", folder, "--models", models) == 0
    (model,) = ModelStore([models]).list()
    assert (model.card.name, model.card.training["steps"], model.card.training["subjects"]) == (name, 4, 2)
    assert (f"continued from {continued}" in model.card.training["protocol"]) == bool(continued)
    assert model.card.timing is not None and "expect" in model.card.uncertainty_meaning


def test_a_fit_begins_with_the_model_that_its_experiment_continues_and_with_no_other(label_maps, tmp_path, capsys):
    scans = tmp_path / "scans"
    assert run("simulate", "t2-to-pd", label_maps, scans, "--processes", 1, *settings(FIT)) == 0
    assert run("fit", "t2-to-pd", scans, tmp_path / "run", *settings(FIT)) == 2
    assert "expected the model t2-to-pd-stage-1 (--start) to start t2-to-pd from, found none" in capsys.readouterr().err
    start = fitted("t2-to-pd-stage-1", label_maps, tmp_path / "first")
    first_scans = tmp_path / "first" / "scans"
    assert run("fit", "pd-to-t2-stage-1", first_scans, tmp_path / "run", "--start", start, *settings(FIT)) == 2
    assert "expected no model to start pd-to-t2-stage-1 from" in capsys.readouterr().err
    other = ("--set", "network.configuration.widths=[2,4]")
    assert run("fit", "t2-to-pd", scans, tmp_path / "run", "--start", start, *settings(FIT), *other) == 2
    assert "the weights to start t2-to-pd from: tensor" in capsys.readouterr().err
    assert run("fit", "t2-to-pd", scans, tmp_path / "run", "--start", "no-such-model", *settings(FIT)) == 2
    assert "no-such-model" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["g1", "g3-coronal", "unet-l1"])
def test_an_exported_model_synthesises_a_native_scan_with_thin_slices(
    name, ixi, caches, runs, tmp_path, monkeypatch, capsys
):
    assert run("export", trained(name, caches, runs, monkeypatch), "--models", tmp_path / "models") == 0
    source, output = next(ixi.glob("IXI-T2/IXI002*")), tmp_path / "pd.nii.gz"
    options = ["--model", name, "--models", str(tmp_path / "models"), "--device", "cpu"]
    assert mrsynth.cli.main.main(["synthesize", str(source), str(output), *options]) == 0
    assert "the model was trained on" not in capsys.readouterr().err  # nor is there any other warning of its grid
    found, expected = nib.load(output), nib.load(source)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.affine, expected.affine, atol=1e-4)
    assert np.asarray(found.dataobj).std() > 0
