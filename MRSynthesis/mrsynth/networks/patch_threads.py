"""Patches through a network on several cores: each in a thread of its own, from the first layer to the last.

PyTorch lets all threads do each operation together. Where a pass is made of many small ones, they wait for each other
more than they work, and all the more on a machine that does something else as well.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor


def in_threads(function: Callable[[Tensor], Tensor], parts: Sequence[Tensor]) -> list[Tensor]:
    """Apply a function to each part, without gradients; as many at a time as PyTorch has threads here.

    Args:
        function: Safe to be called by several threads at once.
        parts: What it is called with.
    """
    threads = torch.get_num_threads()
    if min(threads, len(parts)) <= 1:
        return [function(part) for part in parts]
    inference = torch.is_inference_mode_enabled()  # each thread has a mode of its own

    def apply(part: Tensor) -> Tensor:
        with torch.inference_mode(inference), torch.no_grad():
            return function(part)

    try:
        pool = ThreadPoolExecutor(min(threads, len(parts)), initializer=torch.set_num_threads, initargs=(1,))
        with pool:
            return list(pool.map(apply, parts))
    finally:
        torch.set_num_threads(threads)  # what is set in one thread is the default of those that begin later
