"""The figures and differences of the volumes that are compared now, measured in the background and kept while valid."""

from collections.abc import Callable
from dataclasses import dataclass

import slicer.util
import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLTableNode
from slicer.i18n import tr as _

from MRSynthesisLib.BackgroundTask import BackgroundTask
from MRSynthesisLib.ComparisonMeasurement import ComparedVolumes, Measurements, measureCompared, takeCompared
from MRSynthesisLib.ComparisonTables import updateMetricsTable
from MRSynthesisLib.Dependencies import missingPackages
from MRSynthesisLib.DifferenceVolumes import DifferenceNodes, placeDifferences
from MRSynthesisLib.SlicePlots import SlicePlots, updateSlicePlots
from MRSynthesisLib.SyntheticNode import sourceOf


@dataclass(frozen=True, eq=False)
class ComparisonProducts:
    """What came of one measurement: the pair (synthetic, reference), the numbers, and the nodes made of them."""

    pair: tuple[vtkMRMLScalarVolumeNode, vtkMRMLScalarVolumeNode]
    compared: ComparedVolumes
    measurements: Measurements
    differences: DifferenceNodes
    table: vtkMRMLTableNode
    plots: SlicePlots

    @property
    def isWhole(self) -> bool:
        """Whether all nodes are still in the scene."""
        nodes = (self.differences.difference, self.differences.gradientDifference, self.table)
        return self.plots.isWhole and all(node.GetScene() is not None for node in nodes)


class MeasuredComparison:
    """Measures one pair at a time; a pair that is asked for meanwhile takes the place of the one before.

    Args:
        finished: Called on the main thread with the products, or with None and why there are none.
    """

    def __init__(self, finished: Callable[[ComparisonProducts | None, str], None]) -> None:
        self._finished = finished
        self._task: BackgroundTask | None = None
        self._key: tuple[object, ...] | None = None
        self.products: ComparisonProducts | None = None
        self.problem = ""

    @property
    def isRunning(self) -> bool:
        """Whether figures are still to come."""
        return self._task is not None

    def measure(self, synthetic: vtkMRMLScalarVolumeNode, reference: vtkMRMLScalarVolumeNode) -> None:
        """Measure a pair, unless it was measured as it is; ``problem`` says why it cannot be.

        Nodes that were deleted since come back from what was measured.
        """
        pair = (synthetic, reference)
        key = tuple(_state(node) for node in (*pair, sourceOf(synthetic)))
        if key == self._key:
            if self.products is not None and not self.products.isWhole:
                self._place(self.products.compared, self.products.measurements, pair)
            return
        self.forget()
        if missingPackages():
            self.problem = _("Install the packages above to measure.")
            return
        # Before the volumes are taken: what cannot be compared is not to be copied at every look.
        self._key = key
        try:
            self._start(takeCompared(synthetic, reference), pair)
        except (ValueError, RuntimeError) as error:
            self.problem = str(error)

    def forget(self) -> None:
        """Drop what was measured or is being measured; nodes stay in the scene."""
        if self._task is not None:
            self._task.abandon()
        self._task, self._key, self.products, self.problem = None, None, None, ""

    def _start(self, compared: ComparedVolumes, pair: tuple[vtkMRMLScalarVolumeNode, vtkMRMLScalarVolumeNode]) -> None:
        def place(measurements: Measurements | None, error: Exception | None) -> None:
            self._task = None
            if error is None and all(node.GetScene() is not None for node in pair):
                self._place(compared, measurements, pair)
            else:
                self.problem = str(error or "")
                self._finished(None, self.problem)

        self._task = BackgroundTask(lambda: measureCompared(compared), place)
        self._task.start()

    def _place(
        self,
        compared: ComparedVolumes,
        measurements: Measurements,
        pair: tuple[vtkMRMLScalarVolumeNode, vtkMRMLScalarVolumeNode],
    ) -> None:
        self.products = None
        try:
            differences = placeDifferences(measurements.differences, *pair)
            table = updateMetricsTable(measurements.comparison, pair[0])
            plots = updateSlicePlots(measurements.slices, pair[0])
        except (ValueError, RuntimeError) as error:
            self.problem = str(error)
        else:
            self.products = ComparisonProducts(pair, compared, measurements, differences, table, plots)
        self._finished(self.products, self.problem)


def _state(node: vtkMRMLScalarVolumeNode | None) -> tuple[object, ...]:
    """What the figures depend on: which volume it is, its voxels, and where in the scene they lie."""
    if node is None:
        return ()
    image = node.GetImageData()
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return (node.GetID(), image.GetMTime() if image else 0, _numbers(matrix), _frame(node))


def _frame(node: vtkMRMLScalarVolumeNode) -> tuple[object, ...]:
    transform = node.GetParentTransformNode()
    if transform is None:
        return ()
    if not transform.IsTransformToWorldLinear():
        return (transform.GetID(), transform.GetTransformToWorldMTime())
    matrix = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(matrix)
    return _numbers(matrix)


def _numbers(matrix: vtk.vtkMatrix4x4) -> tuple[float, ...]:
    return tuple(slicer.util.arrayFromVTKMatrix(matrix).ravel())
