"""Parts of a batch in threads of their own: all answers, in order, in the caller's mode, its threads as they were."""

import threading

import pytest
import torch

from mrsynth.networks.threads import in_threads


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_answers_come_in_the_order_of_the_parts(two_threads):
    parts = torch.arange(7.0).split(1)
    assert torch.cat(in_threads(lambda part: 2 * part, parts)).tolist() == [0, 2, 4, 6, 8, 10, 12]


def test_parts_are_worked_on_at_the_same_time_by_threads_that_are_each_alone(two_threads):
    both = threading.Barrier(2, timeout=30)

    def meet(part: torch.Tensor) -> torch.Tensor:
        both.wait()
        return part + torch.get_num_threads()

    assert torch.cat(in_threads(meet, torch.zeros(2).split(1))).tolist() == [1, 1]


@pytest.mark.parametrize("count", [0, 1])
def test_a_single_part_has_all_threads_to_itself(count, two_threads):
    assert in_threads(lambda part: torch.get_num_threads(), [torch.zeros(1)] * count) == [2] * count


def test_a_single_thread_does_one_part_after_the_other():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        threads = in_threads(lambda part: threading.current_thread(), torch.zeros(3).split(1))
        assert threads == [threading.main_thread()] * 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_the_callers_mode_holds_and_no_gradient_is_recorded(mode, two_threads):
    weight = torch.ones(1, requires_grad=True)
    with mode():
        answers = in_threads(lambda part: weight * part, torch.ones(2).split(1))
        assert [answer.is_inference() for answer in answers] == [torch.is_inference_mode_enabled()] * 2
        assert not any(answer.requires_grad for answer in answers)


def test_afterwards_old_and_new_threads_have_as_many_as_before(two_threads):
    in_threads(torch.clone, torch.zeros(4).split(1))
    assert torch.get_num_threads() == 2
    counts = []
    thread = threading.Thread(target=lambda: counts.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert counts == [2]


def test_a_failure_in_a_thread_is_the_callers(two_threads):
    def fail(part: torch.Tensor) -> torch.Tensor:
        raise MemoryError("full")

    with pytest.raises(MemoryError, match="full"):
        in_threads(fail, torch.zeros(2).split(1))
    assert torch.get_num_threads() == 2
