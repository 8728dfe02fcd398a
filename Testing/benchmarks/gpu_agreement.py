"""Whether every way through the networks on a graphics card gives what plain PyTorch gives on the CPU."""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from document import Section
from gpu_networks import a_trained_generator, patches, the_default_network, ways
from gpu_trials import Sizes, Trials
from torch import Tensor, nn

from mrsynth.memory_fallback import PatchPredictor
from mrsynth.precision import LARGEST_ERROR, computing_in, half_type, precision_error

BOUND = 1e-5  # of the largest value, in float32
# Rounding moves some voxels across the kink of LeakyReLU, so single gradients of PyTorch's own are no better than this.
GRADIENT_BOUND = 1e-2  # of a tensor's largest value
TITLES = ("what", "error", "bound", "kept", "measure")
ANGLE_BOUNDS = {torch.float32: 1e-5, torch.bfloat16: 0.05}
LARGEST, DEVIATION = "largest difference / largest value", "rms difference / deviation"


def agreement(trials: Trials, sizes: Sizes) -> Section:
    """Compare all ways through both networks with plain PyTorch on the CPU."""
    rows: list[list[Any]] = []
    for residual in (False, True):
        generator, size = a_trained_generator(sizes.filters, residual), sizes.patch
        kind = "residual generator" if residual else "generator"
        for shape in ((size,) * 3, (size, size, size - 2), (size - 1, size, size - 3)):
            measured = partial(_ways, trials, generator, shape, kind)
            rows += trials.attempt(f"agreement {kind} {shape}", measured) or []
    rows += trials.attempt("agreement default network", lambda: _default(trials, sizes)) or []
    rows += trials.attempt("gradients", lambda: _gradients(trials, sizes)) or []
    rows += trials.attempt("short memory", lambda: _short_memory(trials, sizes)) or []
    kept = sum(row[3] == "yes" for row in rows)
    return Section("Agreement with plain PyTorch on the CPU", TITLES, rows, f"{kept} of {len(rows)} bounds are kept.")


def _ways(trials: Trials, generator: nn.Module, shape: tuple[int, ...], kind: str) -> list[list[Any]]:
    source, rows = patches(2, shape, torch.device("cpu")), []
    half = half_type(trials.device) or torch.bfloat16
    with torch.inference_mode():
        expected = generator.layer_by_layer(source) + (source if generator.residual else 0)
        for name, way in ways(generator, trials.device, half).items():
            what = f"{kind}, {' x '.join(map(str, shape))}, {name}"
            odd = any(side % 2 for side in shape)
            if odd and name.startswith("sublattices"):
                continue
            found = trials.attempt(what, lambda way=way: way(source.to(trials.device)).float().cpu())
            if found is not None:
                rows.append(_row(what, found, expected, exact="float32" in name))
    return rows


def _default(trials: Trials, sizes: Sizes) -> list[list[Any]]:
    network, _, whose = the_default_network()
    side = 4 * sizes.patch
    source = patches(1, (side, side, sizes.patch // 2), torch.device("cpu")).abs()
    half, rows = half_type(trials.device) or torch.bfloat16, []
    with torch.inference_mode():
        expected = network(source)
        moved = copy.deepcopy(network).to(trials.device, memory_format=torch.channels_last_3d)
        for name, kind in (("float32", None), (str(half).removeprefix("torch."), half)):
            with computing_in(trials.device, kind):
                found = moved(source.to(trials.device)).float().cpu()
            rows.append(_row(f"default network (weights: {whose}), {name}", found, expected, kind is None))
    return rows


def _gradients(trials: Trials, sizes: Sizes) -> list[list[Any]]:
    """Compare the gradients of a generator in training with those of its layers in double precision on the device."""
    expected, rows = _gradients_of(trials, sizes, torch.float64, plain=True), []
    for plain, kind in ((False, torch.float32), (True, torch.float32), (False, torch.bfloat16), (True, torch.bfloat16)):
        found = _gradients_of(trials, sizes, kind, plain)
        flat = [torch.cat([tensor.flatten() for tensor in tensors]) for tensors in (found, expected)]
        angle, name = 1 - float(nn.functional.cosine_similarity(*flat, dim=0)), str(kind).removeprefix("torch.")
        what = f"gradients, {'PyTorch' if plain else 'this project'}, {name}"
        rows.append([what, angle, ANGLE_BOUNDS[kind], _kept(angle, ANGLE_BOUNDS[kind]), "1 - cosine of the angle"])
        if kind == torch.float32:
            worst = max(_largest(ours, theirs) for ours, theirs in zip(found, expected, strict=True))
            rows.append([f"{what}, the worst tensor", worst, GRADIENT_BOUND, _kept(worst, GRADIENT_BOUND), LARGEST])
    return rows


def _gradients_of(trials: Trials, sizes: Sizes, kind: torch.dtype, plain: bool) -> list[Tensor]:
    precision = torch.float32 if kind == torch.bfloat16 else kind
    generator = a_trained_generator(sizes.filters).to(trials.device, precision).train()
    source = patches(2, sizes.patch, trials.device).to(precision)
    with computing_in(trials.device, kind if kind == torch.bfloat16 else None):
        answer = (generator.layer_by_layer if plain else generator)(source).to(precision)
    with computing_in(trials.device, None):
        (answer - source).square().mean().backward()
    return [parameter.grad.double().cpu() for parameter in generator.parameters()]


def _short_memory(trials: Trials, sizes: Sizes) -> list[list[Any]]:
    """Let a predictor run out of memory: once for a batch, once for a single patch."""
    generator, rows = a_trained_generator(sizes.filters), []
    block = np.random.default_rng(0).normal(size=(sizes.batches[-1], *(sizes.patch,) * 3)).astype(np.float32)
    expected = PatchPredictor(copy.deepcopy(generator), trials.device, 4).predict(block)
    for what, spare, count in (("a batch", 600 * 2**20, len(block)), ("a patch", 8 * 2**20, 1)):
        predictor = PatchPredictor(copy.deepcopy(generator), trials.device, len(block))
        found = _with_spare_memory(trials.device, spare, lambda p=predictor, n=count: p.predict(block[:n]))
        told = "; ".join(predictor.warnings) or "nothing was given up"
        error = float(np.abs(found - expected[:count]).max() / np.abs(expected).max())
        kept = "yes" if error <= BOUND and predictor.warnings else "no"
        rows.append([f"memory for less than {what}: {told}", error, BOUND, kept, LARGEST])
    return rows


def _with_spare_memory(device: torch.device, spare: int, run: Callable[[], np.ndarray]) -> np.ndarray:
    """Run with so many bytes beyond what is held now."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(device).total_memory
    share = (torch.cuda.memory_reserved(device) + spare) / total
    torch.cuda.set_per_process_memory_fraction(share, device)
    try:
        return run()
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


def _row(what: str, found: Tensor, expected: Tensor, exact: bool) -> list[Any]:
    if exact:
        error = _largest(found, expected)
        return [what, error, BOUND, _kept(error, BOUND), LARGEST]
    error = precision_error(found.numpy(), expected.numpy())
    return [what, error, LARGEST_ERROR, _kept(error, LARGEST_ERROR), DEVIATION]


def _largest(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def _kept(error: float, bound: float) -> str:
    return "yes" if error <= bound else "no"
