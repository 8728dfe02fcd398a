"""The residual U-Net as it is told times and estimates its own error."""

import pytest
import torch
from torch import nn

from mrsynth.errors import InputError
from mrsynth.networks.registry import build_network
from mrsynth.networks.residual_unet import ERROR_OFFSET, Modulation, ResidualUNet

SIZES = {"widths": (4, 6, 8), "blocks": (1, 2, 1), "slice_strides": (1, 2)}
TOLD = torch.tensor([[0.3, 1.0, -0.6, 1.0, 0.9]])


def a_trained_network(**configuration):
    """A network whose every weight is at work."""
    torch.manual_seed(0)
    network = ResidualUNet(**SIZES, **configuration)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.2)
    return network.eval()


def test_what_a_fresh_network_is_told_changes_nothing():
    torch.manual_seed(0)
    modulation = Modulation(5, (4, 6))
    assert [values.shape for values in modulation(TOLD)] == [(1, 8), (1, 12)]
    assert not any(values.any() for values in modulation(TOLD))
    network = ResidualUNet(**SIZES, conditions=5).eval()
    nn.init.normal_(network.head.weight)
    source = torch.rand(1, 1, 8, 8, 4)
    assert torch.equal(network(source, TOLD), network(source, torch.zeros(1, 5)))


@pytest.mark.parametrize("place", range(5))
def test_each_condition_changes_what_a_trained_network_makes(place):
    network, source = a_trained_network(conditions=5), torch.rand(1, 1, 8, 8, 4)
    other = TOLD.clone()
    other[0, place] += 0.5
    assert not torch.allclose(network(source, TOLD), network(source, other), atol=1e-4)


def test_every_patch_of_a_batch_goes_by_its_own_conditions():
    network, sources = a_trained_network(conditions=5), torch.rand(3, 1, 8, 8, 4)
    told = torch.rand(3, 5)
    apart = [network(source[None], row[None]) for source, row in zip(sources, told, strict=True)]
    torch.testing.assert_close(network(sources, told), torch.cat(apart), rtol=1e-4, atol=1e-5)
    with torch.inference_mode():  # where slices are taken a few at a time if all of them are told the same
        torch.testing.assert_close(network(sources, told), torch.cat(apart), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fold", [1, 2])
def test_slices_taken_a_few_at_a_time_are_told_the_same_as_all_of_them(fold):
    network = a_trained_network(conditions=5, estimates_error=True, fold=fold)
    source = torch.rand(2, 1, 16, 8, 10)
    at_once = network(source, TOLD).detach()  # with gradients the slices stay together
    sizes = []
    network.stem.register_forward_hook(lambda module, inputs, output: sizes.append(output.ndim))
    with torch.inference_mode():
        torch.testing.assert_close(network(source, TOLD), at_once, rtol=1e-5, atol=1e-5)
    assert set(sizes) == {4}


@pytest.mark.parametrize(("conditions", "told", "found"), [(5, None, 0), (5, 4, 4), (0, 5, 5)])
def test_a_network_is_told_as_much_as_it_takes_and_no_less(conditions, told, found):
    network, source = ResidualUNet(**SIZES, conditions=conditions), torch.rand(1, 1, 8, 8, 4)
    with pytest.raises(ValueError, match=f"expected {conditions} conditions, found {found}"):
        network(source, None if told is None else torch.zeros(1, told))


def test_an_estimate_is_a_second_channel_that_begins_as_a_small_error_and_is_never_below_zero():
    network, source = ResidualUNet(**SIZES, estimates_error=True), torch.rand(2, 1, 8, 8, 4)
    synthetic, error = network(source).detach().split(1, dim=1)
    torch.testing.assert_close(synthetic, 0.5 * source)
    torch.testing.assert_close(error, nn.functional.softplus(torch.full_like(error, ERROR_OFFSET)))
    trained = a_trained_network(estimates_error=True, fold=2, nonnegative=False)
    answer = trained(10 * torch.randn(2, 1, 16, 16, 4)).detach()
    assert answer.shape == (2, 2, 16, 16, 4) and answer[:, 1].min() >= 0 > answer[:, 0].min()
    assert answer[:, 1].std() > 0


def test_the_result_of_a_network_that_estimates_its_error_is_the_one_without_the_estimate():
    estimating, plain = a_trained_network(estimates_error=True, fold=2), a_trained_network(fold=2)
    weights = estimating.state_dict()
    plain.load_state_dict(weights | {f"head.{name}": weights[f"head.{name}"][:4] for name in ("weight", "bias")})
    source = torch.rand(1, 1, 16, 16, 4)
    torch.testing.assert_close(estimating(source)[:, :1], plain(source), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"estimates_error": 2}, "expected estimates_error as true or false, found 2"),
        ({"estimates_error": 1}, "expected estimates_error as true or false, found 1"),
        ({"conditions": -1}, "expected at least 0 conditions, found -1"),
        ({"conditions": 2.5}, "residual-unet"),
        ({"conditions": "5"}, "residual-unet"),
    ],
)
def test_a_configuration_of_no_network_is_a_bad_card(configuration, message):
    with pytest.raises(InputError, match=message) as refused:
        build_network("residual-unet", configuration)
    assert refused.value.code == "bad_card"
