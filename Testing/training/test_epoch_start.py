import dataclasses

import pytest
from epoch_examples import assert_equal, prepare, read_subjects, shrink_networks, tiny_experiment, with_losses

from mrsynth.errors import InputError, MissingFile
from mrsynth_training.epoch_checkpoint import read_best_epoch
from mrsynth_training.epoch_trainer import EpochTrainer
from mrsynth_training.run_options import RunOptions


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    shrink_networks(monkeypatch)


@pytest.fixture
def subjects(tmp_path):
    return read_subjects(prepare(tmp_path / "cache"))


@pytest.fixture
def a_trainer(subjects, tmp_path):
    """A function that makes a trainer in a folder of a name."""

    def make(name, experiment=None, **options):
        return EpochTrainer(experiment or tiny_experiment(), subjects, RunOptions(tmp_path / name, **options))

    return make


def test_g4_starts_from_the_best_epoch_of_g3(a_trainer, tmp_path):
    g3 = a_trainer("g3")
    g3.fit()
    g4 = with_losses(dataclasses.replace(tiny_experiment(), name="g4", continues="tiny"), reconstruction="L1")
    trainer, best = a_trainer("g4", g4, start=tmp_path / "g3"), read_best_epoch(tmp_path / "g3")
    assert_equal(dict(trainer.adversaries.generator.state_dict()), dict(best.generator))
    assert_equal(dict(trainer.adversaries.networks["discriminator"].state_dict()), dict(best.discriminator))
    assert not trainer.adversaries.optimizers["generator"].state
    assert trainer.fit()
    assert a_trainer("g4", g4, resume=True).finished  # with no need of the run that it began from


def test_a_generator_trained_alone_meets_a_fresh_discriminator(a_trainer, tmp_path):
    a_trainer("g1", with_losses(tiny_experiment(), adversarial_weight=0.0)).fit()
    g2 = dataclasses.replace(tiny_experiment(), name="g2", continues="tiny")
    assert a_trainer("g2", g2, start=tmp_path / "g1").fit()


def test_a_start_that_does_not_suit_is_refused(a_trainer, subjects, tmp_path):
    a_trainer("tiny").fit()
    other = dataclasses.replace(tiny_experiment(), name="g4", continues="g3")
    with pytest.raises(InputError, match="experiment with the name g3, found tiny"):
        a_trainer("g4", other, start=tmp_path / "tiny")
    turned = dataclasses.replace(other, continues="tiny", source_contrast="PD", target_contrast="T2")
    with pytest.raises(InputError, match="the source_contrast PD, found T2"):
        a_trainer("g4", turned, start=tmp_path / "tiny")
    plain = dataclasses.replace(
        other, continues="tiny", network={"name": "paper-generator", "configuration": {"residual": False}}
    )
    with pytest.raises(InputError, match="the network .*False"):
        a_trainer("g4", plain, start=tmp_path / "tiny")
    with pytest.raises(MissingFile, match="at least one finished epoch"):
        a_trainer("g4", other, start=tmp_path)
    with pytest.raises(InputError, match="expected a run of g3 to start g4 from, found None"):
        a_trainer("g4", other)
    with pytest.raises(InputError, match="expected no run to start tiny from"):
        a_trainer("again", start=tmp_path / "tiny")


def test_a_start_that_saw_the_subjects_it_would_be_judged_on_is_refused(a_trainer, subjects, tmp_path):
    a_trainer("tiny").fit()
    swapped = dataclasses.replace(subjects, train=subjects.validation, validation=subjects.train)
    g4 = dataclasses.replace(tiny_experiment(), name="g4", continues="tiny")
    with pytest.raises(InputError, match="same training part, found 3 others, such as P0"):
        EpochTrainer(g4, swapped, RunOptions(tmp_path / "g4", start=tmp_path / "tiny"))
