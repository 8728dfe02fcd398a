"""The warning that an image was not acquired: in every view that shows one, and nowhere else."""

import gc
import sys
import weakref

import numpy as np
import pytest
import slicer
from slicer_host import rendering

from MRSynthesisLib.SyntheticAnnotation import SyntheticAnnotation, warningFor

WARNING = "SYNTHETIC PD - not acquired"
THREE_D = "vtkMRMLViewNode1"


@pytest.fixture
def an_annotation(a_layout_manager):
    annotation = SyntheticAnnotation(slicer.mrmlScene, a_layout_manager)
    yield annotation
    annotation.cleanup()


@pytest.fixture
def a_synthetic(a_volume):
    return a_volume("synthetic PD", kind="synthetic")


@pytest.fixture
def a_red_composite(a_layout_manager):
    return a_layout_manager.sliceWidget("Red").mrmlSliceCompositeNode()


def test_only_views_of_a_synthetic_volume_warn(an_annotation, a_red_composite, a_layout_manager, a_synthetic, a_volume):
    a_red_composite.SetBackgroundVolumeID(a_synthetic.GetID())
    acquired = a_volume("acquired")
    a_layout_manager.sliceWidget("Green").mrmlSliceCompositeNode().SetBackgroundVolumeID(acquired.GetID())
    assert [an_annotation.textIn(name) for name in ("Red", "Green", "Yellow", "none")] == [WARNING, "", "", ""]
    a_red_composite.SetBackgroundVolumeID(acquired.GetID())
    assert an_annotation.textIn("Red") == ""


def test_a_view_warns_of_its_foreground_and_label_layers_while_they_are_seen(
    an_annotation, a_red_composite, a_synthetic, a_volume
):
    a_red_composite.SetBackgroundVolumeID(a_volume("acquired").GetID())
    a_red_composite.SetForegroundVolumeID(a_synthetic.GetID())
    a_red_composite.SetForegroundOpacity(0)
    assert an_annotation.textIn("Red") == ""
    a_red_composite.SetForegroundOpacity(0.1)
    assert an_annotation.textIn("Red") == WARNING
    a_red_composite.SetForegroundVolumeID(None)
    assert an_annotation.textIn("Red") == ""
    a_red_composite.SetLabelOpacity(1)
    a_red_composite.SetLabelVolumeID(a_synthetic.GetID())
    assert an_annotation.textIn("Red") == WARNING


def test_what_is_already_shown_is_warned_of_at_once(a_layout_manager, a_red_composite, a_synthetic):
    a_red_composite.SetBackgroundVolumeID(a_synthetic.GetID())
    annotation = SyntheticAnnotation(slicer.mrmlScene, a_layout_manager)
    assert annotation.textIn("Red") == WARNING
    annotation.cleanup()


def test_a_volume_may_become_synthetic_while_it_is_shown(an_annotation, a_red_composite, a_volume):
    volume = a_volume("soon synthetic")
    a_red_composite.SetBackgroundVolumeID(volume.GetID())
    volume.SetAttribute("MRSynthesis.Synthetic", "true")
    assert an_annotation.textIn("Red") == "SYNTHETIC - not acquired"
    volume.SetAttribute("MRSynthesis.Contrast", "T2")
    assert an_annotation.textIn("Red") == "SYNTHETIC T2 - not acquired"


def test_a_deleted_volume_takes_its_warning_along(an_annotation, a_red_composite, a_synthetic):
    a_red_composite.SetBackgroundVolumeID(a_synthetic.GetID())
    slicer.mrmlScene.RemoveNode(a_synthetic)
    assert an_annotation.textIn("Red") == ""


def test_views_that_a_layout_makes_later_warn_too(an_annotation, a_layout_manager, a_comparison, some_images):
    a_comparison.show(some_images, "Six views")
    texts = [an_annotation.textIn(view.node.GetName()) for view in a_layout_manager.placedViews()]
    ofMap = f"From {WARNING}"
    assert texts == ["", WARNING, "", ofMap, ofMap, ofMap]
    a_comparison.flicker()
    assert an_annotation.textIn("MRSynthesisSynthetic") == ""
    a_comparison.flicker()
    a_comparison.flicker()
    assert an_annotation.textIn("MRSynthesisSynthetic") == WARNING


def test_a_view_of_another_extension_warns_as_soon_as_it_exists(an_annotation, a_layout_manager, a_synthetic):
    slicer.mrmlScene.AddNode(sliceNodeNamed("Their view"))
    a_layout_manager.sliceWidget("Their view").mrmlSliceCompositeNode().SetBackgroundVolumeID(a_synthetic.GetID())
    assert an_annotation.textIn("Their view") == WARNING
    slicer.mrmlScene.RemoveNode(a_layout_manager.sliceWidget("Their view").mrmlSliceNode())
    assert an_annotation.textIn("Their view") == ""


def sliceNodeNamed(name):
    node = slicer.vtkMRMLSliceNode()
    node.SetName(name)
    node.SetLayoutName(name)
    node.SetSingletonTag(name)
    return node


def test_the_closing_of_the_scene_takes_all_warnings_along(an_annotation, a_red_composite, a_synthetic):
    a_red_composite.SetBackgroundVolumeID(a_synthetic.GetID())
    slicer.mrmlScene.Clear(False)
    assert an_annotation.textIn("Red") == ""


def test_a_loaded_scene_is_warned_of(an_annotation, a_layout_manager, a_red_composite, a_synthetic):
    a_red_composite.SetBackgroundVolumeID(a_synthetic.GetID())
    slicer.mrmlScene.SetSaveToXMLString(1)
    slicer.mrmlScene.Commit()
    saved = slicer.mrmlScene.GetSceneXMLString()
    slicer.mrmlScene.SetSaveToXMLString(0)  # the scene is that of all tests
    slicer.mrmlScene.Clear(False)
    slicer.mrmlScene.SetLoadFromXMLString(1)
    slicer.mrmlScene.SetSceneXMLString(saved)
    slicer.mrmlScene.Import()
    slicer.mrmlScene.SetLoadFromXMLString(0)
    assert an_annotation.textIn("Red") == WARNING


def test_the_text_is_bright_and_in_a_corner_even_of_a_white_image(
    an_annotation, a_layout_manager, a_red_composite, a_synthetic
):
    slicer.util.arrayFromVolume(a_synthetic)[:] = 1000
    slicer.util.arrayFromVolumeModified(a_synthetic)
    display = a_synthetic.GetScalarVolumeDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(1000, 100)
    a_red_composite.SetBackgroundVolumeID(a_synthetic.GetID())
    for size in ((900, 600), (340, 300)):
        a_layout_manager.resize(*size)
        a_layout_manager.resetSliceViews()
        widget = a_layout_manager.sliceWidget("Red")
        warned = widget.sliceView().pixels().astype(int)
        corner = warned[: warned.shape[0] // 4, warned.shape[1] // 2 :]
        letters = (corner[..., 0] > 200) & (corner[..., 2] < 130)
        rows, columns = np.nonzero(letters)
        assert letters.sum() > 150
        assert rows.max() - rows.min() >= 8
        assert columns.max() > corner.shape[1] - 20
        beside = corner[rows.min() : rows.max(), columns.min() : columns.max()].mean(axis=-1)
        assert np.median(beside) < 120  # the dark ground under the letters, where the image is white


def test_slicers_own_corner_text_is_left_alone_and_made_room_for(
    an_annotation, a_layout_manager, a_red_composite, a_synthetic
):
    view = a_layout_manager.sliceWidget("Red").sliceView()
    a_red_composite.SetBackgroundVolumeID(a_synthetic.GetID())
    view.cornerAnnotation().SetText(3, "Hospital")
    before = [view.cornerAnnotation().GetText(place) for place in range(8)]
    pixels = view.pixels().astype(int)
    amber = (pixels[..., 0] > 200) & (pixels[..., 2] < 130)
    rows, _columns = np.nonzero(amber)
    assert rows.min() > pixels.shape[0] * 0.75
    an_annotation.cleanup()
    assert [view.cornerAnnotation().GetText(place) for place in range(8)] == before
    view.cornerAnnotation().SetText(3, "")


def test_afterwards_no_text_and_no_observer_is_left(a_layout_manager, a_red_composite, a_synthetic):
    view = a_layout_manager.sliceWidget("Red").sliceView()
    renderer = view.renderWindow().GetRenderers().GetFirstRenderer()
    a_red_composite.SetBackgroundVolumeID(a_synthetic.GetID())
    view.pixels()

    def state():
        listed = (slicer.mrmlScene, renderer)
        return sum(str(one).count("vtkObserver (") for one in listed), renderer.GetViewProps().GetNumberOfItems()

    before = state()
    annotation = SyntheticAnnotation(slicer.mrmlScene, a_layout_manager)
    view.pixels()
    assert state() == (before[0] + 4, before[1] + 1)
    annotation.cleanup()
    assert state() == before
    # An observer of a node would keep the object alive whose method it calls.
    left = weakref.ref(annotation)
    del annotation
    gc.collect()
    assert left() is None


def test_a_slicer_without_views_has_nothing_to_write_on(monkeypatch):
    monkeypatch.setattr(slicer, "app", type("App", (), {"layoutManager": lambda self: None})())
    annotation = SyntheticAnnotation(slicer.mrmlScene)
    assert annotation.textIn("Red") == ""
    annotation.update()
    annotation.cleanup()


def test_an_annotation_may_outlive_the_views(an_annotation, a_red_composite, a_synthetic, monkeypatch):
    a_red_composite.SetBackgroundVolumeID(a_synthetic.GetID())
    application = slicer.app
    gone = type("App", (), {"layoutManager": lambda self: None, "applicationLogic": application.applicationLogic})()
    monkeypatch.setattr(slicer, "app", gone)
    an_annotation.cleanup()
    assert an_annotation.textIn("Red") == ""


def test_two_synthetic_contrasts_in_one_view_are_both_named(a_volume):
    volumes = [a_volume("a", kind="synthetic", contrast="PD"), a_volume("b", kind="synthetic", contrast="T2")]
    assert warningFor(volumes) == "SYNTHETIC PD, T2 - not acquired"
    assert warningFor([*volumes, a_volume("acquired")]) == "SYNTHETIC PD, T2 - not acquired"
    assert warningFor([]) == ""


def test_an_unusual_echo_time_is_part_of_the_warning(a_volume):
    volume = a_volume("a", kind="synthetic", contrast="PD")
    volume.SetAttribute("MRSynthesis.TargetTE", "30")
    assert warningFor([volume]) == "SYNTHETIC PD TE 30 ms - not acquired"


def test_scrolling_does_not_cost_the_annotation_a_look_at_all_views(
    an_annotation, a_layout_manager, a_red_composite, a_synthetic, monkeypatch
):
    a_red_composite.SetBackgroundVolumeID(a_synthetic.GetID())
    rendering.picture(a_layout_manager)
    looks = []
    monkeypatch.setattr(an_annotation, "update", lambda: looks.append(1))
    a_layout_manager.sliceWidget("Red").sliceLogic().SetSliceOffset(30)
    assert not looks


def test_a_volume_that_was_shown_once_is_not_kept_in_memory(an_annotation, a_red_composite, a_volume):
    volume = a_volume("for a moment", kind="synthetic")
    a_red_composite.SetBackgroundVolumeID(volume.GetID())
    assert an_annotation.textIn("Red") == WARNING
    a_red_composite.SetBackgroundVolumeID(None)
    slicer.mrmlScene.RemoveNode(volume)
    gc.collect()
    holders = sys.getrefcount(volume)
    an_annotation.cleanup()  # lets go of whatever is held still
    gc.collect()
    assert sys.getrefcount(volume) == holders


def test_a_3d_view_warns_of_a_synthetic_volume_that_is_rendered(an_annotation, a_synthetic):
    display = slicer.mrmlScene.AddNode(slicer.vtkMRMLGPURayCastVolumeRenderingDisplayNode())
    a_synthetic.AddAndObserveDisplayNodeID(display.GetID())
    display.SetVisibility(False)
    assert an_annotation.textIn(THREE_D) == ""
    display.SetVisibility(True)
    assert an_annotation.textIn(THREE_D) == WARNING
    display.SetViewNodeIDs(["vtkMRMLViewNode7"])
    assert an_annotation.textIn(THREE_D) == ""
    display.SetViewNodeIDs([THREE_D])
    assert an_annotation.textIn(THREE_D) == WARNING
    slicer.mrmlScene.RemoveNode(a_synthetic)
    assert an_annotation.textIn(THREE_D) == ""


def test_a_3d_view_warns_of_a_slice_of_a_synthetic_volume(
    an_annotation, a_red_composite, a_layout_manager, a_synthetic, a_volume
):
    node = a_layout_manager.sliceWidget("Red").mrmlSliceNode()
    a_red_composite.SetBackgroundVolumeID(a_synthetic.GetID())
    assert an_annotation.textIn(THREE_D) == ""
    node.SetSliceVisible(True)
    assert an_annotation.textIn(THREE_D) == WARNING
    a_red_composite.SetBackgroundVolumeID(a_volume("acquired").GetID())
    assert an_annotation.textIn(THREE_D) == ""
    a_red_composite.SetBackgroundVolumeID(a_synthetic.GetID())
    node.SetSliceVisible(False)
    assert an_annotation.textIn(THREE_D) == ""


def test_the_warning_in_a_3d_view_is_in_its_renderer(an_annotation, a_red_composite, a_layout_manager, a_synthetic):
    props = (
        a_layout_manager.threeDWidget(0).threeDView().renderWindow().GetRenderers().GetFirstRenderer().GetViewProps()
    )
    before = props.GetNumberOfItems()
    a_red_composite.SetBackgroundVolumeID(a_synthetic.GetID())
    a_layout_manager.sliceWidget("Red").mrmlSliceNode().SetSliceVisible(True)
    warned = props.GetNumberOfItems()
    an_annotation.cleanup()
    assert before < warned == props.GetNumberOfItems() + 1
    a_layout_manager.sliceWidget("Red").mrmlSliceNode().SetSliceVisible(False)
