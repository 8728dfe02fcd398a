"""The generator, its discriminator and one update of each: what happens on one mini-batch."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mrsynth.errors import InputError
from mrsynth.networks.discriminator import Discriminator
from mrsynth.networks.registry import build_network
from mrsynth_training.epoch_experiment import EpochExperiment
from mrsynth_training.patch_batches import PatchBatch
from mrsynth_training.patch_losses import generator_losses, realness_loss
from mrsynth_training.process_group import ProcessGroup
from mrsynth_training.shared_batch_normalization import share_statistics
from mrsynth_training.trainer import TrainingDiverged

GENERATOR = "generator"
DISCRIMINATOR = "discriminator"


class Adversaries:
    """A generator in training and, if the experiment says so, a discriminator in its way.

    Weights follow from the experiment's seed. Both networks normalise by the statistics of the mini-batch at hand.

    Args:
        experiment: Networks, losses and optimiser.
        device: Where they are trained.
        processes: Who shares the mini-batches.

    Raises:
        InputError: If the patch does not suit the networks.
    """

    def __init__(self, experiment: EpochExperiment, device: torch.device, processes: ProcessGroup) -> None:
        self.losses, self.device, self.processes = experiment.losses, device, processes
        self.lower_precision = experiment.schedule.mixed_precision and _has_lower_precision(device)
        torch.manual_seed(experiment.schedule.seed)
        networks = {GENERATOR: _generator(experiment)}
        if experiment.adversarial:
            networks[DISCRIMINATOR] = _discriminator(experiment)
        if processes.size > 1:
            networks = {name: share_statistics(network) for name, network in networks.items()}
        self.networks = {name: _moved(network, device).train() for name, network in networks.items()}
        self.optimizers = {name: _adam(network, experiment) for name, network in self.networks.items()}

    @property
    def generator(self) -> nn.Module:
        return self.networks[GENERATOR]

    def update(self, batch: PatchBatch) -> dict[str, float]:
        """Update the discriminator, then the generator, on one mini-batch; return each loss by its name.

        The discriminator sees one half of the patches with real targets and the other half with synthetic ones, each
        half normalised by itself, as it later is for the generator's sake: ``L_D = BCE(D(X, Y), 1) + BCE(D(X, G(X)),
        0)``, each the mean over its half. Then the generator is judged on the whole: see `LossOptions`. Its answers are
        computed once, as it does not change in between.

        Raises:
            TrainingDiverged: If a loss or a gradient is no longer finite; the network it concerns is not updated.
        """
        batch = batch.like(next(self.generator.parameters()))
        with self._precision():
            synthetic = self.generator(batch.source)
        values = {}
        if DISCRIMINATOR in self.networks:
            values[DISCRIMINATOR] = self._update_discriminator(batch, synthetic.detach())
        return self._update_generator(batch, synthetic) | values

    def state(self) -> dict[str, Any]:
        """Return all that a checkpoint needs of networks and optimisers."""
        kinds = {"networks": self.networks, "optimizers": self.optimizers}
        return {kind: {name: part.state_dict() for name, part in parts.items()} for kind, parts in kinds.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        for kind in ("networks", "optimizers"):
            for name, part in getattr(self, kind).items():
                part.load_state_dict(state[kind][name])

    def _update_discriminator(self, batch: PatchBatch, synthetic: Tensor) -> float:
        real, other = batch.halves
        shown_real = self._logits(batch.source[real], batch.target[real])
        shown_synthetic = self._logits(batch.source[other], synthetic[other].to(batch.target.dtype))
        loss = realness_loss(shown_real, real=True).sum() / batch.real_size
        loss = loss + realness_loss(shown_synthetic, real=False).sum() / (batch.size - batch.real_size)
        return self._descend(DISCRIMINATOR, loss, {DISCRIMINATOR: loss})[DISCRIMINATOR]

    def _update_generator(self, batch: PatchBatch, synthetic: Tensor) -> dict[str, float]:
        synthetic, logits = synthetic.to(batch.target.dtype), None
        if DISCRIMINATOR in self.networks:
            with _held(self.networks[DISCRIMINATOR]):
                logits = self._logits(batch.source, synthetic)
        losses = generator_losses(synthetic, batch.target, logits, self.losses)
        means = {name: values.sum() / batch.size for name, (_, values) in losses.items()}
        total = sum(weight * means[name] for name, (weight, _) in losses.items())
        return self._descend(GENERATOR, total, {GENERATOR: total, **means})

    def _logits(self, source: Tensor, target: Tensor) -> Tensor:
        with self._precision():
            logits = self.networks[DISCRIMINATOR].logits(source, target)
        return logits.to(source.dtype)

    def _descend(self, name: str, loss: Tensor, parts: Mapping[str, Tensor]) -> dict[str, float]:
        """Update a network by the gradient of a loss that each process has a share of; return the whole parts."""
        network, optimizer = self.networks[name], self.optimizers[name]
        optimizer.zero_grad()
        loss.backward()
        self.processes.add_gradients(network)
        norms = torch.stack([parameter.grad.norm() for parameter in network.parameters()])
        totals = self.processes.total(torch.stack([part.detach() for part in parts.values()]))
        numbers = torch.cat([totals, norms]).tolist()  # at once, as a GPU is waited for each time
        found = dict(zip(parts, numbers, strict=False))
        if not all(map(math.isfinite, numbers)):
            raise TrainingDiverged(f"expected finite losses and gradients of the {name}, found losses {found}")
        optimizer.step()
        return found

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.lower_precision)


@contextmanager
def _held(network: nn.Module) -> Iterator[None]:
    """Keep a network as it is while another learns from it: no gradients, no moving averages of its statistics."""
    tracking = [module for module in network.modules() if isinstance(module, nn.BatchNorm3d)]
    network.requires_grad_(False)
    for module in tracking:
        module.track_running_stats = False
    try:
        yield
    finally:
        network.requires_grad_(True)
        for module in tracking:
            module.track_running_stats = True


def _generator(experiment: EpochExperiment) -> nn.Module:
    network = build_network(experiment.network["name"], experiment.network["configuration"])
    patch, multiple = experiment.schedule.patch, network.size_multiple
    if any(size % factor for size, factor in zip(patch, multiple, strict=True)):
        raise InputError(f"expected a patch in multiples of {multiple} for this network, found {patch}")
    return network


def _discriminator(experiment: EpochExperiment) -> nn.Module:
    try:
        return Discriminator(experiment.schedule.patch, **experiment.discriminator)
    except (TypeError, ValueError) as error:
        raise InputError(f"discriminator: {error}") from error


def _moved(network: nn.Module, device: torch.device) -> nn.Module:
    """Return a network on a device, with the channels last in memory on GPUs, which then convert nothing."""
    return network.to(device, memory_format=torch.channels_last_3d) if device.type == "cuda" else network.to(device)


def _adam(network: nn.Module, experiment: EpochExperiment) -> torch.optim.Adam:
    schedule = experiment.schedule
    return torch.optim.Adam(network.parameters(), schedule.learning_rate, schedule.betas, schedule.epsilon)


def _has_lower_precision(device: torch.device) -> bool:
    """Return whether a device computes in bfloat16, whose range spares the scaling of gradients."""
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
