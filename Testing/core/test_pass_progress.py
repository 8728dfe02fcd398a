"""Progress within a pass follows the network's convolutions from nothing to all."""

import pytest
import torch
from torch import nn

from mrsynth.networks.identity import Identity
from mrsynth.networks.residual_unet import ResidualUNet
from mrsynth.pass_progress import followed_passes


@pytest.fixture
def a_network():
    torch.manual_seed(0)
    return ResidualUNet((2, 3, 4), (1, 1, 1), (1, 2), fold=2).eval()


@pytest.mark.parametrize("slices", [2, 8])
def test_a_pass_goes_from_nothing_to_all_without_a_step_back(a_network, slices):
    told = []
    with torch.inference_mode(), followed_passes(a_network, told.append):
        for _ in range(2):
            told.clear()
            a_network(torch.zeros(1, 1, 16, 24, slices))
            assert told == sorted(told)
            assert 0 < told[0] < 0.5 and told[-1] == pytest.approx(1)


def test_a_large_layer_is_a_larger_step_than_a_small_one():
    network = nn.Sequential(nn.Conv3d(1, 8, 3, padding=1), nn.Conv3d(8, 64, 3, padding=1), nn.Conv3d(64, 1, 1)).eval()
    network.size_multiple = (1, 1, 1)
    told = []
    with torch.inference_mode(), followed_passes(network, told.append):
        network(torch.zeros(1, 1, 4, 4, 4))
    steps = [after - before for before, after in zip([0, *told], told, strict=False)]
    assert steps[1] > 5 * steps[0] > 5 * steps[2]


def test_nobody_is_told_before_and_after(a_network):
    told = []
    with followed_passes(a_network, told.append):
        assert told == []
    with torch.inference_mode():
        a_network(torch.zeros(1, 1, 8, 8, 2))
    assert told == []
    hooks = [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in a_network.modules()]
    assert not any(hooks)


def test_a_network_without_convolutions_is_followed_in_silence():
    told = []
    with followed_passes(Identity(), told.append):
        Identity()(torch.zeros(1, 1, 4, 4, 4))
    assert told == []


def test_whoever_is_told_may_stop_the_pass(a_network):
    class Stop(Exception):
        pass

    def stop(fraction: float) -> None:
        raise Stop

    with pytest.raises(Stop), torch.inference_mode(), followed_passes(a_network, stop):
        a_network(torch.zeros(1, 1, 16, 16, 8))
