"""Training of networks that are told echo and repetition times, look for lesions and estimate their error."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from mrsynth.errors import InputError
from mrsynth.timing import TimingRanges
from mrsynth_training import patch_sampler
from mrsynth_training import trainer as trainer_module
from mrsynth_training.checkpoints import Checkpoint, read_checkpoint
from mrsynth_training.experiments import Experiment
from mrsynth_training.losses import error_estimate_loss, lesion_emphasis, reconstruction_loss
from mrsynth_training.pair_cache import CHANNELS, LESIONS, CachedPair, read_cache
from mrsynth_training.patch_sampler import PatchSampler
from mrsynth_training.trainer import Trainer, TrainingDiverged

RANGES = TimingRanges((60.0, 130.0), (1800.0, 10000.0), (6.0, 35.0), 8.0)
USUAL = RANGES.conditions(patch_sampler.Timing())[-1]


@pytest.fixture
def a_told_experiment(an_experiment):
    """The tiny experiment, of a network that is told times and estimates its error."""
    configuration = {**an_experiment.network["configuration"], "conditions": 5, "estimates_error": True}
    network = {**an_experiment.network, "configuration": configuration}
    return dataclasses.replace(an_experiment, network=network, timing=RANGES)


@pytest.fixture
def a_numbered_pair():
    """A scan whose channels hold their numbers, counted from 1."""
    voxels = np.stack([np.full((32, 32, 8), 1 + number, np.float16) for number in range(len(CHANNELS))])
    protocol = {"tr_ms": 4000.0, "te_pd_ms": 12.0, "te_t2_ms": 90.0}
    asked = {"tr_ms": 4000.0, "te_pd_ms": 30.0, "te_t2_ms": 70.0}
    return CachedPair(voxels, {}, {"protocol": protocol, "asked": asked})


@pytest.fixture
def exact(monkeypatch):
    """Sources are not changed in scale."""
    monkeypatch.setattr(patch_sampler, "GAIN_JITTER", 0.0)
    monkeypatch.setattr(patch_sampler, "OFFSET_JITTER", 0.0)


def told_batches(experiment, pair, steps=40):
    sampler = PatchSampler([pair], experiment)
    return [sampler.batch(step) for step in range(steps)]


def test_a_patch_goes_with_the_echo_time_that_it_is_asked_at(a_told_experiment, a_numbered_pair, exact):
    targets = {1 + CHANNELS.index("pd_target"): USUAL, 1 + CHANNELS.index("pd_asked"): None}
    found = set()
    for batch in told_batches(a_told_experiment, a_numbered_pair):
        for target, told in zip(batch.target, batch.conditions, strict=True):
            number = int(target.unique())
            asked = RANGES.conditions(patch_sampler.Timing(target_te_ms=30.0))[-1]
            assert float(told[-1]) == pytest.approx(asked if targets[number] is None else USUAL, abs=1e-6)
            found.add(number)
    assert found == set(targets)


def test_a_network_is_told_the_times_of_its_source_now_and_then(a_told_experiment, a_numbered_pair):
    rows = torch.cat([batch.conditions for batch in told_batches(a_told_experiment, a_numbered_pair)])
    known = RANGES.conditions(patch_sampler.Timing(90.0, 4000.0))
    for place in (0, 2):  # TE, TR
        flags = rows[:, place + 1]
        assert 0.2 < float(flags.mean()) < 0.8 and set(flags.tolist()) == {0.0, 1.0}
        assert torch.allclose(rows[flags == 1, place], torch.tensor(known[place]))
        assert (rows[flags == 0, place] == 0).all()
    assert set(rows[:, 1].tolist()) == set(rows[:, 3].tolist()) == {0.0, 1.0}


def test_patches_are_drawn_around_lesions_as_often_as_asked(an_experiment):
    voxels = np.ones((len(CHANNELS), 64, 64, 16), np.float16)
    voxels[LESIONS] = 0
    voxels[LESIONS, 60, 60, 14] = 1
    pair = CachedPair(voxels, {}, {})
    shares = {}
    for wanted in (0.0, 1.0):
        options = dataclasses.replace(an_experiment.optimization, lesion_patches=wanted)
        sampler = PatchSampler([pair], dataclasses.replace(an_experiment, optimization=options))
        lesions = torch.cat([sampler.batch(step).lesions for step in range(30)])
        shares[wanted] = float((lesions.amax(dim=(1, 2, 3, 4)) == 1).float().mean())
    assert shares[0.0] < 0.5 and shares[1.0] == 1.0


def test_voxels_of_lesions_count_as_much_more_as_they_should():
    ours, theirs = torch.rand(2, 1, 6, 5, 4), torch.rand(2, 1, 6, 5, 4)
    emphasis = torch.zeros_like(ours)
    emphasis[0, 0, 1, 2, 3] = 4.0
    plain = float(reconstruction_loss(ours, theirs, 0.0))
    difference = float((ours - theirs)[0, 0, 1, 2, 3].abs())
    expected = plain + 4 * difference / ours.numel()
    assert float(reconstruction_loss(ours, theirs, 0.0, emphasis=emphasis)) == pytest.approx(expected, rel=1e-5)


def test_a_lesion_that_comes_out_too_dark_counts_more_than_one_too_bright():
    lesions = torch.tensor([0.0, 0.5, 1.0, 1.0, 1.0])
    synthetic, target = torch.tensor([[1.0, 1.0, 1.0, 2.0, 3.0], [2.0, 2.0, 2.0, 2.0, 2.0]])
    emphasis = lesion_emphasis(synthetic, target, lesions, weight=4.0, faint_weight=12.0)
    torch.testing.assert_close(emphasis, torch.tensor([0.0, 8.0, 16.0, 4.0, 4.0]))
    torch.testing.assert_close(lesion_emphasis(synthetic, target, lesions, 4.0), 4 * lesions)
    torch.testing.assert_close(lesion_emphasis(synthetic, target, lesions, 0.0, 12.0), emphasis - 4 * lesions)
    assert lesion_emphasis(synthetic, target, lesions, 0.0) is None


def test_an_estimate_learns_the_error_and_not_the_reverse():
    estimate, synthetic = torch.full((1, 1, 2, 2, 2), 0.5, requires_grad=True), torch.ones(1, 1, 2, 2, 2)
    synthetic.requires_grad_()
    loss = error_estimate_loss(estimate, synthetic, torch.zeros(1, 1, 2, 2, 2))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.25) and (estimate.grad < 0).all() and synthetic.grad is None


def test_a_network_that_is_told_times_is_trained_and_resumed_alike(a_told_experiment, a_cache, tmp_path):
    pairs = read_cache(a_cache)
    whole = Trainer(a_told_experiment, pairs, tmp_path / "whole")
    whole.fit(lambda status: None)
    half = Trainer(a_told_experiment, pairs, tmp_path / "half")
    half.fit(lambda status: None, stop=lambda: half.step == 3)
    rest = Trainer(a_told_experiment, pairs, tmp_path / "half", resume=True)
    rest.fit(lambda status: None)
    ours, theirs = whole.average.state_dict(), rest.average.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert not torch.equal(ours["modulation.out.weight"], torch.zeros_like(ours["modulation.out.weight"]))


def test_an_experiment_with_times_survives_its_document(a_told_experiment):
    assert Experiment.from_dict(a_told_experiment.to_dict()) == a_told_experiment


def test_times_and_network_have_to_agree(an_experiment, a_told_experiment):
    with pytest.raises(InputError, match="a network of 5 conditions, as timing says, found 0"):
        dataclasses.replace(an_experiment, timing=RANGES)
    with pytest.raises(InputError, match="a network of 0 conditions, as timing says, found 5"):
        dataclasses.replace(a_told_experiment, timing=None)


def test_scans_of_an_earlier_version_are_refused(a_cache):
    array = next(a_cache.glob("pair_*.npy"))
    np.save(array, np.load(array)[:4])
    with pytest.raises(InputError, match="expected 7 channels, found 4; simulate the scans again"):
        read_cache(a_cache)


@pytest.fixture
def a_continued_experiment(an_experiment):
    return dataclasses.replace(an_experiment, continues="tiny-stage-1")


def test_a_run_can_begin_with_the_weights_of_another(an_experiment, a_continued_experiment, a_cache, tmp_path):
    pairs = read_cache(a_cache)
    first = Trainer(an_experiment, pairs, tmp_path / "first")
    first.fit(lambda status: None)
    second = Trainer(a_continued_experiment, pairs, tmp_path / "second")
    second.start_from(first.average.state_dict())
    for network in (second.network, second.average):
        ours, theirs = network.state_dict(), first.average.state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def with_start_share(experiment, share):
    return dataclasses.replace(experiment, optimization=dataclasses.replace(experiment.optimization, start_share=share))


def test_a_share_of_the_weights_it_began_with_is_exported(an_experiment, a_continued_experiment, a_cache, tmp_path):
    pairs, exported = read_cache(a_cache), {}
    beginning = Trainer(an_experiment, pairs, tmp_path / "first").network.state_dict()
    for share in (0.0, 0.25):
        run = tmp_path / str(share)
        trainer = Trainer(with_start_share(a_continued_experiment, share), pairs, run)
        trainer.start_from(beginning)
        trainer.fit(lambda status: None, stop=lambda trainer=trainer: trainer.step == 3)
        resumed = Trainer(with_start_share(a_continued_experiment, share), pairs, run, resume=True)
        resumed.fit(lambda status: None)
        exported[share] = read_checkpoint(run).exported()
        assert all(
            torch.equal(value, resumed.average.state_dict()[name]) == (share == 0)
            for name, value in exported[share].items()
            if not torch.equal(value, beginning[name])
        )
    for name, value in exported[0.25].items():
        torch.testing.assert_close(value, 0.75 * exported[0.0][name] + 0.25 * beginning[name])


def test_what_only_counts_is_exported_as_it_is():
    weights = [{"weight": torch.tensor([each]), "batches": torch.tensor(int(each))} for each in (4.0, 8.0)]
    checkpoint = Checkpoint({"optimization": {"start_share": 0.25}}, 3, 1.0, {}, weights[0], {}, weights[1])
    assert checkpoint.exported() == {"weight": torch.tensor([5.0]), "batches": torch.tensor(4)}


def test_a_share_of_no_beginning_is_refused(an_experiment):
    with pytest.raises(InputError, match="expected a model to continue, of whose weights a share is kept"):
        with_start_share(an_experiment, 0.5)


def test_weights_of_another_network_are_no_beginning(an_experiment, a_told_experiment, a_cache, tmp_path):
    pairs = read_cache(a_cache)
    told = Trainer(a_told_experiment, pairs, tmp_path / "told")
    trainer, wrong = Trainer(an_experiment, pairs, tmp_path / "run"), told.average.state_dict()
    before = {name: weights.clone() for name, weights in trainer.network.state_dict().items()}
    with pytest.raises(InputError, match=r"^the weights to start tiny from: .*modulation.* \(and 5 more\)$") as refused:
        trainer.start_from(wrong)
    assert refused.value.code == "bad_weights"
    assert all(torch.equal(before[name], weights) for name, weights in trainer.network.state_dict().items())


def test_a_continued_run_is_resumed_from_its_own_checkpoint(an_experiment, a_continued_experiment, a_cache, tmp_path):
    pairs, runs = read_cache(a_cache), {}
    first = Trainer(an_experiment, pairs, tmp_path / "first")
    first.fit(lambda status: None)
    for name, stop in (("whole", 6), ("half", 3)):
        runs[name] = Trainer(a_continued_experiment, pairs, tmp_path / name)
        runs[name].start_from(first.average.state_dict())
        runs[name].fit(lambda status: None, stop=lambda: runs[name].step == stop)  # noqa: B023, used within the turn
    rest = Trainer(a_continued_experiment, pairs, tmp_path / "half", resume=True)
    assert rest.step == 3 and rest.fit(lambda status: None)
    ours, theirs = (each.average.state_dict() for each in (runs["whole"], rest))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_an_experiment_says_only_what_it_has(an_experiment, a_continued_experiment):
    assert not {"timing", "continues"} & set(an_experiment.to_dict())
    assert Experiment.from_dict(a_continued_experiment.to_dict()) == a_continued_experiment


@pytest.mark.parametrize("table", ["simulation", "optimization"])
def test_a_seed_below_zero_is_refused(an_experiment, table):
    with pytest.raises(InputError, match="expected a seed of at least 0, found -1"):
        dataclasses.replace(getattr(an_experiment, table), seed=-1)


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("simulation", {"ixi_share": 1.1}, "a share from 0 to 1, found 1.1"),
        ("simulation", {"wide_share": -0.1}, "a share from 0 to 1, found -0.1"),
        ("optimization", {"lesion_patches": 2.0}, "a share from 0 to 1, found 2.0"),
        ("optimization", {"start_share": -0.5}, "a share from 0 to 1, found -0.5"),
        ("optimization", {"lesion_weight": -1.0}, "weights of at least 0"),
        ("optimization", {"faint_weight": -1.0}, "weights of at least 0"),
        ("optimization", {"error_weight": -1.0}, "weights of at least 0"),
    ],
)
def test_options_out_of_their_range_are_refused(an_experiment, table, change, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(getattr(an_experiment, table), **change)


def test_patches_come_from_the_device_that_they_are_wanted_on(an_experiment, a_told_experiment, a_numbered_pair):
    elsewhere = torch.device("meta")
    channels = {name: CHANNELS.index(name) for name in CHANNELS}
    needed = {channels["t2"], channels["pd_target"], channels["lesions"]}
    plain, told = (PatchSampler([a_numbered_pair], each, elsewhere) for each in (an_experiment, a_told_experiment))
    assert set(plain.voxels[0]) == needed and set(told.voxels[0]) == needed | {channels["pd_asked"]}
    batch = told.batch(0)
    for each in (batch.source, batch.target, batch.lesions, batch.conditions, *told.voxels[0].values()):
        assert each.device == elsewhere
    assert batch.source.shape == (2, 1, 16, 16, 4) and plain.batch(0).conditions is None


def test_a_network_and_its_average_are_where_they_are_trained(an_experiment, a_cache, tmp_path):
    trainer = Trainer(an_experiment, read_cache(a_cache), tmp_path / "run", device=torch.device("meta"))
    for network in (trainer.network, trainer.average):
        assert {parameter.device.type for parameter in network.parameters()} == {"meta"}
    assert trainer.sampler.device.type == "meta"


def test_the_losses_of_a_gpu_are_looked_at_now_and_then(an_experiment, a_cache, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer_module, "REPORT_EVERY", 4)
    looks, reports = [], []
    monkeypatch.setattr(Trainer, "_require_finite", lambda self, _: looks.append(self.step))
    for kind, expected in (("cpu", [1, 2, 3, 4, 5, 6, 6]), ("cuda", [4, 6])):
        looks.clear()
        trainer = Trainer(an_experiment, read_cache(a_cache), tmp_path / kind)
        trainer._train_step = lambda trainer=trainer: (setattr(trainer, "step", trainer.step + 1), torch.tensor(1.0))[1]
        trainer.device = torch.device(kind)
        trainer.fit(lambda status: reports.append(status.step))
        assert looks == expected
    assert reports == [4, 4]


def test_a_loss_of_a_gpu_that_is_no_number_is_told_with_its_step_and_not_saved(
    an_experiment, a_cache, tmp_path, monkeypatch
):
    monkeypatch.setattr(trainer_module, "REPORT_EVERY", 4)
    trainer = Trainer(an_experiment, read_cache(a_cache), tmp_path / "run")

    def step():
        trainer.step += 1
        return torch.tensor(math.nan if trainer.step == 3 else 1.0)

    trainer._train_step, trainer.device = step, torch.device("cuda")
    with pytest.raises(TrainingDiverged, match="step 2: expected a finite loss, found nan"):
        trainer.fit(lambda status: None)
    assert not (tmp_path / "run" / "checkpoint.pt").exists()
