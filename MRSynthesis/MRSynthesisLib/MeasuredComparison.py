"""The figures and differences of the volumes that are compared now, measured in the background and kept while valid."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import slicer.util
import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLTableNode
from slicer.i18n import tr as _

from MRSynthesisLib.ComparisonMeasurement import ComparedVolumes, Measurements, takeCompared
from MRSynthesisLib.ComparisonRun import ComparisonRun
from MRSynthesisLib.ComparisonTables import updateMetricsTable
from MRSynthesisLib.Dependencies import missingPackages
from MRSynthesisLib.DifferenceVolumes import DifferenceNodes, placeDifferences
from MRSynthesisLib.SlicePlots import SlicePlots, updateSlicePlots
from MRSynthesisLib.SyntheticNode import sourceOf
from MRSynthesisLib.TurnByTurn import TurnByTurn

_Pair = tuple[vtkMRMLScalarVolumeNode, vtkMRMLScalarVolumeNode]


@dataclass(frozen=True, eq=False)
class ComparisonProducts:
    """What came of one measurement: the pair (synthetic, reference), the numbers, and the nodes made of them."""

    pair: _Pair
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
        self._run: ComparisonRun | None = None
        self._abandoned: list[ComparisonRun] = []
        self._placing = TurnByTurn()
        self._key: tuple[object, ...] | None = None
        self.products: ComparisonProducts | None = None
        self.problem = ""

    @property
    def isRunning(self) -> bool:
        """Whether figures are still to come."""
        return self._run is not None or self._placing.isRunning

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
        except (ValueError, RuntimeError, OSError) as error:
            self.problem = str(error)

    def forget(self) -> None:
        """Drop what was measured or is being measured; nodes stay in the scene."""
        self._placing.forget()
        if self._run is not None:
            self._run.abandon()
            self._abandoned = [run for run in (*self._abandoned, self._run) if run.isRunning]
        self._run, self._key, self.products, self.problem = None, None, None, ""

    def stopAtOnce(self) -> None:
        """As ``forget``, and wait a second or two for what is being ended: the module or the application goes."""
        self.forget()
        while self._abandoned:
            self._abandoned.pop().stopAtOnce()

    def _start(self, compared: ComparedVolumes, pair: _Pair) -> None:
        def place(measurements: Measurements | None, error: Exception | None) -> None:
            self._run = None
            if error is None:
                self._place(compared, measurements, pair)
            else:
                self._fail(str(error))

        run = ComparisonRun(compared, place)
        run.start()
        self._run = run

    def _place(self, compared: ComparedVolumes, measurements: Measurements, pair: _Pair) -> None:
        """Put the outcome into the scene, a part in each turn of the event loop."""
        self.products = None
        made: list[Any] = []
        parts = (
            lambda: placeDifferences(measurements.differences, *pair),
            lambda: updateMetricsTable(measurements.comparison, pair[0]),
            lambda: updateSlicePlots(measurements.slices, pair[0]),
        )
        steps = (partial(self._make, part, made, pair) for part in parts)
        self._placing.do(*steps, lambda: self._conclude(ComparisonProducts(pair, compared, measurements, *made)))

    def _make(self, part: Callable[[], Any], made: list[Any], pair: _Pair) -> None:
        problem = ""  # whoever has deleted one of the volumes need not be told
        try:
            if all(node.GetScene() is not None for node in pair):
                made.append(part())
                return
        except (ValueError, RuntimeError) as error:
            problem = str(error)
        self._placing.forget()
        self._fail(problem)

    def _conclude(self, products: ComparisonProducts) -> None:
        self.products = products
        self._finished(products, "")

    def _fail(self, problem: str) -> None:
        self.problem = problem
        self._finished(None, problem)


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
