"""What a synthesis takes from the machine: precision, memory, and the patience of who waits."""

import numpy as np
import pytest
from synthesis_examples import PATCHES, WHOLE, a_model, a_scan, on_cpu

from mrsynth import synthesis
from mrsynth.memory_fallback import PatchPredictor
from mrsynth.networks.residual_unet import ResidualUNet
from mrsynth.synthesis import SAMPLE, synthesize


@pytest.mark.parametrize(("mode", "asked"), [("paper", 0), ("standard", 0), ("draft", 1), (None, 0)])
def test_only_a_draft_asks_for_half_precision_on_a_cpu(mode, asked, monkeypatch):
    samples = []
    monkeypatch.setattr(PatchPredictor, "use_half_precision", lambda predictor, sample: samples.append(sample.shape))
    result = synthesize(a_scan(), a_model(), on_cpu(mode=mode))
    assert samples == [tuple(PATCHES["patch"])] * asked
    assert result.precision == "float32"


def test_the_sample_for_half_precision_is_of_a_size_that_the_network_can_take(monkeypatch):
    samples = []
    monkeypatch.setattr(PatchPredictor, "use_half_precision", lambda predictor, sample: samples.append(sample))
    synthesize(a_scan(), a_model(inference=WHOLE), on_cpu(mode="draft"))
    assert samples[0].shape == SAMPLE and samples[0].flags.c_contiguous


def test_a_whole_scan_is_told_of_in_hundredths(monkeypatch):
    steps = []
    network = ResidualUNet((2, 3), (1, 1), (1,)).eval()
    synthesize(a_scan(), a_model(network, WHOLE), on_cpu(), steps.append)
    assert steps[-1].done == steps[-1].total == 100
    assert len(steps) > 10


def test_little_free_memory_means_smaller_pieces_and_a_word_about_it(monkeypatch):
    monkeypatch.setattr(synthesis, "affordable_voxels", lambda device, most, bytes_per_voxel: 100 * 100 * 32)
    scan = a_scan((120, 100, 40))
    found = synthesize(scan, a_model(inference=WHOLE), on_cpu())
    assert any("little memory is free" in warning for warning in found.warnings)
    np.testing.assert_allclose(found.volume.voxels, scan.voxels, rtol=1e-4, atol=1e-3)
    monkeypatch.undo()
    assert not any("memory" in warning for warning in synthesize(scan, a_model(inference=WHOLE), on_cpu()).warnings)
