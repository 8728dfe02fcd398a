"""Supervised training of a generator on cached pairs: reproducible from its seed, resumable from its checkpoint."""

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from mrsynth.atomic_file import make_folder, remove_partial_files
from mrsynth.errors import OutputExists
from mrsynth.memory_fallback import CPU
from mrsynth.models.weights import refuse_misfit
from mrsynth.networks.registry import build_network
from mrsynth_training.checkpoints import CHECKPOINT, Checkpoint, read_checkpoint_of, write_checkpoint
from mrsynth_training.experiments import Experiment, OptimizationOptions
from mrsynth_training.losses import error_estimate_loss, lesion_emphasis, reconstruction_loss
from mrsynth_training.pair_cache import CachedPair
from mrsynth_training.patch_sampler import PatchSampler, TrainingBatch
from mrsynth_training.weight_average import update_average

GRADIENT_NORM = 1.0
FINAL_RATE = 1e-6
REPORT_EVERY = 50  # steps
SAVE_EVERY_S = 120.0


class TrainingDiverged(RuntimeError):
    """The loss is no longer a number; a checkpoint, if there is one, is from before that."""


@dataclass(frozen=True)
class TrainingStatus:
    """Where a run stands: steps done of all, mean loss since the last report, seconds spent, patches a second."""

    step: int
    steps: int
    loss: float
    seconds: float
    patches_per_second: float


def learning_rate(step: int, options: OptimizationOptions) -> float:
    """Return the one-cycle rate of a step: a linear rise, then half a cosine down (after Smith and Topin, 2019)."""
    done = (step + 1) / options.steps
    if done < options.warmup:
        return options.peak_rate * done / options.warmup
    phase = (done - options.warmup) / (1 - options.warmup)
    return FINAL_RATE + 0.5 * options.peak_rate * (1 + math.cos(math.pi * phase))


class Trainer:
    """One run of an experiment in a folder of its own.

    Args:
        experiment: What to train and how.
        pairs: Training scans.
        run: Folder of the run; created.
        resume: Go on from the run's checkpoint.
        device: Where to train.

    Raises:
        OutputExists: If the folder has a checkpoint and ``resume`` is false.
        MissingFile: If it has none and ``resume`` is true.
        InputError: If the checkpoint is damaged or of another experiment, the network cannot be built, or every scan is
            smaller than a patch.
    """

    def __init__(
        self,
        experiment: Experiment,
        pairs: Sequence[CachedPair],
        run: Path,
        resume: bool = False,
        device: torch.device = CPU,
    ) -> None:
        if (run / CHECKPOINT).exists() and not resume:
            raise OutputExists(f"{run}: holds a run already; resume it or name another folder")
        self.experiment, self.run, self.options = experiment, run, experiment.optimization
        self.device, self.sampler = device, PatchSampler(pairs, experiment, device)
        torch.manual_seed(self.options.seed)
        network = build_network(experiment.network["name"], experiment.network["configuration"])
        self.network = network.to(device, memory_format=torch.channels_last_3d).train()
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), weight_decay=self.options.weight_decay)
        self.start: dict[str, Tensor] = {}
        self.step, self.seconds = 0, 0.0
        if resume:
            self._restore(read_checkpoint_of(experiment, run))
        make_folder(run)
        remove_partial_files(run)

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Begin with the weights of a network of the same kind instead of fresh ones.

        Raises:
            InputError: Code ``bad_weights``, if they are of another network.
        """
        refuse_misfit(weights, self.network.state_dict(), f"the weights to start {self.experiment.name} from")
        self.network.load_state_dict(weights)
        self.average.load_state_dict(weights)
        if self.options.start_share:
            self.start = copy.deepcopy(self.average.state_dict())

    def fit(self, report: Callable[[TrainingStatus], None], stop: Callable[[], bool] = lambda: False) -> bool:
        """Train to the end or until ``stop`` says so; return whether the end was reached. Leaves a checkpoint.

        Raises:
            TrainingDiverged: If the loss becomes NaN or infinite; the checkpoint stays as it was last saved, if it was.
        """
        started, saved, losses = time.monotonic() - self.seconds, time.monotonic(), []
        while self.step < self.options.steps and not stop():
            losses.append(self._train_step())
            # A GPU computes ahead of its caller, which would have to wait to look at each loss.
            if self.device.type == "cpu" or self.step % REPORT_EVERY == 0:
                self._require_finite(losses)
                self.seconds = time.monotonic() - started
                if time.monotonic() - saved > SAVE_EVERY_S:
                    self.save()
                    saved = time.monotonic()
            if self.step % REPORT_EVERY == 0:
                report(self._status(losses))
                losses.clear()
        self._require_finite(losses)
        self.seconds = time.monotonic() - started
        self.save()
        return self.step >= self.options.steps

    def save(self) -> None:
        """Write the checkpoint.

        Raises:
            TrainingDiverged: If a weight is no number: an update goes wrong after its loss was looked at.
        """
        if not all(torch.isfinite(weight).all() for weight in self.network.parameters()):
            raise TrainingDiverged(f"step {self.step}: expected finite weights, found others")
        state = Checkpoint(
            experiment=self.experiment.to_dict(),
            step=self.step,
            seconds=self.seconds,
            network=self.network.state_dict(),
            average=self.average.state_dict(),
            optimizer=self.optimizer.state_dict(),
            start=self.start,
        )
        write_checkpoint(self.run, state)

    def _train_step(self) -> Tensor:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, self.options)
        batch = self.sampler.batch(self.step)
        told = () if batch.conditions is None else (batch.conditions,)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.precision == "bfloat16"):
            answer = self.network(batch.source, *told).float()
        loss = self._loss(answer, batch)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_NORM)
        self.optimizer.step()
        self.step += 1
        update_average(self.average, self.network, self.options.averaging, self.step)
        return loss.detach()

    def _loss(self, answer: Tensor, batch: TrainingBatch) -> Tensor:
        """Return what the answer is judged by: (N, 1, X, Y, Z), or (N, 2, X, Y, Z) with an estimate of its error."""
        synthetic, options = answer[:, :1], self.options
        lesion_weights = (options.lesion_weight, options.faint_weight)
        emphasis = lesion_emphasis(synthetic, batch.target, batch.lesions, *lesion_weights)
        weights = (options.gradient_weight, options.squared_weight)
        loss = reconstruction_loss(synthetic, batch.target, *weights, emphasis)
        if answer.shape[1] > 1:
            loss = loss + options.error_weight * error_estimate_loss(answer[:, 1:], synthetic, batch.target)
        return loss

    def _require_finite(self, losses: Sequence[Tensor]) -> None:
        """Check the losses of the last steps."""
        values = torch.stack(list(losses)).tolist() if losses else []
        for step, value in enumerate(values, start=self.step - len(values)):
            if not math.isfinite(value):
                raise TrainingDiverged(f"step {step}: expected a finite loss, found {value}")

    def _restore(self, checkpoint: Checkpoint) -> None:
        self.network.load_state_dict(checkpoint.network)
        self.average.load_state_dict(checkpoint.average)
        self.optimizer.load_state_dict(checkpoint.optimizer)
        self.start = checkpoint.start
        self.step, self.seconds = checkpoint.step, checkpoint.seconds

    def _status(self, losses: Sequence[Tensor]) -> TrainingStatus:
        rate = self.step * self.options.batch_size / self.seconds
        mean = float(torch.stack(list(losses)).mean())
        return TrainingStatus(self.step, self.options.steps, mean, self.seconds, rate)
