"""What a process asks of the system's memory, and what it gives back."""

import sys
import weakref
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from mrsynth import process_memory
from mrsynth.process_memory import ask_for_large_pages, give_back_memory


def test_large_pages_are_asked_for_unless_the_user_has_decided(monkeypatch):
    monkeypatch.delenv("THP_MEM_ALLOC_ENABLE", raising=False)
    ask_for_large_pages()
    assert process_memory.os.environ["THP_MEM_ALLOC_ENABLE"] == "1"
    monkeypatch.setenv("THP_MEM_ALLOC_ENABLE", "0")
    ask_for_large_pages()
    assert process_memory.os.environ["THP_MEM_ALLOC_ENABLE"] == "0"


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator is another one")
def test_memory_that_nobody_uses_goes_back_to_the_system():
    pieces = [np.ones(1000) for _ in range(20_000)]  # 160 MB that the allocator keeps when they are freed
    last = np.ones(1000)  # above them, so that they are not given back by themselves
    held = psutil.Process().memory_info().rss
    del pieces
    give_back_memory()
    assert held - psutil.Process().memory_info().rss > 100e6
    assert last.sum() == 1000


def test_objects_that_hold_each_other_are_dissolved():
    class Held:
        pass

    one = Held()
    one.itself = one
    trace = weakref.ref(one)
    del one
    give_back_memory()
    assert trace() is None


@pytest.mark.parametrize("used", [False, True])
def test_a_graphics_card_that_was_used_is_given_back_too(monkeypatch, used):
    emptied = []
    cuda = SimpleNamespace(is_initialized=lambda: used, empty_cache=lambda: emptied.append(True))
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    give_back_memory()
    assert emptied == [True] * used


def test_a_system_without_the_call_is_left_alone(monkeypatch):
    monkeypatch.setattr(process_memory.ctypes, "CDLL", lambda name: SimpleNamespace())
    give_back_memory()
    monkeypatch.setattr(process_memory.sys, "platform", "win32")
    give_back_memory()
