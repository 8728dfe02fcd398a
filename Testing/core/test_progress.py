"""Progress is consistent, and the clock learns its pace from it."""

import pytest

from mrsynth.progress import EtaClock, Progress, ignore, never


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def a_clock() -> Clock:
    return Clock()


def step(done: int, total: int = 10, stage: str = "synthesis", device: str = "cpu") -> Progress:
    return Progress(stage, done, total, device)


def test_the_fraction_is_what_is_done():
    assert step(3).fraction == 0.3


@pytest.mark.parametrize("done, total", [(-1, 5), (6, 5), (0, 0)])
def test_impossible_progress_is_refused(done, total):
    with pytest.raises(ValueError, match=f"found {done} of {total}"):
        step(done, total)


def test_nothing_is_estimated_before_a_step_has_been_timed(a_clock):
    assert EtaClock(a_clock).eta_s(step(0)) is None


def test_the_estimate_follows_the_pace(a_clock):
    eta = EtaClock(a_clock)
    eta.eta_s(step(0))
    a_clock.seconds += 6
    assert eta.eta_s(step(3)) == pytest.approx(14)
    a_clock.seconds += 100
    assert eta.eta_s(step(10)) == 0


def test_a_new_stage_or_device_starts_a_new_pace(a_clock):
    eta = EtaClock(a_clock)
    eta.eta_s(step(0, device="cuda:0"))
    a_clock.seconds += 1
    assert eta.eta_s(step(5, device="cpu")) is None
    a_clock.seconds += 2
    assert eta.eta_s(step(6, device="cpu")) == pytest.approx(8)
    assert eta.eta_s(step(0, stage="writing", device="cpu")) is None


def test_a_run_that_nobody_watches_is_not_stopped():
    assert ignore(step(1)) is None
    assert never() is False
