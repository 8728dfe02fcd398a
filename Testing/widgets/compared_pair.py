"""A synthetic volume and a reference for the panel to compare, without the synthesis; the fixtures are for import."""

import numpy as np
import pytest
from panel_clicks import PATIENCE_S, a_scan
from slicer_host.events import wait_until

import slicer.util  # isort: skip (the host is there once slicer_host is)

from MRSynthesisLib.SyntheticNode import Provenance, describe

PROVENANCE = Provenance("PD", "same", "1.0.0", "ab" * 32, "run1", "2026-08-01T12:00:00Z")


@pytest.fixture
def a_pair(a_panel):
    """A synthetic volume and a reference, which nobody has chosen yet."""
    source, synthetic = a_scan("Ball T2"), a_scan("Ball T2 synthetic PD", "PD")
    voxels = slicer.util.arrayFromVolume(synthetic)
    voxels += (0.05 * voxels.max() * np.random.default_rng(1).standard_normal(voxels.shape)).astype(voxels.dtype)
    describe(synthetic, source, PROVENANCE, "synthetic")
    return synthetic, a_scan("Ball PD", "PD")


@pytest.fixture
def a_measured_pair(a_panel, a_pair):
    choose_pair(a_panel, *a_pair)
    wait_until(lambda: a_panel.ui.reportButton.enabled, PATIENCE_S)
    return a_pair


def choose_pair(panel, synthetic, reference) -> None:
    """Choose what is compared, both at once."""
    with slicer.util.NodeModify(panel._state):
        panel._state.comparedVolume, panel._state.comparedReference = synthetic, reference
