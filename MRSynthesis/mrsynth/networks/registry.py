"""The networks a model card can name."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from mrsynth.errors import InputError
from mrsynth.networks.identity import Identity
from mrsynth.networks.paper_generator import PaperGenerator
from mrsynth.networks.residual_unet import ResidualUNet

NETWORKS: Mapping[str, Callable[..., nn.Module]] = {
    "paper-generator": PaperGenerator,
    "residual-unet": ResidualUNet,
    "identity": Identity,
}


def build_network(name: str, configuration: Mapping[str, Any]) -> nn.Module:
    """Build a network with fresh weights.

    Args:
        name: One of ``NETWORKS``.
        configuration: The arguments of its class, as JSON gives them.

    Returns:
        A network that maps (N, 1, in-plane, in-plane, slice) to the same shape, with the attribute ``size_multiple``:
        what each axis of its input must be a multiple of. It may have ``half_precision_on`` as well: the types of
        devices where it gains by half precision. Where it has ``estimates_error`` and that is true, it returns
        (N, 2, ...): the target, and the absolute error that it expects, in the units of the target.

    Raises:
        InputError: Code ``bad_card``, if the network is unknown or does not take the configuration.
    """
    if name not in NETWORKS:
        raise InputError(f"expected a network of {sorted(NETWORKS)}, found {name!r}", code="bad_card")
    arguments = {key: tuple(value) if isinstance(value, list) else value for key, value in configuration.items()}
    try:
        return NETWORKS[name](**arguments)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"network {name!r} does not take the configuration {arguments}: {error}", "bad_card"
        ) from error
