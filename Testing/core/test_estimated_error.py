"""A network that estimates its own error says what the uncertainty is, in the one pass that makes the result."""

import numpy as np
import pytest
import torch
from model_examples import TIMED_UNET, TIMING, TINY_UNET
from synthesis_examples import PATCHES, WHOLE, a_model, a_scan, on_cpu
from torch import nn

from mrsynth import memory_fallback
from mrsynth.errors import Cancelled
from mrsynth.networks.conditioned import Conditioned
from mrsynth.networks.identity import Identity
from mrsynth.networks.registry import build_network
from mrsynth.patches import patch_window
from mrsynth.synthesis import synthesize
from mrsynth.timing import Timing
from mrsynth.volume import Volume

OVERLAPPING = {**PATCHES, "stride": [2, 8, 4], "smooth_stride": [2, 8, 4]}
EVERY_WAY = [(PATCHES, "paper"), (PATCHES, "smooth"), (PATCHES, "draft"), (WHOLE, "smooth"), (WHOLE, "draft")]
WAY_NAMES = ["paper", "smooth", "draft", "whole", "whole draft"]
NORMALIZATIONS = {
    2.5: {"kind": "robust", "target_to_source": 2.5},
    0.5: {"kind": "zscore", "target_mean": 1.5, "target_std": 0.5},
}


class Estimating(nn.Module):
    """Blurs, so that an answer depends on where its patch ends, and expects an error; it counts what it sees."""

    size_multiple = (1, 1, 1)
    estimates_error = True

    def __init__(self, error) -> None:
        super().__init__()
        self.blur = nn.Conv3d(1, 1, 3, padding=1, bias=False)
        nn.init.constant_(self.blur.weight, 1 / 27)
        self.error = error
        self.batches: list[int] = []

    def forward(self, source: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(source))
        return torch.cat([self.blur(source), self.error(source)], dim=1)


class Silent(Estimating):
    """The same without an estimate."""

    estimates_error = False

    def forward(self, source: torch.Tensor) -> torch.Tensor:
        return super().forward(source)[:, :1]


class Unaware(Identity):
    """Blurs as well, and does not say whether it estimates an error."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Silent(constant)

    def forward(self, source: torch.Tensor) -> torch.Tensor:
        return self.network(source)


def constant(source: torch.Tensor) -> torch.Tensor:
    return torch.full_like(source, 0.25)


def proportional(source: torch.Tensor) -> torch.Tensor:
    return 0.1 * source


def rising(source: torch.Tensor) -> torch.Tensor:
    """From zero at one end of a patch to one at the other."""
    return torch.linspace(0, 1, source.shape[2])[:, None, None].expand_as(source)


def tissue_of(scan: Volume) -> float:
    return float(np.median(scan.voxels[scan.voxels > 0]))


@pytest.fixture
def a_unet():
    torch.manual_seed(0)
    network = build_network("residual-unet", {**TINY_UNET, "nonnegative": False, "estimates_error": True})
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.2)
    return network


@pytest.mark.parametrize(("inference", "mode"), EVERY_WAY, ids=WAY_NAMES)
@pytest.mark.parametrize("factor", NORMALIZATIONS)
def test_a_constant_estimate_is_the_uncertainty_everywhere_in_the_scan_s_units(inference, mode, factor):
    scan = a_scan((19, 11, 7))
    model = a_model(Estimating(constant), inference, NORMALIZATIONS[factor])
    uncertainty = synthesize(scan, model, on_cpu(mode=mode, uncertainty=True)).uncertainty
    expected = 0.25 * factor * tissue_of(scan)
    np.testing.assert_allclose(uncertainty.voxels, np.full(scan.shape, expected), rtol=1e-5)
    assert uncertainty.voxels.dtype == np.float32


@pytest.mark.parametrize("mode, window", [("paper", "mean"), ("smooth", "smooth")])
def test_the_estimates_of_overlapping_patches_are_averaged_like_the_result(mode, window):
    scan = a_scan((10, 8, 4))
    model = a_model(Estimating(rising), OVERLAPPING)
    found = synthesize(scan, model, on_cpu(mode=mode, uncertainty=True)).uncertainty.voxels
    weights, rise = patch_window((8, 8, 4), window), np.linspace(0, 1, 8)[:, None, None]
    total, weight = np.zeros(scan.shape), np.zeros(scan.shape)
    for start in (0, 2):
        total[start : start + 8] += weights * rise
        weight[start : start + 8] += weights
    np.testing.assert_allclose(found, total / weight * tissue_of(scan), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 4.0), (0.5, 0.5, 1.25)], ids=["one stack", "interleaved stacks"])
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("inference", [PATCHES, WHOLE], ids=["patches", "whole"])
def test_an_estimate_that_is_a_share_of_the_source_comes_back_in_place(spacing, axes, inference):
    scan = a_scan((18, 14, 13), spacing)
    affine = scan.affine[:, [*axes, 3]] @ np.diag([-1.0, 1.0, -1.0, 1.0])
    turned = Volume(np.ascontiguousarray(scan.voxels.transpose(axes)[::-1, :, ::-1]), affine)
    uncertainty = synthesize(turned, a_model(Estimating(proportional), inference), on_cpu(uncertainty=True)).uncertainty
    np.testing.assert_allclose(uncertainty.voxels, 0.1 * turned.voxels, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(uncertainty.affine, turned.affine)


@pytest.mark.parametrize(("inference", "mode"), EVERY_WAY, ids=WAY_NAMES)
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 4.0), (0.5, 0.5, 1.25)], ids=["one stack", "interleaved stacks"])
def test_asking_for_the_estimate_does_not_change_the_result(a_unet, inference, mode, spacing):
    scan, model = a_scan((18, 13, 9), spacing), a_model(a_unet, inference)
    plain, asked = (synthesize(scan, model, on_cpu(mode=mode, uncertainty=asked)) for asked in (False, True))
    assert plain.uncertainty is None
    assert np.array_equal(plain.volume.voxels, asked.volume.voxels) and np.ptp(plain.volume.voxels) > 0
    assert asked.uncertainty.voxels.min() >= 0 and np.ptp(asked.uncertainty.voxels) > 0


@pytest.mark.parametrize("inference", [PATCHES, WHOLE], ids=["patches", "whole"])
def test_an_estimate_is_not_part_of_the_result(inference):
    silent, estimating = (
        synthesize(a_scan(), a_model(network(rising), inference), on_cpu(uncertainty=True))
        for network in (Silent, Estimating)
    )
    assert np.array_equal(silent.volume.voxels, estimating.volume.voxels)
    assert not np.allclose(silent.uncertainty.voxels, estimating.uncertainty.voxels, rtol=0.1)


@pytest.mark.parametrize("inference", [PATCHES, WHOLE], ids=["patches", "whole"])
def test_a_network_without_an_estimate_disagrees_with_itself_whether_it_says_so_or_not(inference):
    scan = a_scan((40, 33, 17))
    silent, unaware = (
        synthesize(scan, a_model(network, inference), on_cpu(uncertainty=True))
        for network in (Silent(constant), Unaware())
    )
    assert np.array_equal(silent.uncertainty.voxels, unaware.uncertainty.voxels)
    assert silent.uncertainty.voxels.max() > 0


@pytest.mark.parametrize("inference", [PATCHES, WHOLE], ids=["patches", "whole"])
def test_an_estimate_takes_no_further_pass_and_progress_counts_none(inference):
    told, batches = [], []
    for uncertainty in (False, True):
        network, steps = Estimating(rising), []
        options = on_cpu(uncertainty=uncertainty, batch_size=3)
        synthesize(a_scan((40, 33, 17), (1.0, 1.0, 2.0)), a_model(network, inference), options, steps.append)
        told.append([(step.done, step.total) for step in steps])
        batches.append(network.batches)
    assert told[0] == told[1] and told[0][-1][0] == told[0][-1][1]
    assert batches[0] == batches[1]


def test_a_network_without_an_estimate_takes_further_passes():
    counts = []
    for network in (Silent(rising), Estimating(rising)):
        synthesize(a_scan(), a_model(network), on_cpu(uncertainty=True))
        counts.append(sum(network.batches))
    assert counts[0] == 2 * counts[1]


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_a_run_with_an_estimate_is_cancelled_between_batches(allowed):
    steps, options = [], on_cpu(batch_size=1, uncertainty=True)
    with pytest.raises(Cancelled):
        synthesize(a_scan(), a_model(Estimating(rising)), options, steps.append, cancelled=lambda: len(steps) > allowed)
    assert len(steps) == allowed + 1


def test_short_memory_halves_the_batches_of_result_and_estimate_alike():
    class Greedy(Estimating):
        def forward(self, source: torch.Tensor) -> torch.Tensor:
            answer = super().forward(source)
            if len(source) > 1:
                raise torch.OutOfMemoryError("out of memory")
            return answer

    scan, options = a_scan(), on_cpu(batch_size=4, uncertainty=True)
    expected, found = (synthesize(scan, a_model(network(proportional)), options) for network in (Estimating, Greedy))
    assert found.warnings == ("cpu ran short of memory: continued with batches of 1",)
    np.testing.assert_allclose(found.volume.voxels, expected.volume.voxels, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(found.uncertainty.voxels, 0.1 * scan.voxels, rtol=1e-5, atol=1e-4)


def test_estimates_of_half_precision_are_averaged_in_single_precision(monkeypatch):
    monkeypatch.setattr(memory_fallback, "half_type", lambda device: torch.bfloat16)

    class Halved(Estimating):
        half_precision_on = ("cpu",)

        def forward(self, source: torch.Tensor) -> torch.Tensor:
            return torch.cat([source, self.error(source)], dim=1).bfloat16()

    scan = a_scan((10, 8, 4))
    model = a_model(Halved(rising), {**OVERLAPPING, "smooth_stride": None, "patch": [8, 8, 4]})
    made = synthesize(scan, model, on_cpu(mode="draft", uncertainty=True))
    assert made.precision == "bfloat16" and made.uncertainty.voxels.dtype == np.float32
    rounded = torch.linspace(0, 1, 8).bfloat16().float().numpy()
    window = patch_window((8, 8, 4), "smooth")[:, 4, 2]
    total, weight = np.zeros(10), np.zeros(10)
    for start in (0, 2):
        total[start : start + 8] += window * rounded
        weight[start : start + 8] += window
    np.testing.assert_allclose(made.uncertainty.voxels[:, 4, 2], total / weight * tissue_of(scan), rtol=1e-5, atol=1e-5)


def test_a_network_that_is_told_times_keeps_its_estimate():
    torch.manual_seed(0)
    network = build_network("residual-unet", {**TIMED_UNET["configuration"], "estimates_error": True})
    nn.init.constant_(network.head.bias, 0.7)
    told = Conditioned(network, [0.0] * 5)
    assert told.estimates_error and told(torch.zeros(1, 1, 4, 4, 2)).shape == (1, 2, 4, 4, 2)
    scan, options = a_scan(), on_cpu(uncertainty=True, timing=Timing())
    uncertainty = synthesize(scan, a_model(network, timing=TIMING), options).uncertainty
    expected = float(nn.functional.softplus(torch.tensor(0.7 - 3))) * tissue_of(scan)
    np.testing.assert_allclose(uncertainty.voxels, np.full(scan.shape, expected), rtol=1e-4)


@pytest.mark.parametrize("configuration", [{}, {"estimates_error": False}])
def test_a_network_that_is_told_times_and_has_no_estimate_says_so(configuration):
    network = build_network("residual-unet", {**TIMED_UNET["configuration"], **configuration})
    assert not Conditioned(network, [0.0] * 5).estimates_error
