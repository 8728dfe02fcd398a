"""Half precision is used where the device has it and the network's answers stay what they are."""

import numpy as np
import pytest
import torch
from torch import nn

from mrsynth import memory_fallback, precision
from mrsynth.errors import InputError
from mrsynth.memory_fallback import CPU, PatchPredictor
from mrsynth.networks.paper_generator import PaperGenerator
from mrsynth.networks.residual_unet import ResidualUNet
from mrsynth.precision import LARGEST_ERROR, computing_in, half_type, precision_error

GPU = torch.device("cuda", 0)
SAMPLE = np.random.default_rng(0).normal(0, 1, (6, 6, 4)).astype(np.float32)


class Halved(nn.Module):
    """Adds an error to its input in half precision."""

    half_precision_on = ("cpu",)

    def __init__(self, error: float) -> None:
        super().__init__()
        self.error = error
        self.halves: list[bool] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.halves.append(torch.is_autocast_enabled("cpu"))
        return x + self.error * x.flip(2) if self.halves[-1] else x


@pytest.fixture
def a_cpu_with_bfloat16(monkeypatch):
    monkeypatch.setattr(memory_fallback, "half_type", lambda device: torch.bfloat16)


@pytest.mark.parametrize(("error", "precision"), [(0.01, "bfloat16"), (0.04, "float32"), (np.inf, "float32")])
def test_half_precision_is_kept_if_its_error_is_small(a_cpu_with_bfloat16, error, precision):
    network = Halved(error)
    predictor = PatchPredictor(network, CPU)
    predictor.use_half_precision(SAMPLE)
    assert predictor.precision == precision
    assert network.halves == [False, True]
    predictor.predict(SAMPLE[None])
    assert network.halves[-1] == (precision == "bfloat16")


@pytest.mark.parametrize(
    ("error", "of_estimate", "precision"),
    [(0.01, 0.5, "bfloat16"), (0.04, 0.0, "float32"), (0.0, np.inf, "float32")],
)
def test_the_result_decides_on_half_precision_and_its_estimated_error_must_be_finite(
    a_cpu_with_bfloat16, error, of_estimate, precision
):
    class Estimating(Halved):
        estimates_error = True

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            answer = super().forward(x)
            return torch.cat([answer, x.abs() + of_estimate if self.halves[-1] else x.abs()], dim=1)

    predictor = PatchPredictor(Estimating(error), CPU)
    predictor.use_half_precision(SAMPLE)
    assert predictor.precision == precision


def test_a_network_that_does_not_gain_stays_as_it_is(a_cpu_with_bfloat16):
    network = Halved(0)
    network.half_precision_on = ("cuda",)
    predictor = PatchPredictor(network, CPU)
    predictor.use_half_precision(SAMPLE)
    PatchPredictor(nn.Identity(), CPU).use_half_precision(SAMPLE)
    assert (predictor.precision, network.halves) == ("float32", [])


def test_a_device_without_half_precision_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(memory_fallback, "half_type", lambda device: None)
    network = Halved(0)
    predictor = PatchPredictor(network, CPU)
    predictor.use_half_precision(SAMPLE)
    assert (predictor.precision, network.halves) == ("float32", [])


def test_a_network_that_is_broken_in_full_precision_is_told_of(a_cpu_with_bfloat16):
    class Broken(Halved):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * torch.nan

    with pytest.raises(InputError, match="NaN"):
        PatchPredictor(Broken(0), CPU).use_half_precision(SAMPLE)


def test_the_cpu_that_takes_over_computes_in_full_precision(monkeypatch):
    elsewhere = torch.device("meta")
    monkeypatch.setattr(memory_fallback, "half_type", lambda device: torch.bfloat16)
    monkeypatch.setattr(memory_fallback, "computing_in", lambda device, half: precision.nullcontext())

    class Full(nn.Module):
        half_precision_on = ("meta",)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.device == elsewhere and len(seen) >= 2:
                raise MemoryError
            seen.append(x.device)
            return torch.ones(x.shape)

    seen: list[torch.device] = []
    predictor = PatchPredictor(Full(), elsewhere, batch_size=1)
    predictor.use_half_precision(SAMPLE)
    assert predictor.precision == "bfloat16"
    predictor.predict(SAMPLE[None])
    assert (predictor.device, predictor.precision) == (CPU, "float32")


def test_types_of_half_precision(monkeypatch):
    assert half_type(GPU) is torch.float16
    assert half_type(torch.device("mps")) is None
    for has in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has=has: has, raising=False)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)
        assert half_type(CPU) is (torch.bfloat16 if has else None)


def test_a_pytorch_that_does_not_know_its_cpu_has_no_half_precision(monkeypatch):
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert half_type(CPU) is None


def test_full_precision_is_full_on_graphics_cards_too():
    before = torch.backends.cudnn.allow_tf32
    with computing_in(GPU, None):
        assert not torch.backends.cudnn.allow_tf32
        assert torch.backends.cudnn.enabled
    assert torch.backends.cudnn.allow_tf32 == before
    with computing_in(CPU, None):
        assert not torch.is_autocast_enabled("cpu")
    with computing_in(CPU, torch.bfloat16):
        assert torch.get_autocast_dtype("cpu") is torch.bfloat16


def test_the_error_is_a_share_of_the_exact_results_deviation():
    exact = np.array([0.0, 2.0], np.float32)
    assert precision_error(exact + np.float32(0.5), exact) == pytest.approx(0.5)
    assert precision_error(np.zeros(3), np.zeros(3)) == 0
    assert precision_error(np.ones(3), np.zeros(3)) > LARGEST_ERROR


def test_the_default_network_in_bfloat16_stays_below_the_bound():
    torch.manual_seed(0)
    network = ResidualUNet((8, 8), (1, 1), (1,), fold=2).eval()
    nn.init.normal_(network.head.weight, 0, 0.1)
    source = torch.rand(1, 1, 16, 16, 4)
    with torch.inference_mode():
        exact = network(source).numpy()
        with computing_in(CPU, torch.bfloat16):
            assert 0 < precision_error(network(source).numpy(), exact) < LARGEST_ERROR


def test_networks_say_where_they_gain():
    assert ResidualUNet.half_precision_on == ("cpu", "cuda")
    assert PaperGenerator.half_precision_on == ("cuda",)
