"""How fast a graphics card trains the paper's generator, and what the time goes into."""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from document import Section
from gpu_networks import NO_FREQUENCIES, a_trained_generator, frequencies_from, patches, ways
from gpu_trials import LONGEST_RUN_MS, Sizes, Trials, peak_mib
from torch import Tensor, nn

from mrsynth.precision import half_type

TITLES = ("step", "ms", "times faster", "patches a second", "patches", "peak MiB")
REFERENCE = "PyTorch's layers, float32"
KERNELS = 14
DETERMINISTIC, SEARCHED = "deterministic", "deterministic, algorithms searched"

Forward = Callable[[nn.Module, Tensor], Tensor]
Modes = Sequence[str]


def training(trials: Trials, sizes: Sizes) -> Section:
    """Time steps of the generator alone, with its optimiser, and whole steps of a shipped experiment."""
    rows = []
    for batch in sizes.trained:
        rows += _rows(trials, sizes, OURS, batch)
        for experiment in ("g1", "g3"):
            make = partial(_whole_step, trials, sizes, experiment, batch)
            rows.append(_row(trials, f"{experiment} as it is trained", batch, make, DETERMINISTIC))
    rows += _rows(trials, sizes, PLAIN, sizes.trained[0])  # last, as they may take long
    rows = _compared([row for row in rows if row])
    note = f"Patches of {sizes.patch}^3. Deterministic: algorithms that give the same each time, as in `train`."
    return Section("Steps of training on a GPU", TITLES, rows, note)


def kernels(trials: Trials, sizes: Sizes) -> Section:
    """Tell which kernels take the most time of 16 patches in evaluation, and of a step of training."""
    rows: list[list[Any]] = []
    half = half_type(trials.device) or torch.bfloat16
    evaluated = ways(a_trained_generator(sizes.filters), trials.device, half)
    source = patches(sizes.batches[len(sizes.batches) // 2], sizes.patch, trials.device)
    runs = {name: partial(way, source) for name, way in evaluated.items() if name.startswith("this project")}
    for name, run in runs.items():
        with torch.inference_mode():
            rows += trials.attempt(f"kernels, {name}", partial(_kernels, trials.device, name, run)) or []
    name = "training, bfloat16"
    forward = partial(_ours, torch.bfloat16, True, None)
    step = trials.attempt(name, partial(_step, trials, sizes, forward, sizes.trained[0]))
    rows += trials.attempt(f"kernels, {name}", partial(_kernels, trials.device, name, step)) or []
    return Section("Kernels on a GPU", ("run and kernel", "ms", "calls"), rows)


def _row(trials: Trials, name: str, batch: int, make: Callable[[], Callable[[], Any]], mode: str) -> list[Any] | None:
    def measured() -> list[Any]:
        with torch.backends.cudnn.flags(True, benchmark=mode == SEARCHED, deterministic=mode != ""):
            run = make()
            ms = trials.milliseconds(run, 0.3)
            peak = peak_mib(trials.device, run) if ms < LONGEST_RUN_MS else None
        return [name, ms, None, 1000 * batch / ms, batch, peak]

    return trials.attempt(f"training, {name}, {batch} patches", measured)


def _rows(trials: Trials, sizes: Sizes, forwards: dict[str, tuple[Forward, Modes]], batch: int) -> list[Any]:
    rows = []
    for name, (forward, modes) in forwards.items():
        for mode in modes:
            make = partial(_step, trials, sizes, forward, batch)
            rows.append(_row(trials, f"{name}{', ' if mode else ''}{mode}", batch, make, mode))
    return rows


def _compared(rows: list[list[Any]]) -> list[list[Any]]:
    """Fill in how many times faster each is than the reference with as many patches."""
    references = {row[4]: row[1] for row in rows if row[0].startswith(REFERENCE)}
    return [[name, ms, references.get(row[1], float("nan")) / ms, *row] for name, ms, _, *row in rows]


def _step(trials: Trials, sizes: Sizes, forward: Forward, batch: int) -> Callable[[], Any]:
    """Return a step of the generator alone: forward, backward and Adam."""
    generator = a_trained_generator(sizes.filters).to(trials.device, memory_format=torch.channels_last_3d).train()
    optimizer = torch.optim.Adam(generator.parameters(), 1e-6)
    source = patches(batch, sizes.patch, trials.device)

    def run() -> None:
        optimizer.zero_grad()
        (forward(generator, source).float() - source).square().mean().backward()
        optimizer.step()

    return run


def _plain(half: torch.dtype | None, tf32: bool, generator: nn.Module, source: Tensor) -> Tensor:
    torch.backends.cudnn.allow_tf32 = tf32  # for the way back as well
    with torch.autocast(source.device.type, half or torch.bfloat16, enabled=half is not None):
        return generator.layer_by_layer(source)


def _ours(half: torch.dtype | None, tf32: bool, taps: int | None, generator: nn.Module, source: Tensor) -> Tensor:
    torch.backends.cudnn.allow_tf32 = tf32
    with torch.autocast(source.device.type, half or torch.bfloat16, enabled=half is not None):
        if taps is None:
            return generator(source)
        with frequencies_from(taps):
            return generator(source)


# Ways through the generator, and in which modes of cuDNN to try them.
OURS: dict[str, tuple[Forward, Modes]] = {
    "this project, bfloat16": (partial(_ours, torch.bfloat16, True, None), ("", DETERMINISTIC, SEARCHED)),
    "this project, TF32": (partial(_ours, None, True, None), (DETERMINISTIC,)),
    "this project, float32": (partial(_ours, None, False, None), (DETERMINISTIC,)),
    "sublattices, bfloat16": (partial(_ours, torch.bfloat16, True, NO_FREQUENCIES), ("", DETERMINISTIC)),
}
PLAIN: dict[str, tuple[Forward, Modes]] = {
    "PyTorch's layers, bfloat16": (partial(_plain, torch.bfloat16, True), ("", DETERMINISTIC)),
    "PyTorch's layers, TF32": (partial(_plain, None, True), (DETERMINISTIC,)),
    REFERENCE: (partial(_plain, None, False), (DETERMINISTIC,)),
}


def _whole_step(trials: Trials, sizes: Sizes, experiment: str, batch: int) -> Callable[[], Any]:
    """Return a step as `mrsynth-train train` does it, both networks and all losses."""
    from mrsynth_training.adversaries import Adversaries
    from mrsynth_training.epoch_experiment import read_epoch_experiment
    from mrsynth_training.patch_batches import PatchBatch
    from mrsynth_training.process_group import ProcessGroup

    torch.backends.cudnn.allow_tf32 = True
    changes = [f"schedule.batch_size={batch}"]
    adversaries = Adversaries(read_epoch_experiment(Path(experiment), changes), trials.device, ProcessGroup())
    source, real = patches(batch, sizes.patch, trials.device), torch.arange(batch) < (batch + 1) // 2
    given = PatchBatch(source, copy.copy(source), real, batch)
    return partial(adversaries.update, given)


def _kernels(device: torch.device, name: str, run: Callable[[], Any]) -> list[list[Any]]:
    """Return the kernels that take the most time of one run."""
    from torch.profiler import ProfilerActivity, profile

    run()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as found:
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    events = [event for event in found.key_averages() if event.self_device_time_total > 0]
    events.sort(key=lambda event: -event.self_device_time_total)
    return [[f"{name}: {e.key[:90]}", e.self_device_time_total / 1000, e.count] for e in events[:KERNELS]]
