"""The option ``--threads``, which several commands have."""

import argparse

from mrsynth.errors import InputError


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add the option to a command."""
    parser.add_argument("--threads", type=int, help="CPU threads (default: PyTorch's choice)")


def use_threads(threads: int | None) -> None:
    """Let PyTorch compute with so many CPU threads; as many as it likes if none are named.

    Raises:
        InputError: If there are fewer than one.
    """
    if threads is None:
        return
    if threads < 1:
        raise InputError(f"expected at least one CPU thread, found {threads}")
    import torch

    torch.set_num_threads(threads)
