"""A comparison ends, or its scene changes under it, and nothing is left behind."""

import gc
import weakref

import numpy as np
import pytest
import slicer
from shown_views import FOUR_UP, background, offsets, widgetOf
from slicer_host import rendering

from MRSynthesisLib.ComparisonLayouts import PLOT_VIEWS, Role, layoutIdentifier
from MRSynthesisLib.ComparisonView import ComparedImages, ComparisonView


def test_leaving_puts_layout_and_views_back(a_comparison, a_layout_manager, some_images):
    a_comparison.show(some_images, "Side by side")
    a_comparison.setBlend(0.5)
    a_comparison.flicker()
    a_comparison.show(some_images, "Difference")
    a_comparison.leave()
    assert a_layout_manager.layout == FOUR_UP
    view = widgetOf(a_layout_manager, Role.SYNTHETIC)
    assert background(view) is None
    assert view.mrmlSliceCompositeNode().GetForegroundVolumeID() is None
    assert a_comparison.images is None
    assert not view.sliceView().pixels().any()


def test_leaving_keeps_a_layout_the_user_has_chosen_meanwhile(a_comparison, a_layout_manager, some_images):
    a_comparison.show(some_images, "Side by side")
    a_layout_manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    a_comparison.leave()
    assert a_layout_manager.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView


def test_leaving_a_comparison_that_a_scene_was_saved_in_ends_in_slicers_four_views(
    a_comparison, a_layout_manager, some_images
):
    node = a_layout_manager.layoutLogic().GetLayoutNode()
    a_layout_manager.setLayout(layoutIdentifier(node, "Difference", True))
    a_comparison.show(some_images, "Side by side")
    a_comparison.leave()
    assert a_layout_manager.layout == FOUR_UP


def test_the_closing_of_the_scene_ends_the_comparison(a_comparison, a_layout_manager, some_images, a_volume):
    a_comparison.show(some_images, "Six views")
    slicer.mrmlScene.Clear(False)
    assert a_comparison.images is None
    assert a_layout_manager.layout == FOUR_UP
    a_comparison.leave()
    again = ComparedImages(a_volume("T2"), a_volume("PD", kind="synthetic"))
    a_comparison.show(again, "Side by side")
    assert rendering.picture(a_layout_manager)[150:400].max() > 100
    assert set(offsets(a_layout_manager)) == {50}


@pytest.mark.parametrize("role", list(Role))
def test_a_deleted_volume_leaves_a_note_in_its_view(a_comparison, a_layout_manager, some_images, role):
    a_comparison.show(some_images, "Six views")
    slicer.mrmlScene.RemoveNode(some_images.of(role))
    assert a_comparison.images.of(role) is None
    compared = a_comparison._slices[role]
    isBlend = role is Role.UNCERTAINTY
    assert compared.title.startswith("Synthetic PD 50 %") if isBlend else compared.note
    rendering.picture(a_layout_manager)
    a_comparison.flicker()
    a_comparison.setBlend(0.5)
    a_comparison.show(a_comparison.images, "Side by side")
    a_comparison.leave()
    assert a_layout_manager.layout == FOUR_UP


def test_the_image_that_flickers_may_be_deleted(a_comparison, a_layout_manager, some_images):
    a_comparison.show(some_images, "Side by side")
    a_comparison.flicker()
    slicer.mrmlScene.RemoveNode(some_images.reference)
    assert background(widgetOf(a_layout_manager, Role.SYNTHETIC)) == some_images.synthetic.GetID()


def test_all_volumes_may_be_deleted(a_comparison, a_layout_manager, some_images):
    a_comparison.show(some_images, "Six views")
    for role in Role:
        slicer.mrmlScene.RemoveNode(some_images.of(role))
    assert a_comparison.flicker() == ""
    a_comparison.setOrientation("Coronal")
    a_comparison.leave()
    assert a_layout_manager.layout == FOUR_UP


def test_the_reference_and_the_synthetic_image_share_one_window_and_the_source_keeps_its_own(
    a_comparison, a_layout_manager, some_images
):
    a_comparison.show(some_images, "Side by side")
    source, synthetic, reference = (
        some_images.of(role).GetScalarVolumeDisplayNode() for role in (Role.SOURCE, Role.SYNTHETIC, Role.REFERENCE)
    )
    before = source.GetWindow()
    synthetic.SetAutoWindowLevel(False)
    synthetic.SetWindowLevel(77, 33)
    assert (reference.GetWindow(), reference.GetLevel()) == (77, 33)
    assert source.GetWindow() == before


def test_a_slicer_without_window_is_refused(monkeypatch):
    monkeypatch.setattr(slicer, "app", type("App", (), {"layoutManager": lambda self: None})())
    with pytest.raises(RuntimeError, match="without its window"):
        ComparisonView(slicer.mrmlScene)


def test_the_layout_manager_of_slicer_is_taken_by_default(a_layout_manager):
    comparison = ComparisonView(slicer.mrmlScene)
    assert comparison._layoutManager is a_layout_manager
    comparison.cleanup()


def test_no_observer_is_left_behind(a_layout_manager, some_images):
    """An observer keeps the object alive whose method it calls, so an object that is gone has left none behind."""
    warm = ComparisonView(slicer.mrmlScene, a_layout_manager)
    warm.show(some_images, "Six views")
    warm.cleanup()
    widget = widgetOf(a_layout_manager, Role.SYNTHETIC)
    listed = (slicer.mrmlScene, widget.sliceView().renderWindow().GetRenderers().GetFirstRenderer())
    before = [str(one).count("vtkObserver (") for one in listed]
    comparison = ComparisonView(slicer.mrmlScene, a_layout_manager)
    for name in ("Side by side", "Six views"):
        comparison.show(some_images, name)
    comparison.setBlend(0.5)
    comparison.flicker()
    parts = [comparison, comparison._windows, *comparison._slices.values()]
    parts += [text for compared in comparison._slices.values() for text in compared.texts]
    assert all(part.Observations for part in parts)
    left = [weakref.ref(part) for part in parts]
    assert [str(one).count("vtkObserver (") for one in listed] == [before[0] + 3, before[1] + 4]
    comparison.cleanup()
    assert [str(one).count("vtkObserver (") for one in listed] == before
    del comparison, parts
    gc.collect()
    assert [reference() for reference in left] == [None] * 26


def test_a_colour_bar_is_in_the_view_of_its_volume_though_the_view_is_younger(
    a_comparison, a_layout_manager, some_images
):
    bar = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(some_images.gradientDifference)
    a_comparison.show(some_images, "Gradient difference")
    a_layout_manager.layOut()

    def changes(role):
        view = widgetOf(a_layout_manager, role).sliceView()
        pictures = []
        for visible in (True, False):
            bar.SetVisibility(visible)
            pictures.append(view.pixels().astype(int))
        return (np.abs(pictures[0] - pictures[1]) > 50).sum()

    assert changes(Role.GRADIENT_DIFFERENCE) > 1000
    assert changes(Role.SYNTHETIC) == 0
    bar.SetVisibility(True)
    a_comparison.show(some_images, "Six views")
    a_layout_manager.layOut()
    assert changes(Role.GRADIENT_DIFFERENCE) > 1000
    assert changes(Role.DIFFERENCE) == 0


def test_charts_come_and_go_under_the_images_which_stay_as_they_are(a_comparison, a_layout_manager, some_images):
    charts = tuple(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", name) for name in ("error", "PSNR"))
    a_comparison.show(some_images, "Difference")
    plain = a_layout_manager.layout
    view = widgetOf(a_layout_manager, Role.SYNTHETIC)
    view.sliceLogic().SetSliceOffset(30)
    a_comparison.setCharts(charts)
    assert a_comparison.isShown and a_layout_manager.layout != plain
    views = [slicer.mrmlScene.GetSingletonNode(tag, "vtkMRMLPlotViewNode") for tag in PLOT_VIEWS]
    assert [each.GetPlotChartNode() for each in views] == list(charts)
    assert not any(each.GetDoPropagatePlotChartSelection() for each in views)
    assert view.sliceLogic().GetSliceOffset() == 30 and background(view) == some_images.synthetic.GetID()
    a_comparison.setCharts(())
    assert a_layout_manager.layout == plain and all(each.GetPlotChartNode() is None for each in views)
    a_comparison.setCharts(charts)
    a_comparison.leave()
    assert a_layout_manager.layout == FOUR_UP and all(each.GetPlotChartNode() is None for each in views)


def test_a_comparison_behind_another_layout_is_not_shown(a_comparison, a_layout_manager, some_images):
    a_comparison.show(some_images, "Side by side")
    assert a_comparison.isShown
    a_layout_manager.setLayout(FOUR_UP)
    assert not a_comparison.isShown and a_comparison.images is not None
