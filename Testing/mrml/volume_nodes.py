"""Volume nodes on grids of every kind, and what the worker would answer; for tests with a real MRML scene."""

import numpy as np
import slicer_host

slicer_host.install()

import slicer  # noqa: E402
import slicer.util  # noqa: E402
import vtk  # noqa: E402

from mrsynth.volume_reading import read_volume  # noqa: E402
from mrsynth.volume_writing import write_volume  # noqa: E402
from MRSynthesisLib.SyntheticNode import Provenance  # noqa: E402
from MRSynthesisLib.VolumeExchange import exportVolume  # noqa: E402

SHAPE_KJI = (4, 5, 6)
TURN = np.array([[0.8, -0.6, 0], [0.48, 0.64, -0.6], [0.36, 0.48, 0.8]])
GRIDS = {
    "axis-aligned": np.diag([1.0, 1.0, 4.0]),
    "anisotropic": np.diag([0.7, 1.3, 5.5]),
    "left-handed": np.diag([-0.9, 0.9, -3.0]) @ np.diag([1, 1, -1.0]),
    "oblique": TURN @ np.diag([0.9375, 0.9375, 5.0]),
    "oblique and left-handed": TURN @ np.diag([0.9, -0.9, 3.0]),
    "sheared": np.array([[1, 0.2, 0], [0, 1, 0.3], [0, 0, 3.0]]),
}
OPTIONS = '{"mode": "smooth", "device": "cpu"}'
PROVENANCE = Provenance("PD", "t2-to-pd", "1.0.0", "ab" * 32, "run1", "2026-08-01T12:00:00+00:00", OPTIONS)


def affineOf(directions):
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = directions, (-31.5, 12.25, 7.0)
    return affine


def sourceOn(affine, dtype="int16"):
    voxels = np.arange(np.prod(SHAPE_KJI)).reshape(SHAPE_KJI).astype(dtype)
    node = slicer.util.addVolumeFromArray(voxels, name="T2 ü")
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(affine))
    return node


def workersAnswer(source, folder, factor=2.0):
    exportVolume(source, folder / "source.nrrd")
    scan = read_volume(folder / "source.nrrd")
    write_volume(scan.with_voxels(scan.voxels * factor), folder / "result.mha")
    return folder / "result.mha"


def linear(matrix):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    return node


def nonlinear():
    spline, points = vtk.vtkThinPlateSplineTransform(), [vtk.vtkPoints(), vtk.vtkPoints()]
    for corner in np.ndindex(2, 2, 2):
        points[0].InsertNextPoint(np.array(corner) * 100.0)
        points[1].InsertNextPoint(np.array(corner) * 100.0 + 5 * np.sin(corner))
    spline.SetSourceLandmarks(points[0])
    spline.SetTargetLandmarks(points[1])
    spline.SetBasisToR()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    node.SetAndObserveTransformToParent(spline)
    return node


def ijkToRas(node):
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def nodeIds(scene):
    return sorted(scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes()))
