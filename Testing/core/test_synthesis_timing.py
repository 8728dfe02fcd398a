"""A scan through networks that are told when its echoes were taken."""

import math

import numpy as np
import pytest
import torch
from model_examples import TIMED_UNET, TIMING
from synthesis_examples import PATCHES, WHOLE, a_model, a_scan, on_cpu
from torch import nn

from mrsynth.errors import InputError
from mrsynth.networks.identity import Identity
from mrsynth.networks.registry import build_network
from mrsynth.synthesis import synthesize
from mrsynth.timing import Timing, TimingRanges


class Listening(Identity):
    """Returns its input, and remembers what it was told."""

    half_precision_on = ()

    def __init__(self) -> None:
        super().__init__()
        self.told: list[torch.Tensor] = []

    def forward(self, source: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        self.told.append(conditions)
        return source


@pytest.fixture
def a_timed_network():
    torch.manual_seed(0)
    network = build_network(**TIMED_UNET)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3)
    return network


def told_with(timing):
    network = Listening()
    result = synthesize(a_scan(), a_model(network, timing=TIMING), on_cpu(timing=timing, uncertainty=True))
    return network.told, result


def test_every_patch_is_told_the_conditions_of_the_timing():
    timing = Timing(98.0, 4500.0, 15.0)
    told, result = told_with(timing)
    expected = torch.tensor([TimingRanges(**TIMING).conditions(timing)])
    assert len(told) > 1 and all(torch.equal(each, expected) for each in told)
    assert result.timing == timing and result.warnings == ()


def test_an_unknown_timing_is_told_as_zeros_with_the_usual_target():
    told, result = told_with(Timing())
    assert told[0][0, :4].tolist() == [0, 0, 0, 0]
    assert result.timing == Timing(target_te_ms=8)


def test_a_time_that_the_model_has_not_seen_gives_a_warning_and_the_nearest_target():
    _, result = told_with(Timing(te_ms=40.0, target_te_ms=90.0))
    assert ["40 ms" in result.warnings[0], "90 ms" in result.warnings[1]] == [True, True]
    assert result.timing == Timing(te_ms=40.0, target_te_ms=40)


@pytest.mark.parametrize(
    "normalization",
    [{"kind": "robust", "target_to_source": 2.5}, {"kind": "zscore", "target_mean": 1.5, "target_std": 0.5}],
)
def test_another_target_echo_changes_the_scale_as_tissue_decays(normalization):
    usual, late = (
        synthesize(a_scan(), a_model(Listening(), normalization=normalization, timing=TIMING), on_cpu(timing=timing))
        for timing in (Timing(), Timing(target_te_ms=25.0))
    )
    np.testing.assert_allclose(late.volume.voxels, math.exp(-17 / 85) * usual.volume.voxels, rtol=1e-5)


def test_the_uncertainty_is_on_the_scale_of_its_target_echo(a_timed_network):
    model = a_model(a_timed_network, timing=TIMING)
    spread = synthesize(a_scan(), model, on_cpu(uncertainty=True, timing=Timing(target_te_ms=40.0))).uncertainty
    assert spread.voxels.max() > 0
    brighter = TIMING | {"usual_target_te_ms": 40}
    unscaled = synthesize(
        a_scan(), a_model(a_timed_network, timing=brighter), on_cpu(uncertainty=True, timing=Timing())
    ).uncertainty
    np.testing.assert_allclose(spread.voxels, math.exp(-32 / 85) * unscaled.voxels, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("inference", [PATCHES, WHOLE], ids=["patches", "whole"])
@pytest.mark.parametrize("change", [{"target_te_ms": 30.0}, {"te_ms": 70.0}, {"tr_ms": 2500.0}])
def test_each_time_changes_the_result(a_timed_network, inference, change):
    model = a_model(a_timed_network, inference, timing=TIMING)
    plain, other = (synthesize(a_scan(), model, on_cpu(timing=t)).volume.voxels for t in (Timing(), Timing(**change)))
    rescaled = other * np.float32(plain.std() / other.std())
    assert np.abs(rescaled - plain).max() > 0.01 * plain.max()


def test_the_same_timing_gives_the_same_result_again_and_leaves_the_model_as_it_was(a_timed_network):
    model = a_model(a_timed_network, timing=TIMING)
    first = synthesize(a_scan(), model, on_cpu(timing=Timing(te_ms=70.0)))
    synthesize(a_scan(), model, on_cpu(timing=Timing(te_ms=120.0)))
    again = synthesize(a_scan(), model, on_cpu(timing=Timing(te_ms=70.0)))
    np.testing.assert_array_equal(first.volume.voxels, again.volume.voxels)
    assert model.network is a_timed_network


def test_a_model_without_timing_gives_bit_for_bit_the_same_whatever_the_scan_s_times():
    torch.manual_seed(0)
    network = build_network("residual-unet", {"widths": [2, 3], "blocks": [1, 1], "slice_strides": [1]})
    nn.init.normal_(network.head.weight)
    plain, timed = (
        synthesize(a_scan(), a_model(network), on_cpu(timing=timing)) for timing in (Timing(), Timing(98.0, 4500.0))
    )
    np.testing.assert_array_equal(plain.volume.voxels, timed.volume.voxels)
    assert plain.timing is None and timed.timing is None and timed.warnings == ()


def test_a_model_without_timing_cannot_be_asked_for_an_echo_time():
    with pytest.raises(InputError, match="found 15 ms") as refused:
        synthesize(a_scan(), a_model(), on_cpu(timing=Timing(target_te_ms=15.0)))
    assert refused.value.code == "bad_timing"
