"""Volumes between a real MRML scene and files: everything is compared in physical space."""

import threading

import numpy as np
import pytest
import slicer
import slicer.util
import vtk
from volume_nodes import (
    GRIDS,
    PROVENANCE,
    SHAPE_KJI,
    TURN,
    affineOf,
    ijkToRas,
    linear,
    nodeIds,
    nonlinear,
    sourceOn,
    workersAnswer,
)

from mrsynth.errors import InputError, OutputError
from mrsynth.volume import Volume
from mrsynth.volume_reading import read_volume
from mrsynth.volume_writing import write_volume
from MRSynthesisLib import VolumeFile
from MRSynthesisLib.VolumeExchange import exportVolume, importSynthetic, placeVolume, takeVolume


@pytest.fixture
def a_source(a_scene):
    return sourceOn(affineOf(GRIDS["oblique and left-handed"]))


@pytest.fixture(params=GRIDS)
def a_grid(request):
    return affineOf(GRIDS[request.param])


def worldPoints(node):
    """Where the voxels lie in the scene, all transforms applied; a row (x, y, z, intensity) for each, sorted."""
    transform, rows = node.GetParentTransformNode(), []
    for (k, j, i), value in np.ndenumerate(slicer.util.arrayFromVolume(node)):
        point = (ijkToRas(node) @ (i, j, k, 1))[:3]
        if transform is not None:
            toWorld = vtk.vtkGeneralTransform()
            transform.GetTransformToWorld(toWorld)
            point = toWorld.TransformPoint(point)
        rows.append((*point, value))
    return np.array(sorted(rows))


def test_an_exported_scan_lies_where_its_node_does(a_scene, a_grid, tmp_path):
    node = sourceOn(a_grid)
    exportVolume(node, tmp_path / "ü.nrrd")
    written = read_volume(tmp_path / "ü.nrrd")
    assert np.allclose(written.affine, a_grid, atol=1e-9)
    assert np.array_equal(written.voxels, slicer.util.arrayFromVolume(node).transpose())


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
def test_every_voxel_type_survives(a_scene, tmp_path, dtype):
    node = sourceOn(affineOf(GRIDS["oblique"]), dtype)
    exportVolume(node, tmp_path / "scan.nrrd")
    assert np.array_equal(read_volume(tmp_path / "scan.nrrd").voxels.transpose(), slicer.util.arrayFromVolume(node))


def test_an_export_leaves_the_node_as_it_was(a_source, tmp_path):
    a_source.SetAndObserveTransformNodeID(linear(np.diag([1, 1, 2.0, 1])).GetID())
    nodes, before = nodeIds(slicer.mrmlScene), (a_source.GetMTime(), a_source.GetImageData().GetMTime())
    exportVolume(a_source, tmp_path / "scan.nrrd")
    assert before == (a_source.GetMTime(), a_source.GetImageData().GetMTime())
    assert nodeIds(slicer.mrmlScene) == nodes and a_source.GetStorageNode() is None


def test_a_scan_is_exported_without_its_parent_transform(a_source, tmp_path):
    own = ijkToRas(a_source)
    a_source.SetAndObserveTransformNodeID(linear(affineOf(TURN)).GetID())
    exportVolume(a_source, tmp_path / "scan.nrrd")
    assert np.allclose(read_volume(tmp_path / "scan.nrrd").affine, own, atol=1e-9)


def test_what_was_taken_does_not_change_with_the_node(a_source):
    taken = takeVolume(a_source)
    slicer.util.arrayFromVolume(a_source)[:] = -1
    assert taken.voxels.max() == np.prod(SHAPE_KJI) - 1


@pytest.mark.parametrize("transform", ["none", "linear", "mirroring", "non-linear"])
def test_a_result_lies_on_its_source(a_scene, a_grid, transform, tmp_path):
    node = sourceOn(a_grid)
    matrices = {"linear": affineOf(TURN @ np.diag([1.1, 1, 1])), "mirroring": affineOf(np.diag([-1.0, 1, 1]))}
    if transform != "none":
        parent = nonlinear() if transform == "non-linear" else linear(matrices[transform])
        node.SetAndObserveTransformNodeID(parent.GetID())
    result = importSynthetic(workersAnswer(node, tmp_path, factor=1.0), node, None, PROVENANCE)
    assert np.allclose(worldPoints(result), worldPoints(node), atol=1e-6)
    assert result.GetTransformNodeID() == node.GetTransformNodeID()


def test_a_reference_is_exported_in_its_sources_frame(a_source, tmp_path):
    """Both lie under transforms of their own; in the files they must lie to one another as they do in the scene."""
    reference = sourceOn(affineOf(GRIDS["sheared"]))
    own, other = affineOf(TURN), affineOf(np.diag([1.0, -1.0, 1.2]))
    a_source.SetAndObserveTransformNodeID(linear(own).GetID())
    reference.SetAndObserveTransformNodeID(linear(other).GetID())
    exportVolume(reference, tmp_path / "reference.nrrd", relativeTo=a_source)
    found = read_volume(tmp_path / "reference.nrrd").affine
    assert np.allclose(own @ found, other @ ijkToRas(reference), atol=1e-6)


def test_a_reference_under_no_transform_follows_a_source_under_one(a_source, tmp_path):
    reference = sourceOn(np.eye(4))
    a_source.SetAndObserveTransformNodeID(linear(affineOf(TURN)).GetID())
    exportVolume(reference, tmp_path / "reference.nrrd", relativeTo=a_source)
    assert np.allclose(read_volume(tmp_path / "reference.nrrd").affine, np.linalg.inv(affineOf(TURN)), atol=1e-9)


def test_a_shared_nonlinear_transform_does_not_part_source_and_reference(a_source, tmp_path):
    reference, transform = sourceOn(np.eye(4)), nonlinear()
    for node in (a_source, reference):
        node.SetAndObserveTransformNodeID(transform.GetID())
    exportVolume(reference, tmp_path / "reference.nrrd", relativeTo=a_source)
    assert np.allclose(read_volume(tmp_path / "reference.nrrd").affine, np.eye(4))


def test_a_nonlinear_transform_between_source_and_reference_is_refused(a_source, tmp_path):
    reference = sourceOn(np.eye(4))
    reference.SetAndObserveTransformNodeID(nonlinear().GetID())
    with pytest.raises(InputError, match="Harden it") as caught:
        exportVolume(reference, tmp_path / "reference.nrrd", relativeTo=a_source)
    assert caught.value.code == "nonlinear_transform" and not list(tmp_path.iterdir())


def test_what_is_no_scan_is_refused(a_scene, tmp_path):
    labels = slicer.util.addVolumeFromArray(np.ones(SHAPE_KJI, "uint8"), nodeClassName="vtkMRMLLabelMapVolumeNode")
    colours = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode")
    image = vtk.vtkImageData()
    image.SetDimensions(2, 3, 4)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    colours.SetAndObserveImageData(image)
    for node, found in ((labels, "labels"), (colours, "3 numbers")):
        with pytest.raises(InputError, match=found) as caught:
            exportVolume(node, tmp_path / "scan.nrrd")
        assert caught.value.code == "not_scalar"


def test_a_volume_without_voxels_is_refused(a_scene, tmp_path):
    for node in (None, slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "bare")):
        with pytest.raises(InputError, match="which has none") as caught:
            exportVolume(node, tmp_path / "scan.nrrd")
        assert caught.value.code == "empty"


def test_a_voxel_type_that_nrrd_lacks_is_refused(tmp_path):
    volume = VolumeFile.GridVolume(np.zeros(SHAPE_KJI, bool), np.eye(4))
    with pytest.raises(InputError, match="type bool"):
        VolumeFile.writeGridVolume(volume, tmp_path / "scan.nrrd")
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_to_is_told(a_source, tmp_path):
    with pytest.raises(OutputError, match="scan.nrrd"):
        exportVolume(a_source, tmp_path / "missing" / "scan.nrrd")


def test_files_are_written_and_read_without_the_scene(a_source, tmp_path):
    """The slow halves run on another thread, while the scene they came from is gone."""
    taken = takeVolume(a_source)
    slicer.mrmlScene.Clear()
    found = []

    def work():
        VolumeFile.writeGridVolume(taken, tmp_path / "scan.nrrd")
        write_volume(read_volume(tmp_path / "scan.nrrd"), tmp_path / "result.mha")
        found.append(VolumeFile.readGridVolume(tmp_path / "result.mha"))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(timeout=180)
    assert np.array_equal(found[0].voxels, taken.voxels) and np.allclose(found[0].ijkToRas, taken.ijkToRas)
    assert found[0].voxels.flags.c_contiguous and found[0].shownRange is not None


def test_a_nodes_voxels_outlive_the_array_they_came_from(a_source):
    """They are not copied: the node must keep them."""
    volume = VolumeFile.GridVolume(np.full(SHAPE_KJI, 5, "float32"), ijkToRas(a_source))
    result = placeVolume(volume, a_source, None, PROVENANCE)
    del volume
    others = [np.full(SHAPE_KJI, value, "float32") for value in range(50)]
    assert len(others) == 50 and (slicer.util.arrayFromVolume(result) == 5).all()


def test_a_volume_in_memory_can_be_written_in_any_orientation(tmp_path):
    """The writer and the project's own reader agree, whatever the grid."""
    for name, directions in GRIDS.items():
        volume = Volume(np.arange(24.0).reshape(2, 3, 4), affineOf(directions))
        VolumeFile.writeGridVolume(
            VolumeFile.GridVolume(volume.voxels.transpose(), volume.affine), tmp_path / f"{name}.nrrd"
        )
        again = read_volume(tmp_path / f"{name}.nrrd")
        assert np.array_equal(again.voxels, volume.voxels) and np.allclose(again.affine, volume.affine, atol=1e-9)
