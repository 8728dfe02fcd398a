"""The guess at an image's contrast follows the physics, and says nothing where it sees nothing."""

import numpy as np
import pytest

from mrsynth import contrast as module
from mrsynth.contrast import guess_contrast
from mrsynth.spin_echo import IXI_GUYS, TISSUES, signal
from mrsynth.volume import Volume

SHARES = {"white matter": 0.35, "grey matter": 0.3, "csf": 0.08, "muscle": 0.1, "fat": 0.05, "dura": 0.12}


@pytest.fixture
def a_head() -> np.ndarray:
    """Tissue names in a ball of 30 voxels across, in thin alternating pieces; empty outside."""
    distance = np.linalg.norm(np.indices((40, 40, 40)) - 19.5, axis=0)
    tissues = np.random.default_rng(0).choice(list(SHARES), size=distance.shape, p=list(SHARES.values()))
    return np.where(distance < 15, tissues, "")


def image(head: np.ndarray, te_ms: float) -> Volume:
    voxels = np.zeros(head.shape)
    for name in SHARES:
        tissue = TISSUES[name]
        voxels[head == name] = 1000 * signal(tissue.pd, tissue.t1_ms, tissue.t2_ms, IXI_GUYS.tr_ms, te_ms)
    noise = np.random.default_rng(1).normal(0, 15, (2, *head.shape))
    return Volume(np.hypot(voxels + noise[0], noise[1]), np.eye(4))


def test_the_late_echo_is_taken_for_t2(a_head):
    contrast, confidence = guess_contrast(image(a_head, IXI_GUYS.te_t2_ms))
    assert contrast == "T2"
    assert 0.8 <= confidence <= 1


def test_the_early_echo_is_taken_for_pd(a_head):
    contrast, confidence = guess_contrast(image(a_head, IXI_GUYS.te_pd_ms))
    assert contrast == "PD"
    assert 0.8 <= confidence <= 1


def test_the_guess_does_not_depend_on_the_receiver_gain(a_head):
    volume = image(a_head, IXI_GUYS.te_t2_ms)
    contrast, confidence = guess_contrast(volume.with_voxels(volume.voxels * 37))
    assert (contrast, round(confidence, 4)) == ("T2", round(guess_contrast(volume)[1], 4))


@pytest.mark.parametrize("value", [0, -5, 7])
def test_a_constant_volume_has_no_contrast(value):
    assert guess_contrast(Volume(np.full((6, 6, 6), value), np.eye(4))) == (None, 0.5)


def test_intensities_between_the_two_are_left_undecided():
    voxels = np.zeros((30, 30, 30))
    voxels[5:25, 5:25, 5:25] = 1000 + 100 * np.random.default_rng(0).normal(size=(20, 20, 20))
    contrast, confidence = guess_contrast(Volume(voxels, np.eye(4)))
    assert contrast is None
    assert confidence < 0.8


def test_a_fine_scan_is_guessed_from_some_of_its_voxels_in_as_good_a_way(a_head, monkeypatch):
    scan = image(a_head, IXI_GUYS.te_t2_ms)
    contrast, confidence = guess_contrast(scan)
    monkeypatch.setattr(module, "_ENOUGH_VOXELS", scan.voxels.size // 5)
    looked_at = []
    original = module._tissue_skewness
    monkeypatch.setattr(module, "_tissue_skewness", lambda voxels: looked_at.append(voxels.size) or original(voxels))
    found = guess_contrast(scan)
    assert looked_at[0] <= scan.voxels.size // 5
    assert found == (contrast, pytest.approx(confidence, abs=0.05))
