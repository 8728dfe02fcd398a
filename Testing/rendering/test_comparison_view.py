"""What a comparison shows: images, slices, blend and flicker, on real slice logics and displayable managers."""

from dataclasses import replace

import numpy as np
import pytest
from shown_views import background, offsets, shownViews, widgetOf
from slicer_host import rendering

from mrsynth.errors import InputError
from MRSynthesisLib.ComparisonLayouts import LAYOUTS, Role, arrangementOf
from MRSynthesisLib.ComparisonView import ComparedImages


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


def test_an_unusual_echo_time_is_part_of_the_titles(a_comparison, some_images):
    some_images.synthetic.SetAttribute("MRSynthesis.TargetTE", "30")
    a_comparison.show(ComparedImages(some_images.source, some_images.synthetic), "Difference")
    titles = {slices.title for slices in orderedSlices(a_comparison, "Difference", False)}
    assert "Synthetic PD TE 30 ms" in titles
    notes = {slices.note for slices in orderedSlices(a_comparison, "Difference", False)}
    assert "Choose an acquired PD TE 30 ms scan as reference." in notes


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


def test_every_image_says_which_side_of_the_patient_is_left(a_comparison, a_layout_manager, some_images):
    a_comparison.show(replace(some_images, uncertainty=None, reference=None), "Six views")
    sides = {role: compared.side for role, compared in a_comparison._slices.items()}
    without = (Role.REFERENCE, Role.UNCERTAINTY)
    assert sides == {role: "" if role in without else "R" for role in Role}
    a_comparison.setOrientation("Sagittal")
    assert a_comparison._slices[Role.SOURCE].side == "A"


def test_flicker_without_images_shows_nothing(a_comparison):
    assert a_comparison.flicker() == ""
