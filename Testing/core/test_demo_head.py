import numpy as np
import pytest

from mrsynth import demo_template
from mrsynth.contrast import guess_contrast
from mrsynth.demo import lesion_contrast
from mrsynth.demo_head import HeadGrid, build_demo_head
from mrsynth.demo_template import read_brain_template, template_folder
from mrsynth.errors import InputError
from mrsynth.head import head_mask

COARSE = HeadGrid((64, 78, 21), (3.0, 3.0, 7.5))


@pytest.fixture(scope="module")
def a_head():
    return build_demo_head(seed=1, grid=COARSE)


def brain(head, contrast, where):
    """The median in a small box around a place in mm."""
    volume = getattr(head, contrast)
    i, j, k = np.rint(np.linalg.solve(volume.affine, (*where, 1))[:3]).astype(int)
    return np.median(volume.voxels[i - 1 : i + 2, j - 1 : j + 2, k])


WHITE_MATTER, VENTRICLE, THALAMUS = (-26, 15, 30), (6, 2, 18), (12, -18, 8)


def test_both_echoes_lie_on_one_grid_in_millimetres(a_head):
    assert a_head.t2.shape == a_head.pd.shape == a_head.lesions.shape == COARSE.shape
    assert a_head.t2.spacing_mm == COARSE.spacing_mm
    np.testing.assert_array_equal(a_head.t2.affine, a_head.pd.affine)


def test_fluid_is_far_brighter_than_brain_on_t2_and_close_to_it_on_pd(a_head):
    assert brain(a_head, "t2", VENTRICLE) > 1.8 * brain(a_head, "t2", WHITE_MATTER)
    assert brain(a_head, "pd", VENTRICLE) < 1.4 * brain(a_head, "pd", WHITE_MATTER)


def test_grey_matter_is_slightly_brighter_than_white_on_both(a_head):
    for contrast in ("t2", "pd"):
        ratio = brain(a_head, contrast, THALAMUS) / brain(a_head, contrast, WHITE_MATTER)
        assert 1.03 < ratio < 1.8, contrast


def test_the_contrasts_are_told_apart(a_head):
    assert guess_contrast(a_head.t2)[0] == "T2"
    assert guess_contrast(a_head.pd)[0] == "PD"


def test_the_head_is_one_piece_with_air_around_it(a_head):
    head = head_mask(a_head.pd.voxels)
    assert 0.3 < head.mean() < 0.7
    assert not head[0].any() and not head[-1].any()
    corner = a_head.pd.voxels[:3, -3:, -3:]
    assert 0 < corner.mean() < 0.05 * np.median(a_head.pd.voxels[head])


def test_lesions_are_few_and_bright_on_both_contrasts(a_head):
    assert 5 < a_head.lesions.sum() < 100
    assert lesion_contrast(a_head.t2, a_head.lesions) > 1.5
    assert lesion_contrast(a_head.pd, a_head.lesions) > 1.1


def test_the_same_seed_gives_the_same_head_and_another_seed_another(a_head):
    np.testing.assert_array_equal(build_demo_head(seed=1, grid=COARSE).t2.voxels, a_head.t2.voxels)
    assert np.abs(build_demo_head(seed=2, grid=COARSE).t2.voxels - a_head.t2.voxels).max() > 100


def test_the_templates_fractions_are_fractions():
    template = read_brain_template(template_folder())
    for fraction in (template.inside, template.white, template.csf):
        assert fraction.min() >= 0 and fraction.max() <= 1
    assert (template.white + template.csf).max() <= 1 + 1e-6


def test_without_nilearn_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(demo_template, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install nilearn") as caught:
        template_folder()
    assert caught.value.code == "missing_file"


def test_a_nilearn_without_the_maps_is_named(tmp_path):
    with pytest.raises(InputError, match="expected an MNI152 map.*pip install nilearn"):
        read_brain_template(tmp_path)


@pytest.mark.parametrize("shape, spacing", [((0, 5, 5), (1, 1, 1)), ((5, 5, 5), (1, 0, 1))])
def test_a_grid_without_voxels_or_spacing_is_refused(shape, spacing):
    with pytest.raises(ValueError, match="expected at least one voxel and a positive spacing"):
        HeadGrid(shape, spacing)
