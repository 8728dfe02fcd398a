"""A card's network section becomes a network, or a clear refusal."""

import pytest
import torch

from mrsynth.errors import InputError
from mrsynth.networks.registry import NETWORKS, build_network


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_maps_a_stack_to_a_stack_of_the_same_shape(name):
    network = build_network(name, {}).to("meta").eval()
    shape = (2, 1, *(4 * multiple for multiple in network.size_multiple))
    assert network(torch.empty(shape, device="meta")).shape == shape


def test_lists_from_json_are_taken_for_tuples():
    network = build_network("residual-unet", {"widths": [2, 3], "blocks": [1, 1], "slice_strides": [2]})
    assert network.size_multiple == (2, 2, 2)


def test_the_configuration_reaches_the_network():
    assert build_network("paper-generator", {"residual": True}).residual


def test_a_network_that_estimates_its_error_returns_it_in_a_second_channel():
    network = build_network("residual-unet", {"estimates_error": True}).to("meta").eval()
    source = torch.empty(2, 1, *(4 * multiple for multiple in network.size_multiple), device="meta")
    assert network.estimates_error and network(source).shape == (2, 2, *source.shape[2:])


def test_an_unknown_network_is_refused_and_the_known_ones_are_named():
    with pytest.raises(InputError, match="identity.*paper-generator.*residual-unet.*found 'u-net'") as caught:
        build_network("u-net", {})
    assert caught.value.code == "bad_card"


@pytest.mark.parametrize(
    "name, configuration",
    [("identity", {"depth": 3}), ("residual-unet", {"widths": [4, 8], "blocks": [1], "slice_strides": [1]})],
)
def test_a_configuration_that_the_network_does_not_take_is_refused(name, configuration):
    with pytest.raises(InputError, match=f"network '{name}' does not take the configuration") as caught:
        build_network(name, configuration)
    assert caught.value.code == "bad_card"


def test_the_identity_returns_its_input():
    source = torch.randn(2, 1, 3, 1, 5)
    assert torch.equal(build_network("identity", {})(source), source)
