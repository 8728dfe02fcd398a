import numpy as np
import pytest

from mrsynth.demo_shapes import Coordinates, EchoCanvas, Ellipsoid, Rod, smooth_field, soft_inside
from mrsynth.spin_echo import IXI_HAMMERSMITH, TISSUES


@pytest.fixture
def coordinates():
    axes = [np.arange(-10.0, 11.0)] * 3
    return Coordinates(*np.meshgrid(*axes, indexing="ij"), spacing_mm=(1.0, 1.0, 1.0))


def test_the_distance_from_a_sphere_is_exact(coordinates):
    distance = coordinates.outside_ellipsoid((0, 0, 0), (4, 4, 4))
    assert distance[10, 10, 10] == -4
    assert distance[17, 10, 10] == pytest.approx(3)
    assert distance[13, 14, 10] == pytest.approx(1)


def test_the_distance_from_a_rod_is_measured_from_its_side_and_its_round_end(coordinates):
    distance = coordinates.outside_rod((0, 0, 0), (5, 0, 0), 2)
    assert distance[12, 13, 10] == pytest.approx(1)
    assert distance[18, 14, 10] == pytest.approx(3)


@pytest.mark.parametrize("shape", [Ellipsoid((5, 1, -2), (2, 3, 4)), Rod((2, 0, 0), (6, 3, 1), 1)])
def test_a_paired_shape_is_the_same_on_both_sides(coordinates, shape):
    distance = shape.outside(coordinates)
    np.testing.assert_array_equal(distance, distance[::-1])
    assert distance.min() < 0


def test_a_single_shape_is_on_its_side_only(coordinates):
    distance = Ellipsoid((5, 0, 0), (2, 2, 2), mirrored=False).outside(coordinates)
    assert (distance[:10] > 0).all()


def test_a_soft_edge_is_half_full_on_the_surface():
    np.testing.assert_allclose(soft_inside(np.array([-3.0, -1.0, 0.0, 1.0, 3.0]), 4.0), [1, 0.75, 0.5, 0.25, 0])


def test_painting_a_fraction_mixes_the_signals_by_that_fraction():
    canvas = EchoCanvas((3,), IXI_HAMMERSMITH)
    canvas.paint(np.ones(3, dtype=np.float32), TISSUES["fat"])
    full = canvas.t2[0]
    canvas.paint(np.array([0, 0.25, 1], dtype=np.float32), None)
    np.testing.assert_allclose(canvas.t2, [full, 0.75 * full, 0], rtol=1e-6)
    assert canvas.pd[0] > full


def test_a_smooth_field_has_unit_deviation_and_little_change_from_voxel_to_voxel():
    field = smooth_field((60, 70, 50), (6, 6, 6), np.random.default_rng(0))
    assert field.shape == (60, 70, 50)
    assert field.mean() == pytest.approx(0, abs=0.15)
    assert field.std() == pytest.approx(1, abs=0.1)
    assert np.abs(np.diff(field, axis=0)).mean() < 0.25
