"""The standard preset of a card that asks for it is the mean of the answers to a scan and to its mirror image."""

import numpy as np
import pytest
from synthesis_examples import PATCHES, WHOLE, Leaning, a_model, a_scan, on_cpu

from mrsynth.synthesis import synthesize
from mrsynth.volume import Volume


@pytest.mark.parametrize("inference", [{**PATCHES, "mode": "smooth"}, WHOLE], ids=["patches", "whole"])
@pytest.mark.parametrize("turned", [np.diag([1.0, 1, 4, 1]), np.diag([-1.0, 1, 4, 1])], ids=["to-right", "to-left"])
def test_the_mean_of_a_scan_and_its_mirror_image_treats_left_and_right_alike(turned, inference):
    scan = Volume(a_scan((32, 32, 16)).voxels, turned)
    mirrored = Volume(scan.voxels[::-1], turned)
    model = a_model(Leaning(), inference | {"mirrored": True})
    here, there = (synthesize(each, model, on_cpu()).volume.voxels for each in (scan, mirrored))
    np.testing.assert_allclose(here, there[::-1], rtol=1e-5, atol=1e-4)
    once = [synthesize(each, a_model(Leaning(), inference), on_cpu()).volume.voxels for each in (scan, mirrored)]
    np.testing.assert_allclose(here, (once[0] + once[1][::-1]) / 2, rtol=1e-5, atol=1e-4)
    assert not np.allclose(once[0], once[1][::-1], rtol=0.01)
