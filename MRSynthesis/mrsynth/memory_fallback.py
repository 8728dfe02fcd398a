"""Batches of patches through a network, on less memory when memory runs out."""

import numpy as np
import torch
from torch import nn

from mrsynth.errors import InputError

CPU = torch.device("cpu")
# What a batch holds by default: on a GPU enough to keep it busy; on a CPU single patches are fastest (cache).
GPU_BATCH_VOXELS = 2**19
# And at most on a CPU, so that one layer, between two looks at whether to stop, stays well below a second.
CPU_BATCH_VOXELS = 2**16
# What allocators say that raise a plain RuntimeError: CUDA and MPS; the CPU's on Linux, and on Windows; cuDNN.
OUT_OF_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")


class PatchPredictor:
    """Runs a network on batches of patches and falls back step by step: half the batch, ..., one patch, the CPU.

    Args:
        network: Maps (N, 1, X, Y, Z) to the same shape; moved to the device and put in evaluation mode.
        device: Where to begin.
        batch_size: Patches at a time, or None for what suits the device.

    Attributes:
        device: Where the network is now.
    """

    def __init__(self, network: nn.Module, device: torch.device, batch_size: int | None = None) -> None:
        self._network = network.eval()
        self._batch_size = batch_size
        self._retreats: list[str] = []
        self._limit: int | None = None
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
            size = min(self._batch_size or 1, CPU_BATCH_VOXELS // patch_voxels)
        else:
            size = self._batch_size or GPU_BATCH_VOXELS // patch_voxels
        return max(1, size if self._limit is None else min(size, self._limit))

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
        answers: list[np.ndarray] = []
        done = 0
        while done < len(patches):
            size = min(self.batch_size(patches[0].size), len(patches) - done)
            answer = self._try(patches[done : done + size])
            if answer is None:
                # Only here, outside the handler, has the failed pass let go of its tensors.
                self._retreat(size, patches.shape[1:])
            else:
                answers.append(answer)
                done += size
        return answers[0] if len(answers) == 1 else np.concatenate(answers)

    def _try(self, patches: np.ndarray) -> np.ndarray | None:
        """Return the answers, or None if there is not enough memory (or not the operation) for them on this device."""
        try:
            return self._run(patches)
        except (MemoryError, RuntimeError) as error:
            if not (is_out_of_memory(error) or self._lacks_operation(error)):
                raise
        return None

    def _run(self, patches: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            answer = self._network(self._batch(patches))[:, 0].float().cpu().numpy()  # (N, X, Y, Z)
        if not np.isfinite(answer).all():
            raise InputError("expected finite numbers from the network, found NaN or infinity", code="bad_weights")
        return answer

    def _batch(self, patches: np.ndarray) -> torch.Tensor:
        """Return patches as (N, 1, X, Y, Z) on the device."""
        if self.device != CPU:
            return torch.from_numpy(patches)[:, None].to(self.device)
        # The channel is the last axis in memory: contiguous() leaves a single channel where it is, and convolutions
        # that are not in channels-last order take many times longer on a CPU.
        return torch.from_numpy(patches)[..., None].permute(0, 4, 1, 2, 3)

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
        self._limit = None
        self._move_to(CPU)

    def _move_to(self, device: torch.device) -> None:
        self.device = device
        memory_format = torch.channels_last_3d if device == CPU else torch.contiguous_format
        self._network.to(device, memory_format=memory_format)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out: by its type or, for allocators without one, in words."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in OUT_OF_MEMORY_WORDS)
