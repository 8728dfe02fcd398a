"""Several things in several turns of the event loop: in order, one a turn, and nothing held afterwards."""

import pytest
import slicer_host

slicer_host.install()

import qt  # noqa: E402
from freed import isFreed, turns  # noqa: E402
from slicer_host import uncaught  # noqa: E402
from slicer_host.events import wait_until  # noqa: E402

from MRSynthesisLib.TurnByTurn import TurnByTurn  # noqa: E402


@pytest.fixture
def some_turns():
    turnByTurn = TurnByTurn()
    yield turnByTurn
    turnByTurn.forget()


def test_steps_are_done_in_order_with_the_event_loop_in_between(some_turns):
    done = []

    def step(name):
        done.append(name)
        qt.QTimer.singleShot(0, lambda: done.append(f"after {name}"))

    some_turns.do(lambda: step("first"), lambda: step("second"))
    some_turns.do(lambda: step("third"))
    assert done == [] and some_turns.isRunning
    wait_until(lambda: not some_turns.isRunning and len(done) == 6)
    assert done == ["first", "after first", "second", "after second", "third", "after third"]


def test_the_last_step_finds_nothing_left_to_do(some_turns):
    found = []
    some_turns.do(lambda: found.append(some_turns.isRunning), lambda: found.append(some_turns.isRunning))
    wait_until(lambda: len(found) == 2)
    assert found == [True, False]


def test_steps_that_are_forgotten_are_not_done(some_turns):
    done = []
    some_turns.do(lambda: done.append(1), some_turns.forget, lambda: done.append(2))
    wait_until(lambda: not some_turns.isRunning)
    turns(0.05)
    assert done == [1]
    some_turns.do(lambda: done.append(3))
    wait_until(lambda: done == [1, 3])


def test_a_step_may_ask_for_further_ones(some_turns):
    done = []
    some_turns.do(lambda: some_turns.do(lambda: done.append(1)))
    wait_until(lambda: done == [1])


def test_after_a_step_that_raises_the_rest_is_dropped(some_turns, capsys):
    done = []
    some_turns.do(lambda: 1 / 0, lambda: done.append(1))
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: False)
    assert not some_turns.isRunning and done == [] and uncaught.taken() == []
    some_turns.do(lambda: done.append(2))
    wait_until(lambda: done == [2])


def test_nobody_is_held_once_all_is_done():
    class Owner:
        def __init__(self):
            self.turns, self.done = TurnByTurn(), []
            self.turns.do(lambda: self.done.append(1))

    def ended():
        owner = Owner()
        wait_until(lambda: owner.done == [1])
        return owner

    assert isFreed(ended)
