"""The figures and differences of the volumes that are compared now, measured in the background and kept while valid."""

from collections.abc import Callable
from dataclasses import dataclass

from slicer import vtkMRMLScalarVolumeNode

from MRSynthesisLib.BackgroundTask import BackgroundTask
from MRSynthesisLib.ComparisonMeasurement import ComparedVolumes, Measurements, measureCompared, takeCompared
from MRSynthesisLib.ComparisonTables import updateMetricsTable
from MRSynthesisLib.DifferenceVolumes import DifferenceNodes, placeDifferences
from MRSynthesisLib.SlicePlots import SlicePlots, updateSlicePlots


@dataclass(frozen=True, eq=False)
class ComparisonProducts:
    """What came of one measurement: the pair (synthetic, reference), the numbers, and the nodes made of them."""

    pair: tuple[vtkMRMLScalarVolumeNode, vtkMRMLScalarVolumeNode]
    compared: ComparedVolumes
    measurements: Measurements
    differences: DifferenceNodes
    plots: SlicePlots


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

    @property
    def isRunning(self) -> bool:
        """Whether figures are still to come."""
        return self._task is not None

    def measure(self, synthetic: vtkMRMLScalarVolumeNode, reference: vtkMRMLScalarVolumeNode) -> None:
        """Measure a pair, unless it was measured as it is.

        Raises:
            InputError: The two cannot be compared.
        """
        key = tuple(
            (node.GetID(), node.GetImageData().GetMTime() if node.GetImageData() else 0)
            for node in (synthetic, reference)
        )
        if key == self._key:
            return
        self.forget()
        compared = takeCompared(synthetic, reference)
        self._key = key

        def place(measurements: Measurements | None, error: Exception | None) -> None:
            self._task = None
            try:
                self._place(compared, measurements, error, (synthetic, reference))
            except (ValueError, RuntimeError) as failure:
                self._finished(None, str(failure))

        self._task = BackgroundTask(lambda: measureCompared(compared), place)
        self._task.start()

    def forget(self) -> None:
        """Drop what was measured or is being measured; nodes stay in the scene."""
        if self._task is not None:
            self._task.abandon()
        self._task, self._key, self.products = None, None, None

    def _place(
        self,
        compared: ComparedVolumes,
        measurements: Measurements | None,
        error: Exception | None,
        pair: tuple[vtkMRMLScalarVolumeNode, vtkMRMLScalarVolumeNode],
    ) -> None:
        if error is not None or any(node.GetScene() is None for node in pair):
            self._finished(None, str(error or ""))
            return
        differences = placeDifferences(measurements.differences, *pair)
        updateMetricsTable(measurements.comparison, pair[0])
        plots = updateSlicePlots(measurements.slices, pair[0])
        self.products = ComparisonProducts(pair, compared, measurements, differences, plots)
        self._finished(self.products, "")
