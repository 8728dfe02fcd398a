"""Parts of a pass through a network on several cores: each in a thread of its own.

PyTorch lets all threads do each operation together. Where a pass is made of many small ones, they wait for each other
more than they work, and all the more on a machine that does something else as well.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Part = TypeVar("Part")
Answer = TypeVar("Answer")


def in_threads(function: Callable[[Part], Answer], parts: Sequence[Part]) -> list[Answer]:
    """Apply a function to each part, as many at a time as PyTorch has threads here.

    Several parts are taken without gradients. A single one is the caller's own business: it has all threads.

    Args:
        function: Safe to be called by several threads at once.
        parts: What it is called with.
    """
    threads = torch.get_num_threads()
    if min(threads, len(parts)) <= 1:
        return [function(part) for part in parts]
    # Each thread has modes of its own.
    inference, half = torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")
    half_type = torch.get_autocast_dtype("cpu")

    def apply(part: Part) -> Answer:
        with torch.inference_mode(inference), torch.no_grad(), torch.autocast("cpu", half_type, enabled=half):
            return function(part)

    try:
        pool = ThreadPoolExecutor(min(threads, len(parts)), initializer=torch.set_num_threads, initargs=(1,))
        with pool:
            return list(pool.map(apply, parts))
    finally:
        torch.set_num_threads(threads)  # what is set in one thread is the default of those that begin later
