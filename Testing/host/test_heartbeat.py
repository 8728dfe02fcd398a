"""The heartbeat of the event loop."""

import time

import pytest
import slicer
from slicer_host.events import wait_until
from slicer_host.heartbeat import Gap, Heartbeat


@pytest.fixture
def a_heartbeat():
    heartbeat = Heartbeat()
    heartbeat.start()
    yield heartbeat
    heartbeat.stop()


def test_a_loop_that_turns_has_a_gap_for_every_turn(a_heartbeat):
    wait_until(lambda: len(a_heartbeat.gaps) > 20)
    assert all(gap.wall > 0 and 0 <= gap.own <= gap.wall for gap in a_heartbeat.gaps)


@pytest.mark.parametrize("work", ["sleeps", "computes"])
def test_a_loop_that_stands_still_is_noticed(a_heartbeat, work):
    slicer.app.processEvents()
    end = time.thread_time() + 0.2
    if work == "sleeps":
        time.sleep(0.2)
    while work == "computes" and time.thread_time() < end:
        pass
    a_heartbeat.stop()
    longest = a_heartbeat.longest[0]
    assert longest.own >= 0.15 and (longest.busy >= 0.15) == (work == "computes")


def test_what_other_programs_have_taken_is_not_our_own():
    assert Gap(wall=0.5, waiting=0.4, busy=0.05).own == pytest.approx(0.1)
    assert Gap(wall=0.1, waiting=0.2, busy=0.0).own == 0
