"""The layouts: what is in them, and that they get along with those of Slicer and of other extensions."""

import pytest
import slicer

from mrsynth.errors import InputError
from MRSynthesisLib.ComparisonLayouts import (
    LAYOUTS,
    PLOT_VIEWS,
    VIEW_GROUP,
    Role,
    arrangementOf,
    everyVariant,
    isComparisonLayout,
    layoutIdentifier,
    layoutLabel,
    makeView,
    plotsInFront,
    registerLayouts,
    viewLabel,
)

EVERY_LAYOUT = [(name, hasReference) for name in LAYOUTS for hasReference in (True, False)]


@pytest.fixture
def a_layout_node() -> slicer.vtkMRMLLayoutNode:
    return slicer.vtkMRMLLayoutNode()


def test_there_are_four_layouts_with_the_views_a_reader_expects():
    assert LAYOUTS == ("Side by side", "Difference", "Gradient difference", "Six views")
    source, synthetic, reference, difference, gradient, uncertainty = Role
    assert arrangementOf("Side by side", True).rows == ((source, synthetic, reference),)
    assert arrangementOf("Difference", True).rows == ((synthetic, reference, difference),)
    assert arrangementOf("Gradient difference", True).rows == ((synthetic, reference, gradient),)
    assert arrangementOf("Six views", True).rows == (
        (source, synthetic, reference),
        (difference, gradient, uncertainty),
    )


def test_without_a_reference_its_view_is_left_out_or_the_source_stands_in():
    assert arrangementOf("Side by side", False).roles == (Role.SOURCE, Role.SYNTHETIC)
    assert arrangementOf("Difference", False).roles == (Role.SYNTHETIC, Role.SOURCE, Role.DIFFERENCE)
    assert arrangementOf("Six views", False) == arrangementOf("Six views", True)


def test_the_synthetic_image_is_in_every_layout():
    assert all(Role.SYNTHETIC in arrangementOf(*layout).roles for layout in EVERY_LAYOUT)


def test_an_unknown_layout_is_refused_with_the_names_that_exist():
    with pytest.raises(InputError, match="Side by side, Difference, Gradient difference, Six views, found Quilt"):
        arrangementOf("Quilt", True)


def test_layouts_and_views_have_names_for_people():
    assert [layoutLabel(name) for name in LAYOUTS] == list(LAYOUTS)
    assert len({viewLabel(role) for role in Role}) == len(Role)


def test_the_numbers_of_the_layouts_are_none_of_slicers(a_layout_manager):
    node = a_layout_manager.layoutLogic().GetLayoutNode()
    ours = [layoutIdentifier(node, *layout) for layout in everyVariant()]
    values = vars(slicer.vtkMRMLLayoutNode.SlicerLayout) | vars(slicer.vtkMRMLLayoutNode)
    slicers = [int(value) for name, value in values.items() if name.startswith("SlicerLayout") and name[12:]]
    assert len(set(ours)) == len(ours)
    assert min(ours) > max(slicers)
    assert slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView in slicers


def test_registering_again_changes_nothing(a_layout_node):
    registerLayouts(a_layout_node)
    before = {number: a_layout_node.GetLayoutDescription(number) for number in a_layout_node.GetLayoutIndices()}
    registerLayouts(a_layout_node)
    after = {number: a_layout_node.GetLayoutDescription(number) for number in a_layout_node.GetLayoutIndices()}
    assert after == before
    assert len(before) == len(list(everyVariant())) + 1  # and the one named none


def test_a_layout_of_another_extension_under_our_number_stays_what_it_is(a_layout_node):
    taken = layoutIdentifier(a_layout_node, "Difference", True)
    theirs = '<layout><item><view class="vtkMRMLSliceNode" singletontag="Theirs"/></item></layout>'
    a_layout_node.AddLayoutDescription(taken, theirs)
    registerLayouts(a_layout_node)
    assert a_layout_node.GetLayoutDescription(taken) == theirs
    assert not isComparisonLayout(a_layout_node, taken)
    ours = layoutIdentifier(a_layout_node, "Difference", True)
    assert ours != taken
    assert isComparisonLayout(a_layout_node, ours)


def test_an_older_description_of_ours_is_renewed(a_layout_node):
    number = layoutIdentifier(a_layout_node, "Difference", True)
    old = '<layout><item><view class="vtkMRMLSliceNode" singletontag="MRSynthesisOld"/></item></layout>'
    a_layout_node.AddLayoutDescription(number, old)
    registerLayouts(a_layout_node)
    assert layoutIdentifier(a_layout_node, "Difference", True) == number
    assert a_layout_node.GetLayoutDescription(number) != old


def test_the_layouts_survive_the_closing_of_the_scene(a_layout_manager):
    node = a_layout_manager.layoutLogic().GetLayoutNode()
    registerLayouts(node)
    slicer.mrmlScene.Clear(False)
    assert a_layout_manager.layoutLogic().GetLayoutNode() is node
    assert all(isComparisonLayout(node, layoutIdentifier(node, *layout)) for layout in EVERY_LAYOUT)


@pytest.mark.parametrize("name, hasReference", EVERY_LAYOUT)
def test_slicers_layout_logic_makes_the_views_with_group_label_and_colour(a_layout_manager, name, hasReference):
    node = a_layout_manager.layoutLogic().GetLayoutNode()
    registerLayouts(node)
    a_layout_manager.setLayout(layoutIdentifier(node, name, hasReference))
    views = [view.node for view in a_layout_manager.placedViews()]
    roles = arrangementOf(name, hasReference).roles
    assert [view.GetName() for view in views] == [role.viewName for role in roles]
    assert {view.GetViewGroup() for view in views} == {VIEW_GROUP}
    assert [view.GetLayoutLabel() for view in views] == [viewLabel(role) for role in roles]
    assert len({view.GetLayoutColor() for view in views}) == len(views)


def test_a_view_that_is_made_before_its_layout_is_as_the_layout_would_make_it(a_layout_manager):
    node = a_layout_manager.layoutLogic().GetLayoutNode()
    registerLayouts(node)

    def described():
        views = [slicer.mrmlScene.GetSingletonNode(role.viewName, "vtkMRMLSliceNode") for role in Role]
        return [
            (
                *(view.GetName(), view.GetLayoutName(), view.GetLayoutLabel(), view.GetLayoutColor()),
                *(view.GetViewGroup(), view.GetOrientation(), view.GetDefaultOrientation()),
            )
            for view in views
        ]

    a_layout_manager.setLayout(layoutIdentifier(node, "Six views", True))
    expected = described()
    a_layout_manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    for role in Role:
        slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetSingletonNode(role.viewName, "vtkMRMLSliceNode"))
    for _again in range(2):
        for role in Role:
            makeView(slicer.mrmlScene, role)
    assert described() == expected
    made = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSliceNode")
    a_layout_manager.setLayout(layoutIdentifier(node, "Six views", True))
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSliceNode") == made and described() == expected


def test_the_six_views_stand_in_two_rows_of_three(a_layout_manager):
    node = a_layout_manager.layoutLogic().GetLayoutNode()
    registerLayouts(node)
    a_layout_manager.setLayout(layoutIdentifier(node, "Six views", True))
    lefts, tops, widths, heights = zip(*(view.rectangle for view in a_layout_manager.placedViews()), strict=True)
    assert len(set(lefts)) == 3
    assert len(set(tops)) == 2
    assert max(widths) - min(widths) <= 1
    assert max(heights) - min(heights) <= 1


@pytest.mark.parametrize("name, hasReference", EVERY_LAYOUT)
def test_every_layout_is_there_with_a_row_of_plots_under_the_same_views(a_layout_manager, name, hasReference):
    node = a_layout_manager.layoutLogic().GetLayoutNode()
    registerLayouts(node)
    a_layout_manager.setLayout(layoutIdentifier(node, name, hasReference))
    assert not plotsInFront(node)
    without = [view.node for view in a_layout_manager.placedViews()]
    a_layout_manager.setLayout(layoutIdentifier(node, name, hasReference, hasPlots=True))
    assert plotsInFront(node)
    placed = a_layout_manager.placedViews()
    assert [view.node for view in placed[:-2]] == without
    assert tuple(view.node.GetSingletonTag() for view in placed[-2:]) == PLOT_VIEWS
    assert len({view.rectangle[1] for view in placed[-2:]}) == 1
    assert all(view.rectangle[1] < placed[-1].rectangle[1] for view in placed[:-2])
