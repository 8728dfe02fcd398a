"""A comparison in its layouts: what the views show, and that they move together."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
import slicer
from slicer_host import rendering

from mrsynth.errors import InputError
from MRSynthesisLib.ComparisonLayouts import LAYOUTS, Role, arrangementOf, layoutIdentifier
from MRSynthesisLib.ComparisonView import ComparedImages, ComparisonView

FOUR_UP = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView


def shownViews(manager):
    return [manager.viewWidget(view.node) for view in manager.placedViews()]


def widgetOf(manager, role):
    return manager.sliceWidget(role.viewName)


def offsets(manager):
    return [widget.sliceLogic().GetSliceOffset() for widget in shownViews(manager)]


def background(widget):
    return widget.mrmlSliceCompositeNode().GetBackgroundVolumeID()


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_view_shows_the_image_it_is_named_after(a_comparison, a_layout_manager, some_images, name):
    a_comparison.show(some_images, name)
    expected = [some_images.of(role).GetID() for role in arrangementOf(name, True).roles]
    assert [background(widget) for widget in shownViews(a_layout_manager)] == expected


@pytest.mark.parametrize("name", LAYOUTS)
def test_turning_the_wheel_in_one_view_scrolls_all_of_them(a_comparison, a_layout_manager, some_images, name):
    a_comparison.show(some_images, name)
    a_layout_manager.layOut()
    for widget, steps in zip(shownViews(a_layout_manager), (1, 2, -4, 1, -2, 3), strict=False):
        (before,) = set(offsets(a_layout_manager))
        widget.sliceView().turnWheel(steps)
        (after,) = set(offsets(a_layout_manager))
        assert after == pytest.approx(before + 10 * steps)


def test_slicers_own_views_do_not_scroll_along(a_comparison, a_layout_manager, some_images):
    red = a_layout_manager.sliceWidget("Red").sliceLogic()
    red.GetSliceCompositeNode().SetLinkedControl(True)
    red.GetSliceCompositeNode().SetBackgroundVolumeID(some_images.source.GetID())
    before = red.GetSliceOffset()
    a_comparison.show(some_images, "Side by side")
    a_layout_manager.layOut()
    widgetOf(a_layout_manager, Role.SOURCE).sliceView().turnWheel(2)
    assert red.GetSliceOffset() == before


def test_unlinked_views_scroll_alone_until_they_are_linked_again(a_comparison, a_layout_manager, some_images):
    a_comparison.setLinked(False)
    a_comparison.show(some_images, "Side by side")
    a_layout_manager.layOut()
    source, synthetic, reference = shownViews(a_layout_manager)
    source.sliceView().turnWheel(1)
    assert source.sliceLogic().GetSliceOffset() == synthetic.sliceLogic().GetSliceOffset() + 10
    a_comparison.setLinked(True, hot=True)
    assert [w.mrmlSliceCompositeNode().GetHotLinkedControl() for w in (source, synthetic, reference)] == [1, 1, 1]
    synthetic.sliceView().turnWheel(2)
    assert len(set(offsets(a_layout_manager))) == 1


def test_the_first_look_is_at_the_middle_slice_in_full(a_comparison, a_layout_manager, some_images):
    a_comparison.show(some_images, "Six views")
    rendering.picture(a_layout_manager)
    for widget in shownViews(a_layout_manager):
        assert widget.sliceLogic().GetSliceIndexFromOffset(widget.sliceLogic().GetSliceOffset()) == 6  # of 1 to 10
        width, height, _depth = widget.mrmlSliceNode().GetFieldOfView()
        assert width >= 40 * 4 and height >= 48 * 4
        assert width == pytest.approx(40 * 4) or height == pytest.approx(48 * 4)


def test_the_first_picture_shows_the_image_in_full_though_the_window_came_late(
    a_comparison, a_layout_manager, some_images
):
    a_layout_manager.width, a_layout_manager.height = 700, 1000
    a_comparison.show(some_images, "Side by side")
    first = rendering.picture(a_layout_manager)
    np.testing.assert_array_equal(rendering.picture(a_layout_manager), first)
    for widget in shownViews(a_layout_manager):
        assert widget.mrmlSliceNode().GetFieldOfView()[0] == pytest.approx(40 * 4)


def test_the_image_is_fitted_again_when_the_window_changes(a_comparison, a_layout_manager, some_images):
    a_comparison.show(some_images, "Side by side")
    a_layout_manager.resize(400, 700)
    rendering.picture(a_layout_manager)
    widgetOf(a_layout_manager, Role.SOURCE).sliceView().turnWheel(1)
    scrolled = offsets(a_layout_manager)
    a_layout_manager.resize(1400, 300)
    rendering.picture(a_layout_manager)
    for widget in shownViews(a_layout_manager):
        width, height, _depth = widget.mrmlSliceNode().GetFieldOfView()
        assert width >= 40 * 4 and height == pytest.approx(48 * 4)
    assert offsets(a_layout_manager) == scrolled


def test_what_the_user_has_zoomed_into_stays_zoomed_when_the_window_changes(
    a_comparison, a_layout_manager, some_images
):
    a_comparison.show(some_images, "Side by side")
    rendering.picture(a_layout_manager)
    node = widgetOf(a_layout_manager, Role.SOURCE).mrmlSliceNode()
    width, height, depth = node.GetFieldOfView()
    node.SetFieldOfView(width / 4, height / 4, depth)
    a_layout_manager.resize(1400, 700)
    rendering.picture(a_layout_manager)
    assert node.GetFieldOfView()[1] == pytest.approx(height / 4)


def test_another_layout_shows_the_slice_that_was_looked_at(a_comparison, a_layout_manager, some_images):
    a_comparison.show(some_images, "Side by side")
    a_layout_manager.layOut()
    widgetOf(a_layout_manager, Role.SOURCE).sliceView().turnWheel(-3)
    (scrolled,) = set(offsets(a_layout_manager))
    a_comparison.show(some_images, "Six views")
    a_layout_manager.layOut()
    assert set(offsets(a_layout_manager)) == {scrolled}


def test_an_image_that_comes_later_moves_no_view(a_comparison, a_layout_manager, some_images):
    a_comparison.show(replace(some_images, difference=None), "Difference")
    rendering.picture(a_layout_manager)
    view = widgetOf(a_layout_manager, Role.SYNTHETIC)
    view.sliceView().turnWheel(2)
    node = view.mrmlSliceNode()
    node.SetFieldOfView(50, 60, 10)
    node.SetXYZOrigin(12, 7, 0)
    before = node.GetFieldOfView(), node.GetXYZOrigin(), offsets(a_layout_manager)
    a_comparison.show(some_images, "Difference")
    rendering.picture(a_layout_manager)
    assert (node.GetFieldOfView(), node.GetXYZOrigin(), offsets(a_layout_manager)) == before
    assert background(widgetOf(a_layout_manager, Role.DIFFERENCE)) == some_images.difference.GetID()


def test_another_scan_begins_in_its_own_middle(a_comparison, a_layout_manager, some_images, a_volume):
    a_comparison.show(some_images, "Side by side")
    elsewhere = np.diag([4.0, 4.0, 10.0, 1.0])
    elsewhere[2, 3] = 500
    other = ComparedImages(a_volume("T2 b", affine=elsewhere), a_volume("PD b", affine=elsewhere, kind="synthetic"))
    a_comparison.show(other, "Side by side")
    assert set(offsets(a_layout_manager)) == {550}


def test_a_reference_with_other_slices_starts_in_the_same_place(a_comparison, a_layout_manager, some_images, a_volume):
    shifted = np.diag([4.0, 4.0, 7.0, 1.0])
    shifted[2, 3] = 3
    images = replace(some_images, reference=a_volume("PD elsewhere", affine=shifted))
    a_comparison.show(images, "Side by side")
    a_layout_manager.layOut()
    assert len(set(offsets(a_layout_manager))) == 1


def test_a_view_without_image_says_what_it_waits_for(a_comparison, a_layout_manager, some_images):
    a_comparison.show(ComparedImages(some_images.source, some_images.synthetic), "Six views")
    pixels = [widget.sliceView().pixels() for widget in shownViews(a_layout_manager)]
    notes = [compared.note for compared in orderedSlices(a_comparison, "Six views", False)]
    assert notes == [
        "",
        "",
        "Choose an acquired PD scan as reference.",
        "Choose an acquired PD scan as reference.",
        "Choose an acquired PD scan as reference.",
        "No uncertainty volume was asked for.",
    ]
    assert all(view[100:-100].max() > 100 for view in pixels)
    a_comparison.show(replace(some_images, difference=None), "Difference")
    assert orderedSlices(a_comparison, "Difference", True)[2].note == "Not computed yet."


def orderedSlices(comparison, name, hasReference):
    return [comparison._slices[role] for role in arrangementOf(name, hasReference).roles]


def test_the_last_of_the_six_views_blends_where_there_is_no_uncertainty(a_comparison, a_layout_manager, some_images):
    a_comparison.show(replace(some_images, uncertainty=None), "Six views")
    blend = widgetOf(a_layout_manager, Role.UNCERTAINTY)
    composite = blend.mrmlSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == some_images.synthetic.GetID()
    assert composite.GetForegroundVolumeID() == some_images.reference.GetID()
    assert composite.GetForegroundOpacity() == 0.5
    assert blend.mrmlSliceNode().GetLayoutLabel() == "Blend"
    a_comparison.setBlend(0.25)
    assert composite.GetForegroundOpacity() == 0.25
    synthetic = widgetOf(a_layout_manager, Role.SYNTHETIC).mrmlSliceCompositeNode()
    assert synthetic.GetForegroundVolumeID() is None


def test_a_blend_goes_from_the_synthetic_image_to_the_reference(a_comparison, a_layout_manager, some_images):
    a_comparison.show(some_images, "Side by side")
    a_layout_manager.resize(901, 600)  # three views of equal width
    _source, synthetic, reference = shownViews(a_layout_manager)
    centre = (slice(150, 400), slice(100, 200))
    alone = synthetic.sliceView().pixels()[centre].astype(float)
    other = reference.sliceView().pixels()[centre].astype(float)
    assert np.abs(alone - other).max() > 10
    a_comparison.setBlend(1)
    np.testing.assert_allclose(synthetic.sliceView().pixels()[centre], other, atol=1)
    a_comparison.setBlend(0.5)
    np.testing.assert_allclose(synthetic.sliceView().pixels()[centre], (alone + other) / 2, atol=2)
    a_comparison.setBlend(0)
    np.testing.assert_allclose(synthetic.sliceView().pixels()[centre], alone, atol=1)


def test_without_a_reference_the_blend_is_with_the_source(a_comparison, a_layout_manager, some_images):
    a_comparison.show(ComparedImages(some_images.source, some_images.synthetic), "Side by side")
    a_comparison.setBlend(0.3)
    composite = widgetOf(a_layout_manager, Role.SYNTHETIC).mrmlSliceCompositeNode()
    assert composite.GetForegroundVolumeID() == some_images.source.GetID()
    assert orderedSlices(a_comparison, "Side by side", False)[1].title == "Synthetic PD 70 %, source 30 %"


@pytest.mark.parametrize("fraction", (-0.1, 1.1, float("nan")))
def test_a_blend_beyond_its_ends_is_refused(a_comparison, fraction):
    with pytest.raises(InputError, match="blend from 0 to 1, found"):
        a_comparison.setBlend(fraction)


def test_flicker_shows_one_image_after_the_other_and_says_which(a_comparison, a_layout_manager, some_images):
    a_comparison.show(some_images, "Side by side")
    view = widgetOf(a_layout_manager, Role.SYNTHETIC)
    assert a_comparison.flicker() == "Reference: PD"
    assert background(view) == some_images.reference.GetID()
    assert view.mrmlSliceNode().GetLayoutLabel() == "Reference"
    assert a_comparison.flicker() == "Source: T2"
    assert background(view) == some_images.source.GetID()
    assert a_comparison.flicker() == "Synthetic PD"
    assert view.mrmlSliceNode().GetLayoutLabel() == "Synthetic"


def test_a_blend_ends_the_flicker_and_another_layout_begins_with_the_synthetic_image(
    a_comparison, a_layout_manager, some_images
):
    a_comparison.show(some_images, "Side by side")
    view = widgetOf(a_layout_manager, Role.SYNTHETIC)
    a_comparison.flicker()
    a_comparison.setBlend(0)
    assert background(view) == some_images.synthetic.GetID()
    a_comparison.flicker()
    a_comparison.show(some_images, "Difference")
    assert background(view) == some_images.synthetic.GetID()


def test_flicker_without_images_shows_nothing(a_comparison):
    assert a_comparison.flicker() == ""


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
    parts += [text for compared in comparison._slices.values() for text in (compared._title, compared._note)]
    assert all(part.Observations for part in parts)
    left = [weakref.ref(part) for part in parts]
    assert [str(one).count("vtkObserver (") for one in listed] == [before[0] + 3, before[1] + 3]
    comparison.cleanup()
    assert [str(one).count("vtkObserver (") for one in listed] == before
    del comparison, parts
    gc.collect()
    assert [reference() for reference in left] == [None] * 20


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
