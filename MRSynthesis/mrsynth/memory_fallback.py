"""Batches of patches through a network, on less memory when memory runs out."""

import numpy as np
import torch
from torch import nn

from mrsynth.errors import InputError
from mrsynth.free_memory import affordable_voxels
from mrsynth.precision import LARGEST_ERROR, computing_in, half_type, precision_error

CPU = torch.device("cpu")
# What a batch holds at most, if there is the memory: on a GPU enough to keep it busy; on a CPU, for each of its cores,
# four patches of the paper's, which is little enough to look every other moment whether to stop.
GPU_BATCH_VOXELS = 2**19
CPU_BATCH_VOXELS = 2**17
BYTES_PER_VOXEL = 2048
# Devices whose convolutions are fastest with the channels as the last axis in memory.
CHANNELS_LAST = ("cpu", "cuda")
# What allocators say that raise a plain RuntimeError: CUDA and MPS; the CPU's on Linux, and on Windows; cuDNN.
OUT_OF_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")


class PatchPredictor:
    """Runs a network on batches of patches and falls back step by step: half the batch, ..., one patch, the CPU.

    Args:
        network: As ``networks.registry`` has them; moved to the device and put in evaluation mode.
        device: Where to begin.
        batch_size: Patches at a time, or None for what suits the device.

    Attributes:
        device: Where the network is now.
        estimates_error: Whether the network tells the absolute error that it expects, in a second channel.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.
    """

    def __init__(self, network: nn.Module, device: torch.device, batch_size: int | None = None) -> None:
        self._network = network.eval()
        self.estimates_error: bool = getattr(network, "estimates_error", False)
        self._batch_size = batch_size
        self._retreats: list[str] = []
        self._limit: int | None = None
        self._half: torch.dtype | None = None
        self._free_voxels: int | None = None
        try:
            self._move_to(device)
        except RuntimeError as error:  # another program may have filled the GPU
            if device == CPU or not is_out_of_memory(error):
                raise
            self._continue_on_cpu("the network")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was given up for lack of memory, one sentence for each device."""
        if self._limit is None:
            return tuple(self._retreats)
        return (*self._retreats, f"{self.device} ran short of memory: continued with batches of {self._limit}")

    def batch_size(self, patch_voxels: int) -> int:
        """Return how many patches of a size go through the network at a time."""
        if self.device.type == "cpu":
            cores = torch.get_num_threads()
            most = min(CPU_BATCH_VOXELS // patch_voxels * cores, self._free(cores * CPU_BATCH_VOXELS) // patch_voxels)
            size = min(self._batch_size or most, most)
        else:
            size = self._batch_size or self._free(GPU_BATCH_VOXELS) // patch_voxels
        return max(1, size if self._limit is None else min(size, self._limit))

    @property
    def precision(self) -> str:
        return str(self._half or torch.float32).removeprefix("torch.")

    def use_half_precision(self, sample: np.ndarray) -> None:
        """Compute in half precision from now on, if device and network gain by it and a sample shows little error.

        Of the error that a network may estimate only finite numbers are asked.

        Args:
            sample: A typical patch, float32, shape (X, Y, Z).

        Raises:
            MemoryError: If not even this fits on the CPU.
            InputError: Code ``bad_weights``, if the network returns values that are not finite.
        """
        half = half_type(self.device)
        if half is None or self.device.type not in getattr(self._network, "half_precision_on", ()):
            return
        channels = 1 + self.estimates_error
        exact = self.predict_channels(sample[None], channels)[:, 0]
        self._half = half
        try:
            close = precision_error(self.predict_channels(sample[None], channels)[:, 0], exact) <= LARGEST_ERROR
        except InputError:  # a number was too large for half precision
            close = False
        if not close:
            self._half = None

    def predict(self, patches: np.ndarray) -> np.ndarray:
        """Return the network's answers for a batch of patches.

        Args:
            patches: float32, C-contiguous, shape (N, X, Y, Z).

        Returns:
            float32 array of the same shape.

        Raises:
            MemoryError: If not even one patch fits on the CPU.
            InputError: Code ``bad_weights``, if the network returns values that are not finite.
        """
        return self.predict_channels(patches, 1)[:, 0]

    def predict_channels(self, patches: np.ndarray, channels: int) -> np.ndarray:
        """Return as `predict` does the first channels of the answers, float32, shape (N, channels, X, Y, Z)."""
        answers: list[np.ndarray] = []
        done = 0
        while done < len(patches):
            size = min(self.batch_size(patches[0].size), len(patches) - done)
            answer = self._try(patches[done : done + size], channels)
            if answer is None:
                # Only here, outside the handler, has the failed pass let go of its tensors.
                self._retreat(size, patches.shape[1:])
            else:
                answers.append(answer)
                done += size
        return answers[0] if len(answers) == 1 else np.concatenate(answers)

    def _free(self, most: int) -> int:
        """Return how many voxels the device has the memory for, at most so many."""
        if self._free_voxels is None:  # asked once, as later on PyTorch holds some of the memory itself
            self._free_voxels = affordable_voxels(self.device, most, BYTES_PER_VOXEL)
        return self._free_voxels

    def _try(self, patches: np.ndarray, channels: int) -> np.ndarray | None:
        """Return the answers, or None if there is not enough memory (or not the operation) for them on this device."""
        try:
            return self._run(patches, channels)
        except (MemoryError, RuntimeError) as error:
            if not (is_out_of_memory(error) or self._lacks_operation(error)):
                raise
        return None

    def _run(self, patches: np.ndarray, channels: int) -> np.ndarray:
        with torch.inference_mode(), computing_in(self.device, self._half):
            answer = self._network(self._batch(patches))[:, :channels].float().cpu().numpy()
        if not np.isfinite(answer).all():
            raise InputError("expected finite numbers from the network, found NaN or infinity", code="bad_weights")
        return answer

    def _batch(self, patches: np.ndarray) -> torch.Tensor:
        """Return patches as (N, 1, X, Y, Z) on the device."""
        if self.device.type not in CHANNELS_LAST:
            return torch.from_numpy(patches)[:, None].to(self.device)
        # The channel is the last axis in memory: contiguous() leaves a single channel where it is, and convolutions
        # that are not in channels-last order take many times longer on a CPU.
        return torch.from_numpy(patches)[..., None].to(self.device).permute(0, 4, 1, 2, 3)

    def _lacks_operation(self, error: BaseException) -> bool:
        return self.device != CPU and isinstance(error, NotImplementedError)

    def _retreat(self, size: int, patch: tuple[int, ...]) -> None:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if size > 1:
            self._limit = size // 2
            return
        if self.device == CPU:
            raise MemoryError(f"expected enough memory for one patch of {patch} voxels, found too little on the CPU")
        self._continue_on_cpu(f"one patch of {patch} voxels")

    def _continue_on_cpu(self, burden: str) -> None:
        self._retreats.append(f"{self.device} could not take {burden}: continued on the CPU")
        self._limit = self._half = None
        self._move_to(CPU)

    def _move_to(self, device: torch.device) -> None:
        self.device = device
        self._free_voxels = None
        last = device.type in CHANNELS_LAST
        self._network.to(device, memory_format=torch.channels_last_3d if last else torch.contiguous_format)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out: by its type or, for allocators without one, in words."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in OUT_OF_MEMORY_WORDS)
