"""A function on a thread: told once and on the main thread, and nothing is held afterwards."""

import gc
import threading
import weakref

import pytest
import slicer_host

slicer_host.install()

from freed import isFreed, noCollector, turns  # noqa: E402
from slicer_host.events import wait_until  # noqa: E402

from MRSynthesisLib.BackgroundTask import BackgroundTask  # noqa: E402
from MRSynthesisLib.Ticker import Ticker  # noqa: E402


class Owner:
    """Has a task, and is what the task calls."""

    def __init__(self, function=lambda: 3):
        self.told, self.threads = [], []
        self.function = function
        self.task = BackgroundTask(self.work, self.finished)

    def work(self):
        self.threads.append(threading.current_thread())
        return self.function()

    def finished(self, result, error):
        self.threads.append(threading.current_thread())
        # As text: an error remembers this object, which would keep itself.
        self.told.append((result, error and f"{type(error).__name__}: {error}"))

    def ended(self):
        self.task.start()
        assert self.told == []
        wait_until(lambda: self.told)
        return self


def failing():
    raise ValueError("no")


def test_a_result_is_told_once_on_the_main_thread():
    owner = Owner().ended()
    turns(0.05)
    assert owner.told == [(3, None)]
    assert owner.threads[0] is not owner.threads[1] is threading.main_thread()


def test_an_error_is_told_in_place_of_a_result():
    assert Owner(failing).ended().told == [(None, "ValueError: no")]


@pytest.mark.parametrize("function", [lambda: 3, failing])
def test_a_task_that_has_ended_holds_neither_itself_nor_its_owner(function):
    assert isFreed(lambda: Owner(function).ended())
    assert isFreed(lambda: Owner(function).ended().task)


def test_a_task_that_was_never_started_holds_nothing_in_qt():
    task = BackgroundTask(failing, lambda result, error: None)
    assert task._ticker._timer is None


def test_what_an_abandoned_task_holds_is_freed_on_the_main_thread_once_its_thread_has_ended():
    gate, freedOn = threading.Event(), []
    with noCollector():
        owner = Owner(gate.wait)
        weakref.finalize(owner, lambda: freedOn.append(threading.current_thread()))
        told = owner.told
        owner.task.start()
        owner.task.abandon()
        del owner
        turns(0.05)
        assert freedOn == []
        gate.set()
        wait_until(lambda: freedOn)
    assert freedOn == [threading.main_thread()] and told == []


def test_pythons_collector_rests_while_threads_run():
    """It would free nodes and widgets on a thread of ours."""
    gates, told = (threading.Event(), threading.Event()), []
    tasks = [BackgroundTask(gate.wait, lambda result, error: told.append(gc.isenabled())) for gate in gates]
    assert gc.isenabled()
    for task in tasks:
        task.start()
    assert not gc.isenabled()
    for number, gate in enumerate(gates, 1):
        gate.set()
        wait_until(lambda number=number: len(told) == number)
    assert told == [False, True] and gc.isenabled()


def test_a_collector_that_somebody_has_switched_off_stays_off():
    with noCollector():
        Owner().ended()
        assert not gc.isenabled()


def test_a_ticker_may_be_stopped_from_inside_and_is_silent_afterwards():
    calls = []

    class Clock:
        def __init__(self):
            self.ticker = Ticker(1, self.tick)
            self.ticker.start()

        def tick(self):
            calls.append(self.ticker)
            if len(calls) == 2:
                self.ticker.stop()
                self.ticker.stop()

    clock = Clock()
    wait_until(lambda: len(calls) == 2)
    turns(0.05)
    assert len(calls) == 2 and clock.ticker is calls[0]
    calls.clear()
    reference = weakref.ref(clock)
    with noCollector():
        del clock
        assert reference() is None


def test_a_stopped_ticker_leaves_no_timer_in_the_application():
    import slicer

    def timers():
        return len([each for each in slicer.app.moduleManager().children() if each.className() == "QTimer"])

    before = timers()
    ticker = Ticker(1, lambda: None)
    ticker.start()
    assert timers() == before + 1
    ticker.stop()
    turns(0.02)
    assert timers() == before
