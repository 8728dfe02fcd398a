"""The double of qMRMLNodeComboBox on a real scene."""

import pytest
import slicer


@pytest.fixture
def a_selector(a_scene):
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.noneEnabled = True
    selector.setMRMLScene(a_scene)
    return selector


def names(selector):
    return [selector.nodeFromIndex(index).GetName() for index in range(selector.nodeCount())]


def test_a_selector_is_disabled_until_it_has_a_scene(a_scene):
    selector = slicer.qMRMLNodeComboBox()
    assert not selector.enabled
    selector.setMRMLScene(a_scene)
    assert selector.enabled and selector.mrmlScene() is a_scene


def test_nodes_of_the_types_are_offered_as_they_come(a_selector, a_scene, a_volume):
    a_scene.AddNewNodeByClass("vtkMRMLModelNode", "A model")
    a_scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "A kind of scalar volume")
    assert names(a_selector) == ["T2 axial", "A kind of scalar volume"]
    a_selector.showChildNodeTypes = False
    assert names(a_selector) == ["T2 axial"]


def test_nodes_of_several_types_are_offered_in_the_order_of_the_scene(a_selector, a_scene, a_volume):
    a_scene.AddNewNodeByClass("vtkMRMLModelNode", "A model")
    a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "PD axial")
    a_selector.nodeTypes = ["vtkMRMLModelNode", "vtkMRMLScalarVolumeNode", "vtkMRMLVolumeNode"]
    assert names(a_selector) == ["T2 axial", "A model", "PD axial"]


def test_hidden_nodes_and_hidden_kinds_are_not_offered(a_selector, a_scene, a_volume):
    a_scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Mask")
    a_selector.hideChildNodeTypes = ["vtkMRMLLabelMapVolumeNode"]
    assert names(a_selector) == ["T2 axial"]
    a_volume.SetHideFromEditors(True)
    a_selector.hideChildNodeTypes = []
    assert names(a_selector) == ["Mask"]


def test_nodes_may_have_to_have_an_attribute(a_selector, a_scene, a_volume):
    synthetic = a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Synthetic")
    synthetic.SetAttribute("MRSynthesis.Synthetic", "true")
    a_selector.addAttribute("vtkMRMLScalarVolumeNode", "MRSynthesis.Synthetic", "true")
    assert names(a_selector) == ["Synthetic"]
    a_selector.removeAttribute("vtkMRMLScalarVolumeNode", "MRSynthesis.Synthetic")
    a_selector.addAttribute("vtkMRMLScalarVolumeNode", "MRSynthesis.Synthetic", "false")
    assert names(a_selector) == []


def test_choosing_is_said_in_all_three_ways(a_selector, a_volume):
    nodes, states, identifiers = [], [], []
    a_selector.connect("currentNodeChanged(vtkMRMLNode*)", nodes.append)
    a_selector.connect("currentNodeChanged(bool)", states.append)
    a_selector.connect("currentNodeIDChanged(QString)", identifiers.append)
    a_selector.setCurrentNode(a_volume)
    a_selector.setCurrentNode(a_volume)
    a_selector.setCurrentNode(None)
    assert (nodes, states, identifiers) == ([a_volume, None], [True, False], [a_volume.GetID(), ""])


def test_signals_are_named_with_the_types_of_mrml(a_selector):
    with pytest.raises(ValueError, match="does not exist"):
        a_selector.connect("currentNodeChanged(PyObject)", print)


def test_a_node_is_chosen_by_its_identifier_too(a_selector, a_volume):
    a_selector.currentNodeID = a_volume.GetID()
    assert a_selector.currentNode() is a_volume
    a_selector.setCurrentNodeID("vtkMRMLScalarVolumeNode99")
    assert a_selector.currentNode() is None
    a_selector.setCurrentNodeIndex(0)
    assert a_selector.currentNodeID == a_volume.GetID()


def test_a_new_name_is_followed(a_selector, a_volume):
    a_selector.setCurrentNode(a_volume)
    a_volume.SetName("Renamed")
    assert a_selector.findChild("QComboBox").currentText == "Renamed"
    assert a_selector.currentNode() is a_volume


def test_a_removed_node_is_no_longer_chosen(a_selector, a_scene, a_volume):
    got = []
    a_selector.setCurrentNode(a_volume)
    a_selector.connect("currentNodeChanged(vtkMRMLNode*)", got.append)
    a_scene.RemoveNode(a_volume)
    assert (a_selector.currentNode(), got) == (None, [None])


def test_a_removed_node_hands_over_to_its_neighbour(a_selector, a_scene, a_volume):
    other = a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "PD axial")
    a_selector.setCurrentNode(a_volume)
    a_scene.RemoveNode(a_volume)
    assert a_selector.currentNode() is other


def test_a_closed_scene_leaves_nothing_chosen(a_selector, a_scene, a_volume):
    a_selector.setCurrentNode(a_volume)
    a_scene.Clear(0)
    assert (a_selector.currentNode(), a_selector.nodeCount()) == (None, 0)


def test_without_none_the_first_node_is_chosen_when_it_comes(a_scene):
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.setMRMLScene(a_scene)
    assert selector.currentNode() is None
    first = a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    assert selector.currentNode() is first
    selector.setCurrentNode(None)
    assert selector.currentNode() is None


def test_a_node_made_in_the_selector_is_chosen(a_selector):
    got = []
    a_selector.connect("nodeAddedByUser(vtkMRMLNode*)", got.append)
    a_selector.baseName = "Output"
    made = a_selector.addNode()
    assert (made.GetName(), a_selector.currentNode(), got) == ("Output", made, [made])
    a_selector.removeCurrentNode()
    assert a_selector.currentNode() is None


def test_a_selector_that_is_gone_is_not_told_of_nodes(a_scene):
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.setMRMLScene(a_scene)
    del selector
    a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")


def test_a_table_view_shows_the_cells_of_a_table(a_scene):
    table = a_scene.AddNewNodeByClass("vtkMRMLTableNode")
    view = slicer.qMRMLTableView()
    view.setMRMLScene(a_scene)
    view.setMRMLTableNode(table)
    column = table.AddColumn()
    column.SetName("psnr")
    table.AddEmptyRow()
    table.SetCellText(0, 0, "31.4")
    table.Modified()
    model = view.model()
    assert (model.rowCount(), model.columnCount()) == (1, 1)
    assert model.data(model.index(0, 0)) == "31.4"
    assert view.mrmlTableNode() is table


def test_a_plot_view_names_its_chart(a_scene):
    chart = a_scene.AddNewNodeByClass("vtkMRMLPlotChartNode", "PSNR by slice")
    viewNode = a_scene.AddNewNodeByClass("vtkMRMLPlotViewNode")
    viewNode.SetPlotChartNodeID(chart.GetID())
    view = slicer.qMRMLPlotView()
    view.setMRMLPlotViewNode(viewNode)
    assert "PSNR by slice" in view.text
