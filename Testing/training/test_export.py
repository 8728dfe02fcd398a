import dataclasses
import json

import numpy as np
import pytest
import torch
from epoch_examples import prepare, read_subjects, shrink_networks, tiny_experiment
from small_heads import EXPERIMENT

from mrsynth.errors import InputError, MissingFile, OutputExists
from mrsynth.models.store import ModelStore, default_store
from mrsynth.models.weights import load_model
from mrsynth.synthesis import SynthesisOptions, synthesize
from mrsynth.volume import Volume
from mrsynth_training import cli
from mrsynth_training.checkpoints import CHECKPOINT, read_state, write_state
from mrsynth_training.epoch_checkpoint import BEST, EpochCheckpoint, read_best_epoch
from mrsynth_training.epoch_trainer import EpochTrainer
from mrsynth_training.export import ExportOptions, export_model
from mrsynth_training.pair_cache import read_cache
from mrsynth_training.run_options import RunOptions
from mrsynth_training.run_record import RECORD, read_record
from mrsynth_training.run_recording import record_fit, record_training
from mrsynth_training.trainer import Trainer
from mrsynth_training.training_data import data_of_pairs
from mrsynth_training.validation import synthesize_subject

UNET = {"name": "residual-unet", "configuration": {"widths": [2, 3], "blocks": [1, 1], "slice_strides": [1]}}


@pytest.fixture
def a_trainer(tmp_path, monkeypatch):
    """A function that trains an experiment for a number of mini-batches, or to its end."""
    shrink_networks(monkeypatch)
    subjects = read_subjects(prepare(tmp_path / "subjects"))

    def train(experiment, batches=99):
        trainer = EpochTrainer(experiment, subjects, RunOptions(tmp_path / "run"))
        record_training(trainer, {})
        trainer.fit(stop=lambda: trainer.progress.done == batches)
        return trainer

    return train


@pytest.fixture
def a_store(tmp_path):
    return ModelStore([tmp_path / "models"])


def export(folder, store, **options):
    return export_model(folder / "run", store, ExportOptions(**options))


def test_a_run_over_epochs_becomes_a_model_of_its_best_epoch(a_trainer, a_store, tmp_path):
    a_trainer(tiny_experiment(averaging=0.9))
    model = export(tmp_path, a_store)
    assert [each.card.name for each in a_store.list()] == ["tiny"]
    best = read_best_epoch(tmp_path / "run")
    weights = load_model(model).network.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in best.generator.items())
    card = model.card
    assert (card.source_contrast, card.target_contrast, card.version) == ("T2", "PD", "1.0.0")
    assert card.inference == {"mode": "paper", "patch": [8, 8, 8], "stride": [2, 2, 2], "smooth_stride": [4, 4, 4]}
    assert card.training["steps"] == best.row["epoch"] * 3  # 12 patches, 4 a mini-batch
    assert card.training["subjects"] == 3 and not card.training["simulated"]
    assert card.training["data_licence"] == "CC BY-SA 3.0"
    assert f"epoch {best.row['epoch']}, the best of 2" in card.training["protocol"]
    assert card.training["hardware"] == "; ".join(read_record(tmp_path / "run").hardware)
    assert card.training["configuration"] == json.loads(json.dumps(best.experiment))


def test_a_card_of_simulated_subjects_names_the_heads_that_were_seen_and_one_of_people_names_nobody(
    a_trainer, a_store, tmp_path
):
    trainer = a_trainer(tiny_experiment())
    assert "heads" not in export(tmp_path, a_store).card.training["configuration"]
    record = json.loads((tmp_path / "run" / RECORD).read_text())
    record["data"]["simulated"] = True
    (tmp_path / "run" / RECORD).write_text(json.dumps(record))
    best = read_best_epoch(tmp_path / "run")
    parts = {"train": ["b-scan-00", "b-scan-01", "a-scan-00"], "validation": ["c-scan-00"]}
    write_state(tmp_path / "run" / BEST, dataclasses.replace(best, subjects=best.subjects | parts))
    configuration = export(tmp_path, a_store, force=True).card.training["configuration"]
    assert configuration == json.loads(json.dumps(trainer.experiment.to_dict())) | {"heads": ["a", "b", "c"]}


def test_a_card_has_the_validation_figures_with_mask_range_and_baselines(a_trainer, a_store, tmp_path):
    trainer = a_trainer(tiny_experiment())
    full, percentile = export(tmp_path, a_store).card.figures
    best = trainer.history.best
    assert full["mask"] == percentile["mask"] == "whole volume"
    assert full["range"].startswith("maximum - minimum") and percentile["range"].startswith("0.5 to 99.5")
    assert full["metrics"]["psnr_range"] == pytest.approx(
        {"mean": best["psnr_range"], "std": best["psnr_range_sd"]}, abs=1e-4
    )
    assert full["metrics"]["mae"]["mean"] == pytest.approx(best["mae"], abs=1e-4)
    assert set(full["metrics"]) == {"mae", "psnr_range"} and set(percentile["metrics"]) == {"mae", "psnr_percentile"}
    assert set(full["baselines"]) == {"linear", "map", "oracle"}
    assert all(set(metrics) == {"mae", "psnr_range"} for metrics in full["baselines"].values())
    assert "2 subjects" in full["note"]


@pytest.mark.parametrize("network", [None, UNET], ids=["paper", "unet"])
def test_an_exported_model_synthesises_every_slice_of_a_thin_scan(a_trainer, a_store, tmp_path, network):
    experiment = tiny_experiment(epochs=1)
    a_trainer(dataclasses.replace(experiment, network=network) if network else experiment)
    model = load_model(export(tmp_path, a_store))
    voxels = np.random.default_rng(0).uniform(0, 50, (20, 22, 26)).astype(np.float32)
    voxels[4:-4, 4:-4, 4:-4] += 300
    thin = Volume(voxels, np.diag([0.9375, 0.9375, 1.25, 1.0]))
    patches = []
    result = synthesize(thin, model, SynthesisOptions(device="cpu"), lambda step: patches.append(step.total))
    assert result.volume.shape == thin.shape and result.warnings == ()
    # Three interleaved stacks of 20 x 22 x 9 (or 8): 7 x 8 places and, along the slices, two for 9 and one for 8.
    assert set(patches) == {7 * 8 * (2 + 2 + 1)}
    assert np.isfinite(result.volume.voxels).all() and result.volume.voxels.std() > 0


def test_a_synthetic_volume_of_a_training_subject_is_what_validation_saw(a_trainer, a_store, tmp_path):
    trainer = a_trainer(tiny_experiment(epochs=1, validation_stride=(2, 2, 2)))
    subject = trainer.subjects.validation[0]
    model = load_model(export(tmp_path, a_store))
    source = Volume(200 + 80 * np.array(subject.channel("T2")), np.diag([0.9375, 0.9375, 3.75, 1.0]))
    expected = synthesize_subject(model.network, subject.channel("T2"), trainer.experiment)
    found = synthesize(source, model, SynthesisOptions(device="cpu")).volume.voxels
    # Up to the target's mean and deviation, which synthesis knows on average only.
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.999


def test_a_run_of_simulated_scans_becomes_a_model_of_its_averaged_weights(an_experiment, a_cache, a_store, tmp_path):
    pairs = read_cache(a_cache)
    trainer = Trainer(an_experiment, pairs, tmp_path / "run")
    record_fit(trainer, data_of_pairs(pairs, an_experiment), {"limitations": "many"})
    trainer.fit(lambda status: None)
    model = export(tmp_path, a_store, name="mine", version="2.0.1", texts={"licence": "MIT"})
    card, weights = model.card, load_model(model).network.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in trainer.average.state_dict().items())
    assert (card.name, card.version, card.licence, card.limitations) == ("mine", "2.0.1", "MIT", "many")
    assert card.training["simulated"] and card.training["subjects"] == 2 and card.training["steps"] == 6
    assert card.figures == [] and card.inference["patch"] is None
    assert card.normalization["kind"] == "robust"


def test_an_unfinished_run_of_simulated_scans_is_not_exported(an_experiment, a_cache, a_store, tmp_path):
    pairs = read_cache(a_cache)
    trainer = Trainer(an_experiment, pairs, tmp_path / "run")
    trainer.save()
    record_fit(trainer, data_of_pairs(pairs, an_experiment), {})
    with pytest.raises(InputError, match="found 0 of 6 steps; resume it first"):
        export(tmp_path, a_store)


def test_an_unfinished_run_over_epochs_is_exported_as_far_as_it_is(a_trainer, a_store, tmp_path):
    a_trainer(tiny_experiment(epochs=9), batches=4)
    assert "epoch 1, the best of 1" in export(tmp_path, a_store).card.training["protocol"]


def test_a_run_without_a_finished_epoch_is_not_exported(a_trainer, a_store, tmp_path):
    a_trainer(tiny_experiment(), batches=1)
    with pytest.raises(MissingFile, match="at least one finished epoch"):
        export(tmp_path, a_store)
    assert not a_store.user_folder.exists()


def test_a_run_that_broke_off_between_best_epoch_and_checkpoint_is_resumed_first(a_trainer, a_store, tmp_path):
    a_trainer(tiny_experiment(epochs=1))
    checkpoint = read_state(tmp_path / "run" / CHECKPOINT, EpochCheckpoint)
    checkpoint.history["figures"].clear()
    write_state(tmp_path / "run" / CHECKPOINT, checkpoint)
    with pytest.raises(InputError, match="expected the figures of epoch 1 in its checkpoint, found none.*resume it"):
        export(tmp_path, a_store)


def test_a_model_that_continues_another_says_so(a_trainer, a_store, tmp_path):
    a_trainer(tiny_experiment(epochs=1))
    best = read_best_epoch(tmp_path / "run")
    continued = dataclasses.replace(best, experiment=best.experiment | {"continues": "g3"})
    write_state(tmp_path / "run" / BEST, continued)
    assert "the best of 1, continued from the best of g3" in export(tmp_path, a_store).card.training["protocol"]


def test_a_folder_of_no_run_or_one_without_a_record_is_told(a_trainer, a_store, tmp_path):
    with pytest.raises(MissingFile, match=r"run.json: expected the record of a run, found none"):
        export(tmp_path, a_store)
    a_trainer(tiny_experiment(epochs=1))
    (tmp_path / "run" / RECORD).unlink()
    with pytest.raises(MissingFile, match="with --resume also for a run that is finished"):
        export(tmp_path, a_store)


def test_a_run_of_an_unknown_kind_is_refused(a_trainer, a_store, tmp_path):
    a_trainer(tiny_experiment(epochs=1))
    dataclasses.replace(read_record(tmp_path / "run"), command="guess").write(tmp_path / "run")
    with pytest.raises(InputError, match="expected a run of fit or train, found one of 'guess'"):
        export(tmp_path, a_store)


def test_a_model_is_not_replaced_unless_it_is_asked_for(a_trainer, a_store, tmp_path):
    a_trainer(tiny_experiment(epochs=1))
    export(tmp_path, a_store)
    with pytest.raises(OutputExists, match="--force replaces it"):
        export(tmp_path, a_store, version="1.0.1")
    assert export(tmp_path, a_store, version="1.0.1", force=True).card.version == "1.0.1"


def test_a_card_that_would_be_none_leaves_nothing(a_trainer, a_store, tmp_path):
    a_trainer(tiny_experiment(epochs=1))
    for options, message in (({"name": "Tiny Model"}, "name"), ({"version": "1"}, "version")):
        with pytest.raises(InputError, match=message) as refusal:
            export(tmp_path, a_store, **options)
        assert refusal.value.code == "bad_card"
    assert not a_store.user_folder.exists()


@pytest.fixture
def a_finished_run(tmp_path, monkeypatch, a_cache):
    """The folder of a run that `fit` made, and a folder of added models that is empty."""
    monkeypatch.setenv("MRSYNTH_MODELS", str(tmp_path / "added"))
    file = tmp_path / "tiny.toml"
    file.write_text(EXPERIMENT, encoding="utf-8")
    assert cli.main(["fit", str(file), str(a_cache), str(tmp_path / "run")]) == 0
    return tmp_path / "run"


def test_the_command_adds_the_model_to_those_that_are_listed(a_finished_run, tmp_path, capsys):
    assert cli.main(["export", str(a_finished_run)]) == 0
    said = capsys.readouterr().out
    assert f"tiny 1.0.0 is in {tmp_path / 'added' / 'tiny'}" in said
    assert "mrsynth synthesize T2.nii.gz PD.nii.gz --model tiny\n" in said
    card = default_store().find("tiny").card
    assert card.intended_use == "tests"  # the experiment's own words
    assert cli.main(["export", str(a_finished_run)]) == 2
    assert "--force replaces it" in capsys.readouterr().err


def test_the_command_writes_elsewhere_under_another_name_with_other_texts(a_finished_run, tmp_path, capsys):
    other = tmp_path / "other.toml"
    other.write_text('[card]\nlicence = "MIT"\nlimitations = """two\nlines"""\n', encoding="utf-8")
    where = ["--models", str(tmp_path / "models"), "--name", "mine", "--model-version", "3.2.1", "--card", str(other)]
    assert cli.main(["export", str(a_finished_run), *where]) == 0
    assert f"--model mine --models {tmp_path / 'models'}" in capsys.readouterr().out
    card = ModelStore([tmp_path / "models"]).find("mine").card
    assert (card.licence, card.limitations, card.intended_use) == ("MIT", "two lines", "tests")


def test_a_name_of_a_shipped_model_is_refused_with_the_way_out(a_finished_run, capsys):
    assert cli.main(["export", str(a_finished_run), "--name", "t2-to-pd"]) == 2
    assert "expected a name no shipped model has" in capsys.readouterr().err
