"""Mini-batches of prepared patches, epoch by epoch: each follows from the seed, the epoch and its number alone."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mrsynth.errors import InputError
from mrsynth_training.process_group import ProcessGroup

READ_AHEAD = 3  # mini-batches; reading one takes a small part of the time of a step, but a disk may pause

Patch = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class PatchBatch:
    """This process's part of a mini-batch.

    Attributes:
        source: float32 (n, 1, in-plane, in-plane, slice).
        target: The same of the other contrast.
        real: Which of the patches, bool (n,), the discriminator is shown with their real target: those in the first
            half of the whole mini-batch, rounded up. The others it is shown with a synthetic one.
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

    def like(self, weight: Tensor) -> "PatchBatch":
        """Return the same on a weight's device in its precision, copied while the device goes on if it can."""
        source, target = (t.to(weight.device, weight.dtype, non_blocking=True) for t in (self.source, self.target))
        return replace(self, source=source, target=target, real=self.real.to(weight.device, non_blocking=True))


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

    def __len__(self) -> int:
        """Mini-batches of an epoch."""
        return len(self.patches) // self.batch_size

    def epoch(self, number: int, start: int = 0) -> Iterator[PatchBatch]:
        """Yield this process's part of each mini-batch of an epoch.

        Args:
            number: Of the epoch, from 0.
            start: Mini-batches to pass over, because an earlier run saw them.
        """
        order = np.random.default_rng([self.seed, number]).permutation(len(self.patches))
        waiting: deque = deque()
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="patches") as reader:
            try:
                for batch in range(start, len(self)):
                    waiting.append(reader.submit(self._read, order[batch * self.batch_size :][: self.batch_size]))
                    if len(waiting) > READ_AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                reader.shutdown(cancel_futures=True)

    def _read(self, numbers: np.ndarray) -> PatchBatch:
        places = self.processes.share(np.arange(len(numbers)))
        pairs = [self.patches[int(number)] for number in numbers[places]]
        source, target = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*pairs, strict=True))
        real = torch.from_numpy(places < (len(numbers) + 1) // 2)
        if torch.cuda.is_available():  # only from there can a GPU copy while it computes
            source, target = source.pin_memory(), target.pin_memory()
        return PatchBatch(source, target, real, len(numbers))
