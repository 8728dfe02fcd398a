import json
from pathlib import Path

import pytest
import torch
from epoch_examples import DOCUMENT, tiny_experiment
from small_heads import EXPERIMENT

from mrsynth.errors import InputError, MissingFile
from mrsynth_training.adversaries import Adversaries
from mrsynth_training.epoch_experiment import EpochExperiment, read_epoch_experiment
from mrsynth_training.experiments import read_experiment, shipped_experiments
from mrsynth_training.process_group import ProcessGroup

# Name, source, reconstruction, weights of discriminator and gradient difference, epochs, mini-batch, long skip.
REPORT = [
    ("g1", "T2", "L2", 0.0, 0.0, 34, 7, False),
    ("g2", "T2", "L2", 0.5, 0.0, 32, 7, False),
    ("g3", "T2", "L2", 0.5, 1.0, 76, 7, False),
    ("g4", "T2", "L1", 0.5, 1.0, 4, 7, False),
    ("g4-pd-to-t2", "PD", "L1", 0.5, 1.0, 24, 49, False),
    ("g4-residual-pd-to-t2", "PD", "L1", 0.5, 1.0, 24, 49, True),
]
BEYOND = ["g3-axial", "g3-coronal", "g3-gdl-3d", "g3-sagittal", "unet-adversarial", "unet-l1", "unet-l1-gdl"]


@pytest.fixture
def a_file(tmp_path):
    """The tiny experiment as a file."""
    path = tmp_path / "tiny.toml"
    path.write_text(DOCUMENT, encoding="utf-8")
    return path


@pytest.mark.parametrize("row", REPORT, ids=[row[0] for row in REPORT])
def test_the_reports_experiments_are_the_protocols(row):
    name, source, reconstruction, adversarial, gradient, epochs, batch_size, residual = row
    experiment = read_epoch_experiment(Path(name))
    losses, schedule = experiment.losses, experiment.schedule
    assert (experiment.name, experiment.source_contrast) == (name, source)
    assert experiment.network == {"name": "paper-generator", "configuration": {"residual": residual}}
    assert (losses.reconstruction, losses.reconstruction_weight) == (reconstruction, 1.0)
    assert (losses.adversarial_weight, losses.gradient_weight) == (adversarial, gradient)
    assert (losses.gradient_dimensions, losses.reduction) == (2, "mean")
    assert (schedule.epochs, schedule.batch_size, schedule.patch) == (epochs, batch_size, (32, 32, 32))
    assert (schedule.averaging, schedule.patience, schedule.learning_rate) == (0, 0, 1e-4)
    assert experiment.continues == ("g3" if name == "g4" else "")


def test_what_the_report_left_open_are_experiments_of_their_own():
    assert read_epoch_experiment(Path("g3-gdl-3d")).losses.gradient_dimensions == 3
    for plane in ("axial", "coronal", "sagittal"):
        assert read_epoch_experiment(Path(f"g3-{plane}")).plane == plane
    losses = {name: read_epoch_experiment(Path(name)).losses for name in BEYOND if name.startswith("unet")}
    weights = {name: (each.adversarial_weight, each.gradient_weight) for name, each in losses.items()}
    assert weights == {"unet-l1": (0, 0), "unet-l1-gdl": (0, 1.0), "unet-adversarial": (0.5, 1.0)}


@pytest.mark.parametrize("name", [*(row[0] for row in REPORT), *BEYOND])
def test_a_shipped_experiments_networks_can_be_built(name):
    experiment = read_epoch_experiment(Path(name))
    networks = Adversaries(experiment, torch.device("cpu"), ProcessGroup()).networks
    assert set(networks) == ({"generator", "discriminator"} if experiment.adversarial else {"generator"})
    # Standardised intensities are negative where it is dark.
    assert not getattr(networks["generator"], "nonnegative", False)


def test_the_shipped_experiments_are_of_one_kind_or_the_other():
    epoch_by_epoch = {name for name, path in shipped_experiments().items() if "[schedule]" in path.read_text()}
    assert epoch_by_epoch == {row[0] for row in REPORT} | set(BEYOND)


def test_an_experiment_over_epochs_survives_json():
    experiment = tiny_experiment(validation_stride=(4, 4, 4))
    assert EpochExperiment.from_dict(json.loads(json.dumps(experiment.to_dict()))) == experiment


def test_a_file_without_options_has_the_defaults(a_file):
    assert read_epoch_experiment(a_file) == tiny_experiment()
    assert tiny_experiment().schedule.stride == (8, 8, 8)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "A tiny experiment"\n', "", "missing fields"),
        ("epochs = 2", "epoch = 2", "unknown fields"),
        ('name = "tiny"', 'name = "../tiny"', "the name of an experiment"),
        ('target_contrast = "PD"', 'target_contrast = "T2"', "two contrasts"),
        ('target_contrast = "PD"', 'target_contrast = ""', "two contrasts"),
        ("[network.configuration]", "[network.settings]", "network's name and configuration"),
        ('target_contrast = "PD"', 'target_contrast = "PD"\nplane = "oblique"', "a plane of"),
        ('target_contrast = "PD"', 'target_contrast = "PD"\ncontinues = "tiny"', "another experiment to continue"),
        ('reconstruction = "L2"', 'reconstruction = "L3"', "a reconstruction of"),
        ("gradient_weight = 1.0", "gradient_weight = -1.0", "weights of at least 0"),
        ("gradient_weight = 1.0", "gradient_weight = nan", "weights of at least 0"),
        ("gradient_weight = 1.0", "reconstruction_weight = 0.0", "a reconstruction above 0"),
        ("gradient_weight = 1.0", "gradient_dimensions = 1", "a gradient_dimensions of"),
        ("gradient_weight = 1.0", 'reduction = "median"', "a reduction of"),
        ("epochs = 2", "epochs = 0", "at least one epoch"),
        ("batch_size = 4", "batch_size = 0", "at least one epoch and patch"),
        ("batch_size = 4", "batch_size = 1", "at least 2 patches"),
        ("[8, 8, 8]", "[8, 8]", "three patch sizes"),
        ("[8, 8, 8]", '[8, 8, "8"]', "three patch sizes"),
        ("[8, 8, 8]", "[8, 8, true]", "three patch sizes"),
        ("batch_size = 4", "batch_size = 4\nvalidation_stride = [9, 8, 8]", "a stride from 1 to the patch"),
        ("batch_size = 4", "batch_size = 4\nlearning_rate = 0", "a learning rate"),
        ("batch_size = 4", "batch_size = 4\nepsilon = 0.0", "an epsilon above 0"),
        ("batch_size = 4", "batch_size = 4\nbetas = [0.9]", "two betas"),
        ("batch_size = 4", "batch_size = 4\nbetas = [0.9, 1.0]", "two betas"),
        ("batch_size = 4", "batch_size = 4\naveraging = 1.0", "averaging from 0 to below 1"),
        ("batch_size = 4", "batch_size = 4\npatience = -1", "patience"),
        ("batch_size = 4", "batch_size = 4\nseed = -1", "a seed of at least 0"),
        ("batch_size = 4", "batch_size = 4\nmixed_precision = 1", "expected mixed_precision as bool, found 1"),
        ("epochs = 2", "epochs = true", "expected epochs as int, found True"),
        ("[schedule]", "[[schedule]]", "expected a table for EpochOptions"),
        ("[losses]", "[losses", "tiny.toml"),
    ],
)
def test_a_wrong_file_of_an_experiment_over_epochs_is_refused_by_name(a_file, old, new, message):
    assert old in DOCUMENT
    a_file.write_text(DOCUMENT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=message) as refusal:
        read_epoch_experiment(a_file)
    assert str(a_file) in str(refusal.value)


def test_one_kind_of_experiment_is_not_taken_for_the_other(a_file):
    with pytest.raises(InputError, match="of `mrsynth-train fit`, found one of `mrsynth-train train`"):
        read_experiment(a_file)
    a_file.write_text(EXPERIMENT, encoding="utf-8")
    with pytest.raises(InputError, match="of `mrsynth-train train`, found one of `mrsynth-train fit`"):
        read_epoch_experiment(a_file)


def test_an_experiment_that_is_neither_file_nor_name_is_refused():
    with pytest.raises(MissingFile, match="'g1', 'g2'"):
        read_epoch_experiment(Path("g5"))
