"""The middle part of the panel: layouts, blend and flicker, figures, and the report."""

from typing import Any

import slicer
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _

from MRSynthesisLib.ComparedImages import ComparedImages
from MRSynthesisLib.ComparisonNodes import findProduct
from MRSynthesisLib.ComparisonTables import metricsTableOf
from MRSynthesisLib.ComparisonView import ComparisonView
from MRSynthesisLib.DifferenceDisplay import createColorBar, setSymmetricRange
from MRSynthesisLib.DifferenceVolumes import differencesOf
from MRSynthesisLib.MeasuredComparison import ComparisonProducts, MeasuredComparison
from MRSynthesisLib.PanelState import PanelState
from MRSynthesisLib.ReportExport import ReportExport
from MRSynthesisLib.VolumeExchange import isSynthetic, sourceOf

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
        self._blend = 0.0
        self.report = ReportExport(ui, lambda: self._measured.products)
        self._measured = MeasuredComparison(self._onMeasured)
        self._layoutButtons = {
            "Side by side": ui.sideBySideButton,
            "Difference": ui.differenceButton,
            "Gradient difference": ui.gradientDifferenceButton,
            "Six views": ui.sixViewsButton,
        }
        for name, button in self._layoutButtons.items():
            button.connect("clicked(bool)", lambda checked, name=name: self.show(name))
        ui.comparedSelector.addAttribute("vtkMRMLScalarVolumeNode", "MRSynthesis.Kind", "synthetic")
        ui.flickerButton.connect("clicked(bool)", self._onFlicker)
        ui.leaveButton.connect("clicked(bool)", self._onLeave)
        ui.slicePlotButton.connect("clicked(bool)", self._onPlot)

    def setState(self, state: PanelState | None) -> None:
        """Follow another scene's choices; None: there is none at the moment."""
        if state is None:
            self._measured.forget()
        self._state = state
        self.update()

    def close(self) -> None:
        """Leave the comparison, and let go of the scene."""
        self._measured.forget()
        self.report.stop()
        if self._view is not None:
            self._view.cleanup()
            self._view = None

    def update(self) -> None:
        """Show what the choices mean."""
        synthetic, reference = self._pair()
        self._measure(synthetic, reference)
        shown = self._view is not None and self._view.images is not None
        if shown and synthetic is not None and self._state.layoutName:
            images = self._images(synthetic, reference)
            if images != self._view.images:
                self._showImages(images, self._state.layoutName)
            self._view.setLinked(self._state.linked)
            if self._blend != self._state.blend:
                self._blend = self._state.blend
                self._view.setBlend(self._blend)
        self._showRange(synthetic)
        self._showTable(synthetic)
        self._enable(synthetic, shown)

    def show(self, layoutName: str) -> None:
        """Show the chosen volumes in a layout."""
        synthetic, reference = self._pair()
        if synthetic is None:
            return
        if self._view is None:
            self._view = ComparisonView(slicer.mrmlScene, slicer.app.layoutManager())
        self._showImages(self._images(synthetic, reference), layoutName)
        self._state.layoutName = layoutName
        self.update()

    def _showImages(self, images: ComparedImages, layoutName: str) -> None:
        self._view.show(images, layoutName)
        for node in (images.difference, images.gradientDifference):
            if node is not None:  # a view draws only bars younger than itself
                createColorBar(node)

    def showResult(self) -> None:
        """Show a volume that has just been made, in the layout that was chosen last."""
        if slicer.app.layoutManager() is not None:
            self.show(self._state.layoutName or DEFAULT_LAYOUT)

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
        try:
            self._measured.measure(synthetic, reference)
        except (ValueError, RuntimeError) as error:
            self._say(str(error))
        else:
            if self._measured.isRunning:
                self._say(_("Measuring..."))

    def _onMeasured(self, products: ComparisonProducts | None, problem: str) -> None:
        if self._state is None:
            return
        self._say("\n".join(products.measurements.warnings) if products else problem)
        self.update()

    def _showRange(self, synthetic: vtkMRMLScalarVolumeNode | None) -> None:
        differences = differencesOf(synthetic) if synthetic is not None else None
        self._ui.rangeSlider.enabled = differences is not None
        if differences is not None:
            setSymmetricRange(differences.difference, self._state.differenceRange)

    def _showTable(self, synthetic: vtkMRMLScalarVolumeNode | None) -> None:
        self._ui.metricsTableView.setMRMLTableNode(metricsTableOf(synthetic) if synthetic is not None else None)

    def _enable(self, synthetic: vtkMRMLScalarVolumeNode | None, shown: bool) -> None:
        for name, button in self._layoutButtons.items():
            button.enabled = synthetic is not None and slicer.app.layoutManager() is not None
            button.checked = shown and self._state is not None and self._state.layoutName == name
        for widget in (self._ui.flickerButton, self._ui.leaveButton, self._ui.blendSlider, self._ui.linkCheckBox):
            widget.enabled = shown
        self._ui.slicePlotButton.enabled = self._measured.products is not None
        self._ui.reportButton.enabled = self._measured.products is not None and not self.report.isRunning

    def _onFlicker(self, checked: bool = False) -> None:
        self._ui.flickerButton.toolTip = _("Shown: {0}. Click for the next.").format(self._view.flicker())

    def _onLeave(self, checked: bool = False) -> None:
        self._view.leave()
        self._state.layoutName, self._state.blend, self._blend = "", 0.0, 0.0
        self.update()

    def _onPlot(self, checked: bool = False) -> None:
        slicer.modules.plots.logic().ShowChartInLayout(self._measured.products.plots.mae)

    def _say(self, text: str) -> None:
        self._ui.compareStatusLabel.text = text
