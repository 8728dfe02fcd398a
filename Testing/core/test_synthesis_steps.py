"""What a listener is told while patches go through a network."""

from types import SimpleNamespace

import pytest
import torch

from mrsynth.errors import Cancelled
from mrsynth.networks.residual_unet import ResidualUNet
from mrsynth.progress import never
from mrsynth.synthesis_steps import PARTS_OF_A_PASS, SynthesisSteps


@pytest.fixture
def a_network():
    return ResidualUNet((2, 3), (1, 1), (1,)).eval()


def steps_told_to(told: list, cancelled=never) -> SynthesisSteps:
    return SynthesisSteps(SimpleNamespace(device="cpu"), told.append, cancelled)


def test_patches_are_counted_one_by_one(a_network):
    told = []
    steps = steps_told_to(told)
    with steps.followed(a_network, 5, within=False):
        for patches in (2, 2, 1):
            steps(patches)
            a_network(torch.zeros(1, 1, 4, 4, 1))
    assert [(step.done, step.total) for step in told] == [(0, 5), (2, 5), (4, 5), (5, 5)]
    assert {(step.stage, step.device) for step in told} == {("synthesis", "cpu")}


def test_passes_over_whole_scans_are_told_of_from_within(a_network):
    told = []
    steps = steps_told_to(told)
    with torch.inference_mode(), steps.followed(a_network, 2, within=True):
        for _ in range(2):
            a_network(torch.zeros(1, 1, 8, 8, 4))
            steps(1)
    done = [step.done for step in told]
    assert done == sorted(set(done))
    assert done[0] == 0 and done[-1] == told[-1].total == 2 * PARTS_OF_A_PASS
    assert PARTS_OF_A_PASS - 1 in done and PARTS_OF_A_PASS in done and len(done) > 10


def test_a_pass_that_is_made_again_takes_nothing_back(a_network):
    told = []
    steps = steps_told_to(told)
    with torch.inference_mode(), steps.followed(a_network, 1, within=True):
        for _ in range(3):
            a_network(torch.zeros(1, 1, 8, 8, 4))
        steps(1)
    done = [step.done for step in told]
    assert done == sorted(set(done))


def test_after_a_batch_a_run_may_be_stopped(a_network):
    steps = steps_told_to([], cancelled=lambda: True)
    with pytest.raises(Cancelled), steps.followed(a_network, 2, within=False):
        steps(1)
