import numpy as np
import pytest

from mrsynth.planes import PatientView, Plane
from mrsynth.volume import Volume

AXIAL, CORONAL, SAGITTAL = Plane("axial", 2), Plane("coronal", 1), Plane("sagittal", 0)


def a_marked_volume(affine, shape):
    """A volume whose voxel farthest to the right, front and head is 3, and farthest to the left, back and feet 1."""
    voxels = np.zeros(shape)
    corners = np.array(np.meshgrid(*((0, n - 1) for n in shape), indexing="ij")).reshape(3, -1).T
    places = corners @ np.asarray(affine)[:3, :3].T
    voxels[tuple(corners[places.sum(axis=1).argmax()])] = 3
    voxels[tuple(corners[places.sum(axis=1).argmin()])] = 1
    return Volume(voxels, affine)


@pytest.mark.parametrize(
    "affine",
    [
        np.eye(4),
        np.diag([-1.0, 1, 1, 1]),
        np.diag([-1.0, -1, 6, 1]),
        np.array([[0, 0, 5.0, 0], [1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]]),
        np.array([[1, 0, 0, 0], [0, 0, -4.0, 0], [0, -1, 0, 0], [0, 0, 0, 1]]),
    ],
)
def test_every_storage_is_shown_in_the_radiological_convention(affine):
    volume = a_marked_volume(affine, (5, 6, 7))
    view = PatientView.of(volume)
    array = view.arrange(volume.voxels)
    assert array.shape == view.shape
    for plane in (AXIAL, CORONAL, SAGITTAL):
        assert plane.picture_of(array, view.shape[plane.normal] - 1)[0, 0] == 3, "right, front and head: upper left"
        assert plane.picture_of(array, 0)[-1, -1] == 1, "left, back and feet: lower right"


def test_edges_are_named_as_on_a_light_box():
    assert AXIAL.edge_labels == ("R", "L", "A", "P")
    assert CORONAL.edge_labels == ("R", "L", "S", "I")
    assert SAGITTAL.edge_labels == ("A", "P", "S", "I")


def test_the_affine_of_the_view_places_every_voxel_where_it_was():
    affine = np.array([[0.1, 0, 5.0, 7], [1, -0.1, 0, -3], [0, -1, 0.2, 20], [0, 0, 0, 1]])
    volume = Volume(np.arange(24.0).reshape(2, 3, 4), affine)
    view = PatientView.of(volume)
    arranged = view.arrange(volume.voxels)
    for index in np.ndindex(arranged.shape):
        original = np.argwhere(volume.voxels == arranged[index])[0]
        assert np.allclose(view.affine @ (*index, 1), affine @ (*original, 1))


def test_spacing_follows_the_axes():
    assert PatientView.of(Volume(np.zeros((2, 3, 4)), np.diag([-1.0, 2, 3, 1]))).spacing_mm == (1, 2, 3)


def test_a_full_head_has_three_planes():
    assert PatientView.of(Volume(np.zeros((20, 20, 4)), np.diag([1.0, 1, 5, 1]))).planes() == (AXIAL, CORONAL, SAGITTAL)


def test_a_single_slice_has_its_own_plane_only():
    assert PatientView.of(Volume(np.zeros((20, 20, 1)), np.eye(4))).planes() == (AXIAL,)
    assert PatientView.of(Volume(np.zeros((1, 20, 20)), np.eye(4))).planes() == (SAGITTAL,)


@pytest.mark.parametrize(("offset", "words"), [(12.4, "S 12 mm"), (-7.6, "I 8 mm"), (0.0, "S 0 mm")])
def test_a_plane_says_where_it_lies(offset, words):
    affine = np.eye(4)
    affine[2, 3] = offset
    assert PatientView.of(Volume(np.zeros((4, 4, 4)), affine)).place_in_words(AXIAL, (2, 2, 0)) == words
