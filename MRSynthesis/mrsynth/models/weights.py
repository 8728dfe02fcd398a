"""From a model folder to a network ready to run, and back; weights are safetensors, and nothing is ever unpickled."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from mrsynth.atomic_file import write_bytes
from mrsynth.errors import InputError
from mrsynth.models.card import CARD_NAME, WEIGHTS_NAME, ModelCard
from mrsynth.models.installed import InstalledModel
from mrsynth.models.integrity import not_safetensors, read_weights
from mrsynth.networks.registry import build_network
from mrsynth.timing import CONDITIONS


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A card and its trained network, in evaluation mode, on the CPU, without gradients."""

    card: ModelCard
    network: nn.Module


def load_model(model: InstalledModel) -> LoadedModel:
    """Build a model's network and fill it with its verified weights.

    Raises:
        MissingFile: If the weights are not there.
        InputError: Code ``bad_weights``, if they are not the ones the card was written for, are no safetensors, are not
            finite, or do not fit the network; ``bad_card``, if the network is unknown, refuses its configuration, or
            takes a timing that the card does not state, or the reverse.
    """
    card = model.card
    data = read_weights(model.weights, card)
    try:
        tensors = safetensors.torch.load(data)
    except SafetensorError as error:
        raise not_safetensors(model.weights, error) from error
    network = _build(card, model.folder / CARD_NAME)
    _refuse_other_conditions(card, model.folder / CARD_NAME)
    refuse_misfit(tensors, network.state_dict(), str(model.weights))
    network.load_state_dict(tensors, strict=True)
    return LoadedModel(card, network.eval().requires_grad_(False))


def write_model(folder: Path, description: Mapping[str, Any], network: nn.Module) -> ModelCard:
    """Write a model folder: the network's weights, and a card that vouches for them.

    Args:
        folder: Named like the model; made if missing.
        description: The fields of a model card except ``sha256`` and ``size_bytes``.
        network: What is saved; it may be on any device.

    Returns:
        The card that was written.

    Raises:
        InputError: Code ``bad_card``, before anything is written.
        OutputError: If the folder cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    data = safetensors.torch.save(tensors)
    fingerprint = {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
    card = ModelCard.from_dict({**description, **fingerprint}, where=str(folder / CARD_NAME))
    write_bytes(folder / WEIGHTS_NAME, data)
    write_bytes(folder / CARD_NAME, card.to_json().encode())
    return card


def _build(card: ModelCard, card_path: Path) -> nn.Module:
    try:
        return build_network(card.network["name"], card.network["configuration"])
    except (ValueError, TypeError, RuntimeError) as error:  # whatever PyTorch says to sizes that make no layer
        raise InputError(f"{card_path}: network: {error}", code="bad_card") from error


def _refuse_other_conditions(card: ModelCard, card_path: Path) -> None:
    """Refuse a network that is not told what its card says: it would fail in the middle of a synthesis."""
    found = card.network["configuration"].get("conditions", 0)
    expected, has = (0, "no timing") if card.timing is None else (CONDITIONS, "a timing")
    if found != expected:
        raise InputError(
            f"{card_path}: network: expected {expected} conditions, as the card has {has}, found {found}", "bad_card"
        )


def refuse_misfit(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], where: str) -> None:
    """Check that weights are those of a network.

    Args:
        found: The weights.
        expected: Weights that the network has.
        where: What the message begins with.

    Raises:
        InputError: Code ``bad_weights``, if a tensor is missing, too many, of another shape or type, or not finite.
    """
    misfits = list(_misfits(found, expected))
    if misfits:
        more = f" (and {len(misfits) - 1} more)" if len(misfits) > 1 else ""
        raise InputError(f"{where}: {misfits[0]}{more}", code="bad_weights")


def _misfits(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> Iterator[str]:
    for name in sorted(expected.keys() - found.keys()):
        yield f"expected a tensor {name!r} of the network, found none"
    for name in sorted(found.keys() - expected.keys()):
        yield f"expected only tensors of the network, found {name!r} as well"
    for name in sorted(found.keys() & expected.keys()):
        if found[name].shape != expected[name].shape:
            yield f"tensor {name!r}: expected the shape {_shape(expected[name])}, found {_shape(found[name])}"
        elif found[name].is_floating_point() != expected[name].is_floating_point():
            yield f"tensor {name!r}: expected the type {expected[name].dtype}, found {found[name].dtype}"
        elif not torch.isfinite(found[name]).all():
            yield f"tensor {name!r}: expected finite numbers, found NaN or infinity"


def _shape(tensor: Tensor) -> list[int]:
    return list(tensor.shape)
