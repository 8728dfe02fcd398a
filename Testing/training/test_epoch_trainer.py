import dataclasses
import math

import pytest
import torch
from epoch_examples import assert_equal, prepare, read_subjects, shrink_networks, tiny_experiment, with_losses

from mrsynth import cancellation
from mrsynth.errors import InputError, MissingFile, OutputError, OutputExists
from mrsynth_training import epoch_trainer
from mrsynth_training.adversaries import Adversaries
from mrsynth_training.checkpoints import CHECKPOINT, read_state, write_state
from mrsynth_training.epoch_checkpoint import BEST, EpochCheckpoint, read_best_epoch
from mrsynth_training.epoch_trainer import EpochTrainer
from mrsynth_training.run_options import RunOptions
from mrsynth_training.trainer import TrainingDiverged
from mrsynth_training.validation import SubjectFigures

TABLES = ("epochs.csv", "validation.csv")


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    shrink_networks(monkeypatch)


@pytest.fixture
def subjects(tmp_path):
    """Three subjects to train on, 12 patches, and two to validate on."""
    return read_subjects(prepare(tmp_path / "cache"))


@pytest.fixture
def a_trainer(subjects, tmp_path):
    """A function that makes a trainer in a folder of a name."""

    def make(name="run", experiment=None, **options):
        return EpochTrainer(experiment or tiny_experiment(), subjects, RunOptions(tmp_path / name, **options))

    return make


def checkpoint(trainer):
    return read_state(trainer.run.folder / CHECKPOINT, EpochCheckpoint)


def assert_same_state(one, other):
    """Compare all but the time that was spent, to the bit."""
    ours, theirs = (vars(each) | {"history": each.history | {"seconds": 0}} for each in (one, other))
    assert_equal(ours, theirs)


@pytest.mark.parametrize("batches", [1, 3, 5])
def test_an_interrupted_and_resumed_run_equals_an_uninterrupted_one_to_the_bit(a_trainer, batches):
    experiment = tiny_experiment(averaging=0.9, epochs=3)
    whole = a_trainer("whole", experiment)
    assert whole.fit()
    first = a_trainer("halves", experiment)
    assert not first.fit(stop=lambda: first.progress.done == batches)
    torch.manual_seed(99)  # another process would not have the random state that this one has now
    second = a_trainer("halves", experiment, resume=True)
    assert second.progress.done == batches
    assert second.fit()
    assert_same_state(checkpoint(whole), checkpoint(second))
    assert_equal(vars(read_best_epoch(whole.run.folder)), vars(read_best_epoch(second.run.folder)))
    for name in TABLES:
        assert (whole.run.folder / name).read_bytes() == (second.run.folder / name).read_bytes()


def test_a_run_interrupted_while_it_validates_measures_again_and_ends_the_same(a_trainer, monkeypatch):
    monkeypatch.setattr(cancellation, "LOOK_EVERY_S", 0.0)
    whole = a_trainer("whole")
    whole.fit()
    first = a_trainer("halves")
    assert not first.fit(stop=lambda: not first.adversaries.generator.training)
    assert (first.history.epoch, first.history.batch) == (0, 3) and first.adversaries.generator.training
    assert not (first.run.folder / BEST).exists()
    second = a_trainer("halves", resume=True)
    assert second.fit()
    assert_same_state(checkpoint(whole), checkpoint(second))


def test_a_run_that_died_goes_on_from_its_last_checkpoint(a_trainer, monkeypatch):
    whole = a_trainer("whole")
    whole.fit()
    died, update = a_trainer("died", save_every_s=0.0), Adversaries.update

    def die(adversaries, batch):
        if died.progress.done == 4:
            raise KeyboardInterrupt
        return update(adversaries, batch)

    monkeypatch.setattr(Adversaries, "update", die)
    with pytest.raises(KeyboardInterrupt):
        died.fit()
    monkeypatch.setattr(Adversaries, "update", update)
    second = a_trainer("died", resume=True)
    assert second.progress.done == 4
    assert second.fit()
    assert_same_state(checkpoint(whole), checkpoint(second))


def test_a_checkpoint_is_written_as_often_as_asked_and_after_each_epoch(a_trainer, monkeypatch):
    for save_every_s, expected in ((0.0, 6 + 2), (3600.0, 2)):
        saved = []
        trainer = a_trainer(f"every {save_every_s}", save_every_s=save_every_s)
        monkeypatch.setattr(trainer, "save", lambda saved=saved: saved.append(1))
        trainer.fit()
        assert len(saved) == expected


def test_a_time_between_checkpoints_below_zero_is_refused(tmp_path):
    with pytest.raises(InputError, match="from checkpoint to checkpoint of at least 0, found -60"):
        RunOptions(tmp_path, save_every_s=-60.0)


def test_what_a_killed_run_left_of_a_file_is_removed(a_trainer):
    first = a_trainer()
    first.save()
    (first.run.folder / ".0123.partial").touch()
    a_trainer(resume=True)
    assert sorted(path.name for path in first.run.folder.iterdir()) == [CHECKPOINT]


def test_the_random_state_is_part_of_a_checkpoint(a_trainer):
    trainer = a_trainer()
    torch.manual_seed(7)
    trainer.save()
    expected = torch.rand(3)
    torch.manual_seed(8)
    a_trainer(resume=True)
    assert torch.equal(torch.rand(3), expected)


def test_training_lowers_the_loss_and_raises_the_psnr(a_trainer):
    trainer = a_trainer(experiment=with_losses(tiny_experiment(epochs=25, learning_rate=1e-2), adversarial_weight=0.0))
    trainer.fit()
    first, last = trainer.history.epochs[0], trainer.history.epochs[-1]
    assert last["generator_loss"] < 0.7 * first["generator_loss"]
    assert trainer.history.best["psnr_range"] > first["psnr_range"] + 1


def test_the_best_epoch_is_kept_even_if_later_ones_are_worse(a_trainer, monkeypatch):
    psnr, weights = iter((20.0, 25.0, 21.0)), []

    def measure(network, subjects, experiment):
        weights.append([parameter.clone() for parameter in network.parameters()])
        value = next(psnr)
        return [SubjectFigures(subject.subject, 0.1, value, None) for subject in subjects]

    monkeypatch.setattr(epoch_trainer, "validate", measure)
    trainer = a_trainer(experiment=tiny_experiment(epochs=3))
    trainer.fit()
    best = read_best_epoch(trainer.run.folder)
    assert (best.row["epoch"], best.row["psnr_range"]) == (2, 25.0)
    kept = [best.generator[name] for name, _ in trainer.adversaries.generator.named_parameters()]
    assert all(torch.equal(a, b) for a, b in zip(kept, weights[1], strict=True))
    assert set(best.discriminator) == set(trainer.adversaries.networks["discriminator"].state_dict())


def test_a_run_ends_early_when_waiting_brings_nothing(a_trainer, monkeypatch):
    psnr = iter((20.0, 25.0, 24.0, 25.0, 26.0))

    def measure(network, subjects, experiment):
        value = next(psnr)
        return [SubjectFigures(subject.subject, 0.1, value, None) for subject in subjects]

    monkeypatch.setattr(epoch_trainer, "validate", measure)
    trainer = a_trainer(experiment=tiny_experiment(epochs=9, patience=2))
    assert trainer.fit()
    assert trainer.history.epoch == 4 and trainer.finished
    assert a_trainer(experiment=tiny_experiment(epochs=9, patience=2), resume=True).finished


def test_the_average_of_the_weights_is_what_is_validated_and_kept(a_trainer):
    trainer = a_trainer(experiment=tiny_experiment(averaging=0.9, epochs=1))
    trainer.fit()
    best, current = read_best_epoch(trainer.run.folder).generator, trainer.adversaries.generator.state_dict()
    assert_equal(dict(best), dict(trainer.average.state_dict()))
    assert not torch.equal(best["layers.0.convolution.weight"], current["layers.0.convolution.weight"])


def test_each_mini_batch_is_told_with_losses_and_time_left(a_trainer):
    told = []
    a_trainer().fit(told.append)
    assert [status.progress.done for status in told] == [1, 2, 3, 4, 5, 6]
    assert set(told[0].losses) == {"generator", "discriminator", "reconstruction", "adversarial", "gradient"}
    assert told[0].best is None and told[3].best["epoch"] == 1
    assert told[2].eta_s > 0 and told[-1].eta_s == 0


def test_a_run_over_epochs_is_not_overwritten_without_asking(a_trainer):
    a_trainer().save()
    with pytest.raises(OutputExists, match="holds a run already"):
        a_trainer()


def test_resuming_a_folder_without_a_run_is_refused(a_trainer):
    with pytest.raises(MissingFile, match="the checkpoint of a run"):
        a_trainer("nowhere", resume=True)


def test_an_option_that_is_younger_than_the_run_is_no_change(a_trainer):
    trainer = a_trainer()
    trainer.save()
    older = checkpoint(trainer)
    older.experiment.pop("discriminator")
    write_state(trainer.run.folder / CHECKPOINT, older)
    assert a_trainer(resume=True).progress.done == 0
    changed = dataclasses.replace(tiny_experiment(), discriminator={"dense_units": [8]})
    with pytest.raises(InputError, match=r"discriminator.dense_units: expected \[8\], found None"):
        a_trainer(experiment=changed, resume=True)


def test_resuming_a_changed_experiment_says_what_changed(a_trainer):
    a_trainer().save()
    changed = with_losses(tiny_experiment(epochs=5), reconstruction="L1")
    with pytest.raises(InputError) as refusal:
        a_trainer(experiment=changed, resume=True)
    assert "losses.reconstruction: expected 'L1', found 'L2'; schedule.epochs: expected 5, found 2" in str(
        refusal.value
    )


def test_resuming_on_other_subjects_is_refused(a_trainer, subjects, tmp_path):
    a_trainer().save()
    fewer = dataclasses.replace(subjects, train=subjects.train[:2])
    with pytest.raises(InputError, match=r"subjects changed since .*train: expected \['P0', 'P1'\], found"):
        EpochTrainer(tiny_experiment(), fewer, RunOptions(tmp_path / "run", resume=True))


def test_a_loss_that_is_no_number_stops_with_its_place_and_leaves_the_checkpoint(a_trainer, monkeypatch):
    trainer = a_trainer()
    trainer.fit(stop=lambda: trainer.progress.done == 4)
    before = checkpoint(trainer)

    def diverge(adversaries, batch):
        raise TrainingDiverged("expected finite losses")

    monkeypatch.setattr(Adversaries, "update", diverge)
    with pytest.raises(TrainingDiverged, match="epoch 2, mini-batch 2: expected finite losses; a lower learning rate"):
        trainer.fit()
    assert_same_state(before, checkpoint(trainer))


def test_a_psnr_that_is_no_number_stops_the_run(a_trainer, monkeypatch):
    figures = [SubjectFigures("P3", math.nan, math.nan, None)]
    monkeypatch.setattr(epoch_trainer, "validate", lambda *_: figures)
    with pytest.raises(TrainingDiverged, match="epoch 1: expected a mean validation PSNR"):
        a_trainer().fit()


def test_a_full_disk_is_told_and_leaves_the_last_checkpoint(a_trainer):
    resource = pytest.importorskip("resource")  # not on Windows
    trainer = a_trainer()
    trainer.save()
    before = (trainer.run.folder / CHECKPOINT).read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limit[1]))
    try:
        with pytest.raises(OutputError, match="full disk") as refusal:
            trainer.fit()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert refusal.value.code == "disk_full"
    assert (trainer.run.folder / CHECKPOINT).read_bytes() == before
    assert [path.name for path in trainer.run.folder.iterdir()] == [CHECKPOINT]
