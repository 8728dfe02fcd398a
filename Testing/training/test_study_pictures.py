import io

import numpy as np
import pytest
from head_phantom import SHAPE, SPACING_MM, blurred, standardized_pair
from PIL import Image

from mrsynth_training.study_pictures import ShownSubject, draw_subject, gradient_difference


def subject_of(count, affine=None):
    source, target = standardized_pair(3)
    synthetic = {f"g{n + 1}": blurred(target, 0.4 + 0.3 * n) for n in range(count)}
    return ShownSubject(
        source, target, synthetic, np.diag([*SPACING_MM, 1.0]) if affine is None else affine, ("T2", "PD")
    )


@pytest.fixture
def a_subject():
    return subject_of(2)


def test_the_gradient_difference_is_that_of_the_magnitudes_of_neighbours_differences():
    image, target = (np.random.default_rng(seed).normal(size=(4, 5, 3)) for seed in (0, 1))
    found = gradient_difference(image, target, 1)
    assert found.shape == image.shape and not found[:, -1].any()
    expected = abs(abs(image[2, 3, 1] - image[2, 2, 1]) - abs(target[2, 3, 1] - target[2, 2, 1]))
    assert found[2, 2, 1] == pytest.approx(expected)


def test_the_maps_of_a_perfect_generator_are_empty(a_subject):
    perfect = ShownSubject(
        a_subject.source, a_subject.target, {"g": a_subject.target}, a_subject.affine, a_subject.contrasts
    )
    assert not any(values.any() for values in perfect.maps("g").values())


def test_the_error_map_is_the_squared_error_of_the_slice_in_the_middle_of_the_head(a_subject):
    index = a_subject.index
    assert index in (SHAPE[2] // 2 - 1, SHAPE[2] // 2)
    error = (a_subject.synthetic["g1"] - a_subject.target)[:, :, index] ** 2
    assert a_subject.maps("g1")["error"].max() == pytest.approx(error.max())
    assert "axial slice at S" in a_subject.place or "axial slice at I" in a_subject.place


def test_horizontal_is_left_to_right_and_vertical_front_to_back_as_shown(a_subject):
    stripes = np.zeros(SHAPE, np.float32)
    stripes[::2] = 1  # they change from left to right
    shown = ShownSubject(
        a_subject.source, a_subject.target, {"g": a_subject.target + stripes}, a_subject.affine, a_subject.contrasts
    )
    maps = shown.maps("g")
    assert maps["horizontal"].mean() > 10 * maps["vertical"].mean()


def test_a_coronal_stack_is_shown_in_its_own_plane():
    x, y, z = SPACING_MM
    coronal = np.array([[x, 0, 0, 0], [0, 0, z, 0], [0, y, 0, 0], [0, 0, 0, 1.0]])
    subject = subject_of(1, coronal)
    assert subject.plane.name == "coronal" and subject.place.startswith("coronal slice at")
    assert subject.picture(subject.target).ndim == 2


def test_a_picture_is_cut_to_the_head(a_subject):
    shape = a_subject.picture(a_subject.target).shape
    assert 28 <= shape[0] <= 32 and shape[1] >= 28


def test_pictures_have_at_most_five_generators_and_share_their_scales(monkeypatch):
    from mrsynth_training import study_pictures

    limits = []
    original = study_pictures._draw

    def note(subject, maps, shared):
        limits.append((list(maps), shared))
        return original(subject, maps, shared)

    monkeypatch.setattr(study_pictures, "_draw", note)
    found = draw_subject(subject_of(6))
    assert [len(names) for names, _ in limits] == [5, 1] and limits[0][1] == limits[1][1]
    assert all(png.startswith(b"\x89PNG") for png in found)


def test_a_picture_says_that_its_images_are_synthetic(a_subject):
    picture = Image.open(io.BytesIO(draw_subject(a_subject)[0]))
    assert "not acquired" in picture.info["Title"]
    assert picture.width > 1500
