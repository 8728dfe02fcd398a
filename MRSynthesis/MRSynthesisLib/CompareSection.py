"""The middle part of the panel: layouts, blend and flicker, figures, and the report."""

from functools import partial
from typing import Any

import qt
import slicer
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLTableNode
from slicer.i18n import tr as _

from MRSynthesisLib.ComparedImages import ComparedImages
from MRSynthesisLib.ComparisonLayouts import arrangementOf, isComparisonInFront, makeView, plotsInFront
from MRSynthesisLib.ComparisonNodes import findProduct
from MRSynthesisLib.ComparisonTables import metricsTableOf
from MRSynthesisLib.ComparisonView import ComparisonView
from MRSynthesisLib.ComparisonWatch import ComparisonWatch
from MRSynthesisLib.DifferenceDisplay import createColorBar
from MRSynthesisLib.DifferenceRange import DifferenceRange
from MRSynthesisLib.DifferenceVolumes import DifferenceNodes, differencesOf
from MRSynthesisLib.MeasuredComparison import ComparisonProducts, MeasuredComparison
from MRSynthesisLib.PanelState import PanelState
from MRSynthesisLib.ReportExport import ReportExport
from MRSynthesisLib.SlicePlots import chartsOf
from MRSynthesisLib.SyntheticNode import isSynthetic, sourceOf
from MRSynthesisLib.TurnByTurn import TurnByTurn

DEFAULT_LAYOUT = "Side by side"


class CompareSection:
    """Shows a synthetic volume beside its source and a reference, and says how far apart they are.

    Args:
        ui: The panel's widgets by name.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._state: PanelState | None = None
        self._view: ComparisonView | None = None
        self._isPlotted = False
        self._range = DifferenceRange()
        self._showing = TurnByTurn()
        self._measured = MeasuredComparison(self._onMeasured)
        self._watch = ComparisonWatch(self.update, self.sceneClosed)
        self.report = ReportExport(ui, lambda: self._measured.products)
        self._layoutButtons = {
            "Side by side": ui.sideBySideButton,
            "Difference": ui.differenceButton,
            "Gradient difference": ui.gradientDifferenceButton,
            "Six views": ui.sixViewsButton,
        }
        for name, button in self._layoutButtons.items():
            button.connect("clicked(bool)", lambda checked, name=name: self.show(name))
        ui.metricsTableView.verticalHeader().visible = False
        ui.comparedSelector.addAttribute("vtkMRMLScalarVolumeNode", "MRSynthesis.Kind", "synthetic")
        ui.flickerButton.connect("clicked(bool)", self._onFlicker)
        ui.leaveButton.connect("clicked(bool)", self._onLeave)
        ui.slicePlotButton.connect("clicked(bool)", self._onPlot)

    def setState(self, state: PanelState | None) -> None:
        """Follow another scene's choices; None: nobody looks at the panel, and what was measured is kept."""
        self._state = state
        self._showing.forget()
        self._range.forget()
        if state is None:
            self._watch.pause()
        else:
            self._watch.resume()
        self.update()

    def sceneClosed(self) -> None:
        """Forget what was measured; comes by itself when the scene is about to be closed."""
        self._showing.forget()
        self._measured.forget()
        self._isPlotted = False

    def close(self) -> None:
        """Leave the comparison, and let go of the scene."""
        self._watch.close()
        self.sceneClosed()
        self._measured.stopAtOnce()
        self.report.stop()
        if self._view is not None:
            self._view.cleanup()
            self._view = None

    def update(self) -> None:
        """Show what the choices mean."""
        synthetic, reference = self._pair()
        if self._state is not None:
            self._measure(synthetic, reference)
        self._follow(synthetic, reference)
        self._showChosen(synthetic, reference)
        self._showFigures(metricsTableOf(synthetic) if synthetic is not None else None)
        self._enable(synthetic, self._view is not None and self._view.isShown)

    def show(self, layoutName: str) -> None:
        """Show the chosen volumes in a layout."""
        self._showing.forget()
        synthetic, reference = self._pair()
        if synthetic is None:
            return
        self._showImages(self._images(synthetic, reference), layoutName)
        self._state.layoutName = layoutName
        self.update()

    def showResult(self) -> None:
        """Show a volume that has just been made, in the layout that was chosen last; soon, a view after the other."""
        if slicer.app.layoutManager() is None:
            return
        name = self._state.layoutName or DEFAULT_LAYOUT
        roles = arrangementOf(name, self._pair()[1] is not None).roles
        views = (partial(makeView, slicer.mrmlScene, role) for role in roles)
        self._showing.forget()
        self._showing.do(*views, lambda: self.show(name))

    def _pair(self) -> tuple[vtkMRMLScalarVolumeNode | None, vtkMRMLScalarVolumeNode | None]:
        if self._state is None:
            return None, None
        synthetic = self._state.comparedVolume
        return (synthetic if isSynthetic(synthetic) else None), self._state.comparedReference

    @staticmethod
    def _images(synthetic: vtkMRMLScalarVolumeNode, reference: vtkMRMLScalarVolumeNode | None) -> ComparedImages:
        differences = differencesOf(synthetic) if reference is not None else None
        return ComparedImages(
            source=sourceOf(synthetic),
            synthetic=synthetic,
            reference=reference,
            difference=differences.difference if differences else None,
            gradientDifference=differences.gradientDifference if differences else None,
            uncertainty=findProduct(synthetic, "uncertainty", "vtkMRMLScalarVolumeNode"),
        )

    def _measure(self, synthetic: vtkMRMLScalarVolumeNode | None, reference: vtkMRMLScalarVolumeNode | None) -> None:
        if synthetic is None or reference is None:
            self._measured.forget()
            self._say("")
            return
        self._measured.measure(synthetic, reference)
        if self._measured.problem or self._measured.isRunning:
            self._say(self._measured.problem or _("Measuring..."))

    def _onMeasured(self, products: ComparisonProducts | None, problem: str) -> None:
        self._say("\n".join(products.measurements.warnings) if products else problem)
        self.update()

    def _follow(self, synthetic: vtkMRMLScalarVolumeNode | None, reference: vtkMRMLScalarVolumeNode | None) -> None:
        """Watch the volumes, and keep the range of the differences and the slider in step."""
        differences: DifferenceNodes | None = None
        measured = (synthetic, reference)
        if synthetic is not None:
            differences = differencesOf(synthetic)
            measured = (*measured, sourceOf(synthetic))
        self._watch.follow(measured, () if differences is None else (differences.difference,))
        self._ui.rangeSlider.enabled = differences is not None
        self._range.follow(self._state, differences)

    def _showFigures(self, table: vtkMRMLTableNode | None) -> None:
        view = self._ui.metricsTableView
        view.visible = table is not None
        if table is not view.mrmlTableNode():
            view.setMRMLTableNode(table)
            view.resizeRowsToContents()
        # All rows are seen; columns that find no room are scrolled to.
        bars = view.horizontalHeader().sizeHint, view.horizontalScrollBar().sizeHint
        view.setFixedHeight(view.verticalHeader().length() + sum(bar.height() for bar in bars) + 2 * view.frameWidth)

    def _showChosen(self, synthetic: vtkMRMLScalarVolumeNode | None, reference: vtkMRMLScalarVolumeNode | None) -> None:
        """Bring the views up to date while one of the layouts is in front, also that of a scene saved in it."""
        if synthetic is None or not self._state.layoutName or not self._isInFront:
            return
        images = self._images(synthetic, reference)
        if self._view is None or self._view.images is None:
            self._isPlotted = plotsInFront(slicer.app.layoutManager().layoutLogic().GetLayoutNode())
        if self._view is None or (self._view.images, self._view.layoutName) != (images, self._state.layoutName):
            self._showImages(images, self._state.layoutName)
        self._view.setCharts(self._charts(synthetic, reference))
        self._view.setLinked(self._state.linked)
        if self._view.blend != self._state.blend:
            self._view.setBlend(self._state.blend)
        orientation = self._state.orientation.value or None
        if self._view.orientation != orientation:
            self._view.setOrientation(orientation)

    def _showImages(self, images: ComparedImages, layoutName: str) -> None:
        if self._view is None:
            self._view = ComparisonView(slicer.mrmlScene, slicer.app.layoutManager())
        self._view.setCharts(self._charts(images.synthetic, images.reference))
        self._view.show(images, layoutName)
        for node in (images.difference, images.gradientDifference):
            if node is not None:  # a view draws only bars younger than itself
                createColorBar(node)

    @property
    def _isInFront(self) -> bool:
        """Whether the user looks at one of the layouts; while a scene is being read nobody can tell."""
        manager = slicer.app.layoutManager()
        if manager is None or slicer.mrmlScene.IsBatchProcessing():
            return False
        return isComparisonInFront(manager.layoutLogic().GetLayoutNode())

    def _charts(self, synthetic: vtkMRMLScalarVolumeNode, reference: vtkMRMLScalarVolumeNode | None) -> tuple:
        return chartsOf(synthetic) if self._isPlotted and reference is not None else ()

    def _enable(self, synthetic: vtkMRMLScalarVolumeNode | None, shown: bool) -> None:
        hasViews = synthetic is not None and slicer.app.layoutManager() is not None
        for name, button in self._layoutButtons.items():
            button.enabled = hasViews
            button.checked = shown and self._state is not None and self._state.layoutName == name
        ui = self._ui
        for widget in (ui.flickerButton, ui.leaveButton, ui.blendSlider, ui.linkCheckBox, ui.orientationComboBox):
            widget.enabled = shown and self._state is not None
        isMeasured = self._measured.products is not None and self._state is not None
        self._ui.slicePlotButton.enabled = hasViews and isMeasured
        self._ui.slicePlotButton.checked = shown and isMeasured and self._isPlotted
        self._ui.reportButton.enabled = isMeasured and not self.report.isRunning

    def _onFlicker(self, checked: bool = False) -> None:
        self._ui.flickerButton.toolTip = _("Shown: {0}. Click for the next.").format(self._view.flicker())

    def _onLeave(self, checked: bool = False) -> None:
        self._view.leave()
        self._isPlotted = False
        self._state.layoutName, self._state.blend = "", 0.0
        self.update()

    def _onPlot(self, checked: bool = False) -> None:
        """Show or hide the plots; where nothing is compared in the views, in the layout that was chosen last."""
        self._isPlotted = checked
        self.show(self._state.layoutName or DEFAULT_LAYOUT)

    def _say(self, text: str) -> None:
        self._ui.compareStatusLabel.setTextFormat(qt.Qt.PlainText)
        self._ui.compareStatusLabel.text = text
        self._ui.compareStatusLabel.visible = bool(text)
