"""How a process asks the system for the memory of large arrays, and gives it back."""

import ctypes
import gc
import os
import sys

_LARGE_PAGES = "THP_MEM_ALLOC_ENABLE"


def ask_for_large_pages() -> None:
    """Let PyTorch, once it is imported, ask for pages of 2 MB where the system has them (Linux).

    A layer's result is tens of megabytes that are used once. In pages of 4 kB, fetching them takes up to a third of a
    pass through a network.
    """
    os.environ.setdefault(_LARGE_PAGES, "1")


def give_back_memory() -> None:
    """Return to the system, and to a GPU's other users, what is held for later but in use by nobody."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has not
        if trim is not None:
            trim(0)
