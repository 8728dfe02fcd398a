import copy
import dataclasses

import numpy as np
import pytest
import torch
from epoch_examples import PATCH, shrink_networks, tiny_experiment, with_losses
from torch import nn

from mrsynth.errors import InputError
from mrsynth_training import adversaries as adversaries_module
from mrsynth_training.adversaries import Adversaries
from mrsynth_training.patch_batches import PatchBatch
from mrsynth_training.process_group import ProcessGroup
from mrsynth_training.trainer import TrainingDiverged

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    shrink_networks(monkeypatch)


@pytest.fixture
def in_double_precision():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def a_batch(size=5, seed=0):
    source, target = np.random.default_rng(seed).normal(size=(2, size, 1, *PATCH)).astype(np.float32)
    real = torch.arange(size) < (size + 1) // 2
    return PatchBatch(torch.from_numpy(source), torch.from_numpy(target), real, size)


def adversaries(experiment):
    return Adversaries(experiment, CPU, ProcessGroup())


class HandWrittenAdam:
    """D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1."""

    def __init__(self, network):
        self.parameters = list(network.parameters())
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]
        self.time = 0

    @torch.no_grad()
    def descend(self, gradients):
        self.time += 1
        for p, g, m, v in zip(self.parameters, gradients, self.first, self.second, strict=True):
            m.mul_(0.9).add_(0.1 * g)
            v.mul_(0.999).add_(0.001 * g * g)
            p -= 1e-3 * (m / (1 - 0.9**self.time)) / ((v / (1 - 0.999**self.time)).sqrt() + 1e-7)


def reference_steps(generator, discriminator, batches):
    """The report's two updates, written out with the smallest set of tools; returns the losses of the last."""
    of_d, of_g = HandWrittenAdam(discriminator), HandWrittenAdam(generator)
    for batch in batches:
        x, y, half = batch.source.double(), batch.target.double(), int(batch.real.sum())
        synthetic = generator.layer_by_layer(x) + x
        real_answers = discriminator(x[:half], y[:half])
        other_answers = discriminator(x[half:], synthetic[half:].detach())
        loss_d = -torch.log(real_answers).mean() - torch.log(1 - other_answers).mean()
        of_d.descend(torch.autograd.grad(loss_d, of_d.parameters))
        adversarial = -torch.log(discriminator(x, synthetic)).mean()
        gradients = sum(((y.diff(dim=a).abs() - synthetic.diff(dim=a).abs()) ** 2).mean() for a in (2, 3))
        loss_g = 0.5 * adversarial + ((synthetic - y) ** 2).mean() + gradients
        of_g.descend(torch.autograd.grad(loss_g, of_g.parameters))
    return {"discriminator": loss_d, "generator": loss_g, "adversarial": adversarial, "gradient": gradients}


def test_steps_of_both_networks_agree_with_hand_written_ones(in_double_precision):
    ours = adversaries(tiny_experiment())
    generator, discriminator = (copy.deepcopy(ours.networks[name]) for name in ("generator", "discriminator"))
    batches = [a_batch(seed=seed) for seed in range(3)]
    expected = reference_steps(generator, discriminator, batches)
    for batch in batches:
        losses = ours.update(batch)
    assert {name: losses[name] for name in expected} == pytest.approx({n: v.item() for n, v in expected.items()})
    for network, reference in ((ours.generator, generator), (ours.networks["discriminator"], discriminator)):
        for (name, parameter), other in zip(network.named_parameters(), reference.parameters(), strict=True):
            torch.testing.assert_close(parameter, other, rtol=1e-6, atol=1e-9, msg=name)


def test_the_discriminators_moving_averages_follow_its_own_updates_alone():
    ours = adversaries(tiny_experiment())
    ours.update(a_batch())
    counts = [m.num_batches_tracked.item() for m in ours.networks["discriminator"].modules() if hasattr(m, "momentum")]
    assert counts == [2, 2]  # one for each half, none for the generator's step
    assert all(p.requires_grad for p in ours.networks["discriminator"].parameters())


def test_constants_are_those_of_keras():
    ours = adversaries(tiny_experiment())
    for network in ours.networks.values():
        kinds = {kind: [m for m in network.modules() if isinstance(m, kind)] for kind in (nn.BatchNorm3d, nn.LeakyReLU)}
        assert {(m.eps, m.momentum) for m in kinds[nn.BatchNorm3d]} == {(1e-3, 0.01)}
        assert {m.negative_slope for m in kinds[nn.LeakyReLU]} == {0.3}
    for optimizer in ours.optimizers.values():
        group = optimizer.param_groups[0]
        assert (group["lr"], group["betas"], group["eps"]) == (1e-3, (0.9, 0.999), 1e-7)
        assert group["weight_decay"] == 0


def test_without_an_adversarial_weight_there_is_no_discriminator():
    ours = adversaries(with_losses(tiny_experiment(), adversarial_weight=0.0))
    assert set(ours.networks) == {"generator"}
    assert set(ours.update(a_batch())) == {"generator", "reconstruction", "gradient"}


def test_the_discriminator_is_the_size_that_the_experiment_says():
    experiment = dataclasses.replace(tiny_experiment(), discriminator={"stage_filters": [3], "dense_units": [5, 4]})
    networks = adversaries(experiment).networks
    shapes = [tuple(p.shape) for p in networks["discriminator"].parameters() if p.ndim > 1]
    assert shapes == [(3, 2, 3, 3, 3), (5, 3 * 4**3), (4, 5), (1, 4)]
    with pytest.raises(InputError, match="discriminator: .*unexpected keyword argument 'stages'"):
        adversaries(dataclasses.replace(experiment, discriminator={"stages": 2}))


def test_weights_follow_from_the_seed():
    one, same, other = (adversaries(tiny_experiment(seed=seed)) for seed in (1, 1, 2))
    weights = [
        torch.cat([p.flatten() for n in a.networks.values() for p in n.parameters()]) for a in (one, same, other)
    ]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("spoiled", ["source", "target"])
def test_a_loss_that_is_no_number_stops_before_the_update(spoiled):
    ours, batch = adversaries(with_losses(tiny_experiment(), adversarial_weight=0.0)), a_batch()
    getattr(batch, spoiled)[0, 0, 0, 0, 0] = np.nan
    before = copy.deepcopy(list(ours.generator.parameters()))
    with pytest.raises(TrainingDiverged, match=r"finite losses and gradients of the generator, found losses .*nan"):
        ours.update(batch)
    assert all(torch.equal(a, b) for a, b in zip(before, ours.generator.parameters(), strict=True))


def test_a_gradient_that_is_no_number_stops_before_the_update():
    ours = adversaries(with_losses(tiny_experiment(), adversarial_weight=0.0))
    last = list(ours.generator.parameters())[-1]
    last.register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(TrainingDiverged, match="of the generator"):
        ours.update(a_batch())


def test_a_cpu_computes_in_single_precision():
    ours = adversaries(tiny_experiment(mixed_precision=True))
    assert not ours.lower_precision
    seen = []
    ours.generator.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    ours.update(a_batch())
    assert seen == [torch.float32]


def test_lower_precision_is_that_of_the_networks_alone(monkeypatch):
    # A CPU only stands for a GPU here: weights, losses and gradients stay in single precision.
    plain = {"name": "paper-generator", "configuration": {"residual": False}}
    experiment = dataclasses.replace(tiny_experiment(), network=plain)
    single = adversaries(experiment).update(a_batch())
    monkeypatch.setattr(adversaries_module, "_has_lower_precision", lambda device: True)
    ours, seen = adversaries(experiment), []
    assert ours.lower_precision
    ours.generator.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    losses = ours.update(a_batch())
    assert seen == [torch.bfloat16]
    for network in ours.networks.values():
        assert (
            {p.dtype for p in network.parameters()} == {p.grad.dtype for p in network.parameters()} == {torch.float32}
        )
    assert losses == pytest.approx(single, rel=0.05) and losses != single
    assert not adversaries(tiny_experiment(mixed_precision=False)).lower_precision


def test_networks_have_their_channels_last_on_gpus_alone():
    network = torch.nn.Conv3d(3, 2, 3)
    assert adversaries_module._moved(network, CPU).weight.is_contiguous()
    moved = []
    network.to = lambda *where, **how: moved.append((where, how)) or network
    adversaries_module._moved(network, torch.device("cuda", 0))
    assert moved == [((torch.device("cuda", 0),), {"memory_format": torch.channels_last_3d})]


def test_patches_that_do_not_suit_the_networks_are_refused():
    with pytest.raises(InputError, match="discriminator: expected a patch in multiples of 4 for 2 stages"):
        adversaries(tiny_experiment(patch=(8, 8, 2)))
    unet = {"name": "residual-unet", "configuration": {"widths": [2, 2], "blocks": [1, 1], "slice_strides": [1]}}
    experiment = tiny_experiment(patch=(7, 8, 8))
    object.__setattr__(experiment, "network", unet)
    with pytest.raises(InputError, match=r"multiples of \(2, 2, 1\) for this network, found \(7, 8, 8\)"):
        adversaries(experiment)
