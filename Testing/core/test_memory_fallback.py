"""When memory runs out the work goes on in smaller portions, and says so."""

import numpy as np
import pytest
import torch
from torch import nn

from mrsynth import memory_fallback
from mrsynth.errors import InputError
from mrsynth.memory_fallback import CPU, CPU_BATCH_VOXELS, PatchPredictor, is_out_of_memory

# Stands for a GPU: a device every PyTorch has, whose failure the networks below play.
A_GPU = torch.device("meta")
PATCHES = np.arange(10 * 8, dtype=np.float32).reshape(10, 2, 2, 2)


class Greedy(nn.Module):
    """Adds one to its input, and runs out of memory on batches above a limit, or on any but the CPU."""

    def __init__(self, error: Exception, limit: int, only_cpu: bool = False) -> None:
        super().__init__()
        self.error, self.limit, self.only_cpu = error, limit, only_cpu
        self.batches: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(x))
        if len(x) > self.limit or (self.only_cpu and x.device != CPU):
            raise self.error
        return x + 1


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    MemoryError(),
    RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB)"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried ..."),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes."),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
]


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_the_batch_is_halved_until_it_fits_and_stays_so(error):
    network = Greedy(error, limit=2)
    predictor = PatchPredictor(network, CPU, batch_size=8)
    np.testing.assert_array_equal(predictor.predict(PATCHES), PATCHES + 1)
    assert network.batches == [8, 4, 2, 2, 2, 2, 2]
    assert predictor.batch_size(8) == 2
    assert predictor.warnings == ("cpu ran short of memory: continued with batches of 2",)


def test_all_channels_that_are_asked_for_come_in_the_halved_batches():
    class Twofold(Greedy):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([super().forward(x), 2 * x], dim=1)

    network = Twofold(MemoryError(), limit=2)
    found = PatchPredictor(network, CPU, batch_size=8).predict_channels(PATCHES, 2)
    np.testing.assert_array_equal(found, np.stack([PATCHES + 1, 2 * PATCHES], axis=1))
    assert found.dtype == np.float32
    assert network.batches == [8, 4, 2, 2, 2, 2, 2]
    np.testing.assert_array_equal(PatchPredictor(network, CPU).predict(PATCHES[:2]), PATCHES[:2] + 1)


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_when_not_even_one_patch_fits_the_cpu_goes_on(error):
    network = Greedy(error, limit=10, only_cpu=True)
    predictor = PatchPredictor(network, A_GPU, batch_size=4)
    np.testing.assert_array_equal(predictor.predict(PATCHES), PATCHES + 1)
    assert network.batches == [4, 2, 1, 4, 4, 2]
    assert predictor.device == CPU
    assert predictor.warnings == ("meta could not take one patch of (2, 2, 2) voxels: continued on the CPU",)


def test_memory_that_a_failed_pass_left_in_the_gpu_s_cache_is_given_back(monkeypatch):
    given_back = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: given_back.append(True))
    monkeypatch.setattr(PatchPredictor, "_batch", lambda self, patches: torch.from_numpy(patches)[:, None])
    predictor = PatchPredictor(Greedy(MemoryError(), limit=5), torch.device("cuda", 0), batch_size=10)
    np.testing.assert_array_equal(predictor.predict(PATCHES), PATCHES + 1)
    assert given_back == [True]


def test_an_operation_that_a_gpu_lacks_is_done_on_the_cpu():
    lacking = NotImplementedError("The operator 'aten::conv3d' is not currently implemented for the MPS device")
    predictor = PatchPredictor(Greedy(lacking, limit=10, only_cpu=True), A_GPU, batch_size=1)
    np.testing.assert_array_equal(predictor.predict(PATCHES), PATCHES + 1)
    assert predictor.device == CPU


def test_a_network_that_does_not_fit_on_the_gpu_starts_on_the_cpu():
    class Bulky(Greedy):
        def to(self, device, **keywords):
            if device != CPU:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().to(device, **keywords)

    predictor = PatchPredictor(Bulky(MemoryError(), limit=10), A_GPU)
    assert predictor.device == CPU
    assert predictor.warnings == ("meta could not take the network: continued on the CPU",)


def test_another_error_in_moving_a_network_is_passed_on():
    class Broken(nn.Module):
        def to(self, device, **keywords):
            raise RuntimeError("CUDA error: device-side assert triggered")

    with pytest.raises(RuntimeError, match="device-side assert"):
        PatchPredictor(Broken(), A_GPU)


def test_when_not_even_the_cpu_can_hold_a_patch_the_error_names_it():
    predictor = PatchPredictor(Greedy(MemoryError(), limit=0), CPU, batch_size=2)
    with pytest.raises(MemoryError, match=r"one patch of \(2, 2, 2\) voxels"):
        predictor.predict(PATCHES)


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), NotImplementedError("no such layer")], ids=str)
def test_any_other_error_is_passed_on(error):
    with pytest.raises(type(error), match=str(error)):
        PatchPredictor(Greedy(error, limit=0), CPU).predict(PATCHES)


def test_numbers_that_are_not_finite_are_refused():
    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x / 0

    with pytest.raises(InputError, match="found NaN or infinity") as caught:
        PatchPredictor(Broken(), CPU).predict(PATCHES)
    assert caught.value.code == "bad_weights"


def test_an_estimate_that_is_not_finite_is_refused_where_it_is_asked_for():
    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([x, torch.full_like(x, torch.nan)], dim=1)

    predictor = PatchPredictor(Broken(), CPU)
    np.testing.assert_array_equal(predictor.predict(PATCHES), PATCHES)
    with pytest.raises(InputError, match="found NaN or infinity"):
        predictor.predict_channels(PATCHES, 2)


def test_a_cpu_takes_a_few_patches_for_each_core_and_never_so_many_that_stopping_takes_long():
    most = CPU_BATCH_VOXELS // 32**3 * torch.get_num_threads()
    assert PatchPredictor(nn.Identity(), CPU).batch_size(32**3) == most
    assert PatchPredictor(nn.Identity(), CPU, batch_size=1).batch_size(32**3) == 1
    assert PatchPredictor(nn.Identity(), CPU, batch_size=100).batch_size(32**3) == most
    assert PatchPredictor(nn.Identity(), CPU, batch_size=100).batch_size(2 * CPU_BATCH_VOXELS) == 1


def test_a_gpu_takes_as_many_patches_as_told_or_as_keep_it_busy():
    assert PatchPredictor(nn.Identity(), A_GPU).batch_size(32**3) > 1
    assert PatchPredictor(nn.Identity(), A_GPU).batch_size(10**9) == 1
    assert PatchPredictor(nn.Identity(), A_GPU, batch_size=100).batch_size(32**3) == 100


@pytest.mark.parametrize("device", [A_GPU, CPU])
def test_fewer_patches_are_taken_where_little_memory_is_free_which_is_asked_for_once(device, monkeypatch):
    asked = []

    def affordable(device: torch.device, most: int, bytes_per_voxel: int) -> int:
        asked.append(device)
        return 3 * 32**3

    monkeypatch.setattr(memory_fallback, "affordable_voxels", affordable)
    predictor = PatchPredictor(nn.Identity(), device)
    assert [predictor.batch_size(32**3) for _ in range(2)] == [3, 3]
    assert asked == [device]


def test_the_network_is_put_in_evaluation_mode_and_sees_one_channel_in_channels_last_order():
    class Looking(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.seen = x.shape, x.is_contiguous(memory_format=torch.channels_last_3d), x.stride(1)
            return x

    network = Looking().train()
    PatchPredictor(network, CPU).predict(PATCHES[:1])
    assert not network.training
    assert network.seen == ((1, 1, 2, 2, 2), True, 1)


def test_only_what_speaks_of_memory_counts_as_out_of_memory():
    assert all(map(is_out_of_memory, ERRORS))
    assert not is_out_of_memory(RuntimeError("expected 5 dimensions"))
    assert not is_out_of_memory(ValueError("out of memory"))
