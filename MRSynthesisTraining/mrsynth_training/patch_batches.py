"""Mini-batches of prepared patches, epoch by epoch: each follows from the seed, the epoch and its number alone."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mrsynth.errors import InputError
from mrsynth.free_memory import affordable_voxels
from mrsynth_training.process_group import ProcessGroup

READ_AHEAD = 3  # mini-batches; reading one takes a small part of the time of a step, but a disk may pause
KEPT_ON = ("cuda",)  # types of devices that patches are kept on: those that would wait for a CPU to read them
READ_AT_ONCE = 64  # patches
BYTES_OF_PAIR = 8  # a voxel of source and target

Patch = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class PatchBatch:
    """This process's part of a mini-batch.

    Attributes:
        source: float32 (n, 1, in-plane, in-plane, slice).
        target: The same of the other contrast.
        real: Which of the patches, bool (n,) on the CPU, the discriminator is shown with their real target: those in
            the first half of the whole mini-batch, rounded up. The others it is shown with a synthetic one.
        size: Patches of the whole mini-batch, over all processes.
    """

    source: Tensor
    target: Tensor
    real: Tensor
    size: int

    @property
    def real_size(self) -> int:
        """Patches with a real target in the whole mini-batch."""
        return (self.size + 1) // 2

    @property
    def halves(self) -> tuple[Tensor, Tensor]:
        """Numbers of the patches with a real target and of the others, on the patches' device.

        They are counted on the CPU: a GPU would have to be waited for to know how many there are.
        """
        real, other = (torch.nonzero(mask)[:, 0] for mask in (self.real, ~self.real))
        return real.to(self.source.device), other.to(self.source.device)

    def like(self, weight: Tensor) -> "PatchBatch":
        """Return the same with patches on a weight's device in its precision, copied while that goes on if it can."""
        source, target = (t.to(weight.device, weight.dtype, non_blocking=True) for t in (self.source, self.target))
        return replace(self, source=source, target=target)


class PatchBatches:
    """All patches in random order, another one each epoch, in mini-batches that are read ahead in a thread.

    Of an incomplete last mini-batch nothing is seen in that epoch: it would weigh its patches more, and normalise them
    by too few.

    Args:
        patches: Source and target of each patch, (1, in-plane, in-plane, slice) float32.
        batch_size: Patches of a whole mini-batch.
        seed: Of the order.
        processes: Who shares the mini-batches.

    Raises:
        InputError: If there are fewer patches than one mini-batch, or fewer in half of one than processes.
    """

    def __init__(self, patches: Sequence[Patch], batch_size: int, seed: int, processes: ProcessGroup) -> None:
        if len(patches) < batch_size:
            raise InputError(f"expected at least one mini-batch of {batch_size} patches, found {len(patches)} patches")
        if batch_size < 2 * processes.size and processes.size > 1:
            found = f"{batch_size} patches for {processes.size} processes"
            raise InputError(f"expected mini-batches of at least two patches for each process, found {found}")
        self.patches, self.batch_size, self.seed, self.processes = patches, batch_size, seed, processes
        self._kept: tuple[Tensor, Tensor] | None = None

    def __len__(self) -> int:
        """Mini-batches of an epoch."""
        return len(self.patches) // self.batch_size

    def keep_on(self, device: torch.device) -> bool:
        """Read all patches into a GPU's memory, if that has room for them, and take mini-batches from there.

        Returns:
            Whether they are there; elsewhere, mini-batches are still read from the disk.

        Raises:
            OutOfMemoryError: Of PyTorch, if another program takes the memory meanwhile.
        """
        shape = self.patches[0][0].shape
        voxels = len(self.patches) * int(np.prod(shape))
        if device.type not in KEPT_ON or affordable_voxels(device, voxels, BYTES_OF_PAIR) < voxels:
            return False
        kept = tuple(torch.empty(len(self.patches), *shape, device=device) for _ in range(2))
        for start in range(0, len(self.patches), READ_AT_ONCE):
            numbers = range(start, min(start + READ_AT_ONCE, len(self.patches)))
            for whole, part in zip(kept, self._stacked(numbers), strict=True):
                whole[start : numbers.stop] = part
        self._kept = kept
        return True

    def epoch(self, number: int, start: int = 0) -> Iterator[PatchBatch]:
        """Yield this process's part of each mini-batch of an epoch.

        Args:
            number: Of the epoch, from 0.
            start: Mini-batches to pass over, because an earlier run saw them.
        """
        order = np.random.default_rng([self.seed, number]).permutation(len(self.patches))
        batches = [order[batch * self.batch_size :][: self.batch_size] for batch in range(start, len(self))]
        yield from self._read_ahead(batches) if self._kept is None else map(self._batch, batches)

    def _read_ahead(self, batches: Sequence[np.ndarray]) -> Iterator[PatchBatch]:
        waiting: deque = deque()
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="patches") as reader:
            try:
                for numbers in batches:
                    waiting.append(reader.submit(self._batch, numbers))
                    if len(waiting) > READ_AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                reader.shutdown(cancel_futures=True)

    def _batch(self, numbers: np.ndarray) -> PatchBatch:
        """Return this process's part of the mini-batch of the patches with some numbers."""
        places = self.processes.share(np.arange(len(numbers)))
        real = torch.from_numpy(places < (len(numbers) + 1) // 2)
        source, target = self._read(numbers[places]) if self._kept is None else self._taken(numbers[places])
        return PatchBatch(source, target, real, len(numbers))

    def _taken(self, numbers: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return sources and targets of kept patches."""
        index = torch.from_numpy(numbers).to(self._kept[0].device)
        return tuple(whole[index] for whole in self._kept)

    def _read(self, numbers: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return sources and targets of patches on the disk."""
        source, target = self._stacked(numbers)
        if torch.cuda.is_available():  # only from there can a GPU copy while it computes
            source, target = source.pin_memory(), target.pin_memory()
        return source, target

    def _stacked(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        pairs = [self.patches[int(number)] for number in numbers]
        return tuple(torch.from_numpy(np.stack(arrays)) for arrays in zip(*pairs, strict=True))
