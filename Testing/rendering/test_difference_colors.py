"""Colours and colour bars of difference volumes, as real slice views draw them."""

import numpy as np
import pytest
import slicer
import slicer.util

from MRSynthesisLib.DifferenceDisplay import createColorBar, differenceColors, setSymmetricRange, showColors

BAR = (slice(None), slice(-45, None))  # where bars are: the right edge of a view


@pytest.fixture
def a_difference(some_images):
    node = some_images.difference
    voxels = np.zeros((10, 48, 40), np.float32)
    voxels[:, :24], voxels[:, 24:] = -0.5, 0.5
    slicer.util.updateVolumeFromArray(node, voxels)
    showColors(node, differenceColors(slicer.mrmlScene))
    setSymmetricRange(node, 1.0)
    return node


def pixels(manager, name):
    return manager.sliceWidget(f"MRSynthesis{name}").sliceView().pixels().astype(int)


def test_a_view_shows_too_dark_in_blue_and_too_bright_in_red(a_layout_manager, a_comparison, some_images, a_difference):
    a_comparison.show(some_images, "Difference")
    picture = pixels(a_layout_manager, "Difference").reshape(-1, 3)
    blue, red = picture[:, 2] - picture[:, 0] > 80, picture[:, 0] - picture[:, 2] > 80
    assert blue.mean() > 0.1 and red.mean() > 0.1


def test_a_bar_appears_only_beside_the_difference(a_layout_manager, a_comparison, some_images, a_difference):
    a_comparison.show(some_images, "Difference")
    before = {name: pixels(a_layout_manager, name) for name in ("Difference", "Synthetic")}
    createColorBar(a_difference)
    changed = {name: pixels(a_layout_manager, name) != before[name] for name in before}
    assert changed["Difference"].any() and not changed["Synthetic"].any()
    assert changed["Difference"][BAR].any() and not changed["Difference"][:, :200].any()


def test_a_bar_follows_the_range(a_layout_manager, a_comparison, some_images, a_difference):
    a_comparison.show(some_images, "Difference")
    createColorBar(a_difference)
    before = pixels(a_layout_manager, "Difference")[:, -130:]
    setSymmetricRange(a_difference, 0.25)
    assert (pixels(a_layout_manager, "Difference")[:, -130:] != before).any()


def test_a_bar_older_than_the_view_appears_when_it_is_made_anew(
    a_layout_manager, a_comparison, some_images, a_difference
):
    createColorBar(a_difference)
    a_comparison.show(some_images, "Difference")
    createColorBar(a_difference)
    shown = pixels(a_layout_manager, "Difference")
    slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(a_difference).SetVisibility(False)
    assert (pixels(a_layout_manager, "Difference") != shown)[BAR].any()
