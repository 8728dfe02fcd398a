import dataclasses
import math

import numpy as np
import pytest
import torch

from mrsynth.errors import InputError, MissingFile, OutputExists
from mrsynth_training import trainer as trainer_module
from mrsynth_training.checkpoints import CHECKPOINT, read_checkpoint
from mrsynth_training.experiments import OptimizationOptions
from mrsynth_training.losses import absolute_gradient_difference, reconstruction_loss
from mrsynth_training.pair_cache import CHANNELS, CachedPair, read_cache
from mrsynth_training.patch_sampler import PatchSampler
from mrsynth_training.trainer import Trainer, TrainingDiverged, learning_rate


def ignore(status):
    pass


def test_a_run_lowers_its_loss(an_experiment, with_steps, a_cache, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer_module, "REPORT_EVERY", 10)
    losses = []
    assert Trainer(with_steps(60), read_cache(a_cache), tmp_path / "run").fit(lambda status: losses.append(status.loss))
    assert losses[-1] < 0.7 * losses[0]


def test_a_weight_of_faint_lesions_changes_what_is_learned(with_steps, a_cache, tmp_path):
    learned = []
    for weight in (0.0, 50.0):
        experiment = with_steps(3)
        options = dataclasses.replace(experiment.optimization, faint_weight=weight, lesion_patches=1.0)
        trainer = Trainer(
            dataclasses.replace(experiment, optimization=options), read_cache(a_cache), tmp_path / f"{weight}"
        )
        trainer.fit(ignore)
        learned.append(torch.cat([value.flatten() for value in trainer.network.parameters()]))
    assert not torch.equal(*learned)


def test_an_interrupted_and_resumed_run_equals_an_uninterrupted_one(an_experiment, a_cache, tmp_path):
    pairs = read_cache(a_cache)
    Trainer(an_experiment, pairs, tmp_path / "whole").fit(ignore)
    halves = Trainer(an_experiment, pairs, tmp_path / "halves")
    assert not halves.fit(ignore, stop=lambda: halves.step == 3)
    assert Trainer(an_experiment, pairs, tmp_path / "halves", resume=True).fit(ignore)
    whole, halves = read_checkpoint(tmp_path / "whole"), read_checkpoint(tmp_path / "halves")
    assert whole.step == halves.step == 6
    for name in ("network", "average"):
        ours, theirs = getattr(whole, name), getattr(halves, name)
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_run_is_not_overwritten_without_asking(an_experiment, a_cache, tmp_path):
    Trainer(an_experiment, read_cache(a_cache), tmp_path / "run").save()
    with pytest.raises(OutputExists, match="holds a run already"):
        Trainer(an_experiment, read_cache(a_cache), tmp_path / "run")


def test_what_a_killed_run_left_of_a_file_is_removed_when_it_goes_on(an_experiment, a_cache, tmp_path):
    Trainer(an_experiment, read_cache(a_cache), tmp_path / "run").save()
    (tmp_path / "run" / ".0123.partial").touch()
    Trainer(an_experiment, read_cache(a_cache), tmp_path / "run", resume=True)
    assert [path.name for path in (tmp_path / "run").iterdir()] == [CHECKPOINT]


def test_resuming_nothing_is_refused(an_experiment, a_cache, tmp_path):
    with pytest.raises(MissingFile, match="the checkpoint of a run"):
        Trainer(an_experiment, read_cache(a_cache), tmp_path / "run", resume=True)


def test_a_changed_experiment_cannot_resume(an_experiment, with_steps, a_cache, tmp_path):
    Trainer(an_experiment, read_cache(a_cache), tmp_path / "run").save()
    with pytest.raises(InputError, match="another configuration"):
        Trainer(with_steps(7), read_cache(a_cache), tmp_path / "run", resume=True)


def test_a_damaged_checkpoint_is_refused(an_experiment, a_cache, tmp_path):
    Trainer(an_experiment, read_cache(a_cache), tmp_path / "run").save()
    checkpoint = tmp_path / "run" / CHECKPOINT
    checkpoint.write_bytes(checkpoint.read_bytes()[:500])
    with pytest.raises(InputError, match="damaged"):
        read_checkpoint(tmp_path / "run")


def test_weights_that_are_no_numbers_are_never_saved(an_experiment, a_cache, tmp_path):
    trainer = Trainer(an_experiment, read_cache(a_cache), tmp_path / "run")
    trainer.save()
    with torch.no_grad():
        trainer.network.skip.fill_(math.nan)
    with pytest.raises(TrainingDiverged, match="step 0: expected finite weights"):
        trainer.save()
    assert math.isfinite(read_checkpoint(tmp_path / "run").network["skip"])


def test_a_loss_that_is_no_number_stops_the_run(an_experiment, a_cache, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer_module, "reconstruction_loss", lambda *_: torch.tensor(math.nan, requires_grad=True))
    with pytest.raises(TrainingDiverged, match="step 0: expected a finite loss"):
        Trainer(an_experiment, read_cache(a_cache), tmp_path / "run").fit(ignore)


def test_the_rate_rises_to_its_peak_and_falls_to_nothing():
    options = OptimizationOptions(steps=100, batch_size=1, patch=(8, 8, 4), peak_rate=0.01, warmup=0.1)
    rates = [learning_rate(step, options) for step in range(100)]
    assert np.argmax(rates) == 9
    assert rates[9] == pytest.approx(0.01, rel=1e-3)
    assert rates[-1] < 1e-5


def test_the_average_of_the_weights_lags_behind_them(an_experiment, a_cache, tmp_path):
    trainer = Trainer(an_experiment, read_cache(a_cache), tmp_path / "run")
    trainer.fit(ignore)
    assert not torch.equal(trainer.average.skip, trainer.network.skip)


def test_a_batch_follows_from_seed_and_step_alone(an_experiment, a_cache):
    pairs = read_cache(a_cache)
    one, other = PatchSampler(pairs, an_experiment), PatchSampler(pairs, an_experiment)
    one.batch(0)
    ours, theirs = one.batch(4), other.batch(4)
    assert torch.equal(ours.source, theirs.source) and torch.equal(ours.target, theirs.target)
    assert not torch.equal(one.batch(4).source, one.batch(5).source)


def test_sources_and_targets_are_the_experiments_contrasts(an_experiment, monkeypatch):
    monkeypatch.setattr("mrsynth_training.patch_sampler.GAIN_JITTER", 0.0)
    monkeypatch.setattr("mrsynth_training.patch_sampler.OFFSET_JITTER", 0.0)
    voxels = np.stack([np.full((16, 16, 4), 1 + number, np.float16) for number in range(len(CHANNELS))])
    pair = CachedPair(voxels, {}, {})
    batch = PatchSampler([pair], an_experiment).batch(0)
    assert batch.source.shape == batch.target.shape == (2, 1, 16, 16, 4) and batch.conditions is None
    assert (float(batch.source.unique()), float(batch.target.unique())) == (1.0, 4.0)
    reverse = dataclasses.replace(an_experiment, source_contrast="PD", target_contrast="T2")
    batch = PatchSampler([pair], reverse).batch(0)
    assert (float(batch.source.unique()), float(batch.target.unique())) == (2.0, 3.0)


def test_source_and_target_are_mirrored_alike(an_experiment, monkeypatch):
    monkeypatch.setattr("mrsynth_training.patch_sampler.GAIN_JITTER", 0.0)
    monkeypatch.setattr("mrsynth_training.patch_sampler.OFFSET_JITTER", 0.0)
    image = np.random.default_rng(0).uniform(1, 2, (16, 16, 4)).astype(np.float16)
    sampler = PatchSampler([CachedPair(np.stack([image] * len(CHANNELS)), {}, {})], an_experiment)
    batches = [sampler.batch(step) for step in range(8)]
    assert all(torch.equal(batch.source, batch.target) for batch in batches)
    assert len({float(batch.source[0, 0, 0, 0, 0]) for batch in batches}) > 1


def test_scans_smaller_than_a_patch_are_no_use(an_experiment):
    pair = CachedPair(np.ones((len(CHANNELS), 8, 8, 2), np.float16), {}, {})
    with pytest.raises(InputError, match=r"at least one patch of \(16, 16, 4\)"):
        PatchSampler([pair], an_experiment)


def test_losses_are_the_ones_numpy_gives():
    random = np.random.default_rng(0)
    ours, theirs = random.normal(size=(2, 2, 1, 6, 5, 4)).astype(np.float32)
    gradient = sum(np.abs(np.diff(ours, axis=a) - np.diff(theirs, axis=a)).mean() for a in (2, 3))
    tensors = torch.from_numpy(ours), torch.from_numpy(theirs)
    assert float(absolute_gradient_difference(*tensors)) == pytest.approx(gradient, rel=1e-5)
    expected = np.abs(ours - theirs).mean()
    assert float(reconstruction_loss(*tensors, 0.0)) == pytest.approx(expected, rel=1e-5)
    assert float(reconstruction_loss(*tensors, 0.2)) == pytest.approx(expected + 0.2 * gradient, rel=1e-5)
    squared = np.square(ours - theirs).mean()
    assert float(reconstruction_loss(*tensors, 0.0, 0.5)) == pytest.approx(expected + 0.5 * squared, rel=1e-5)


def test_half_precision_is_the_convolutions_alone(an_experiment, a_cache, tmp_path):
    halved = dataclasses.replace(an_experiment.optimization, precision="bfloat16")
    runs = [
        dataclasses.replace(an_experiment, optimization=options) for options in (an_experiment.optimization, halved)
    ]
    trainers = [Trainer(each, read_cache(a_cache), tmp_path / each.optimization.precision) for each in runs]
    for trainer in trainers:
        assert trainer.fit(ignore)
        assert all(weights.dtype == torch.float32 for weights in trainer.network.state_dict().values())
    full, half = (torch.cat([w.flatten() for w in each.average.state_dict().values()]) for each in trainers)
    assert not torch.equal(full, half)
    torch.testing.assert_close(full, half, atol=0.02, rtol=0)
