"""What Slicer's application does with its scene, beyond what MRML does by itself."""

import vtk


def prepare(scene: object) -> object:
    """Give the scene an application logic and a subject hierarchy that every visible node appears in.

    In Slicer the subject hierarchy's plugins do the latter (qSlicerSubjectHierarchyPluginLogic).

    Returns:
        The application logic.
    """
    import slicer

    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetMRMLScene(scene)
    scene.RegisterNodeClass(slicer.vtkMRMLColorLegendDisplayNode())  # of colour bars; in Slicer the Colors module does
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def appear(caller: object, event: str, node: object) -> None:
        if isinstance(node, hierarchy) or scene.IsImporting() or node.GetHideFromEditors() or not _hasPlugin(node):
            return
        tree = hierarchy.GetSubjectHierarchyNode(scene)
        tree.CreateItem(tree.GetSceneItemID(), node)

    scene.AddObserver(scene.NodeAddedEvent, appear)
    scene.AddObserver(scene.EndCloseEvent, lambda *_: hierarchy.ResolveSubjectHierarchy(scene))
    hierarchy.ResolveSubjectHierarchy(scene)
    return logic


def _hasPlugin(node: object) -> bool:
    kinds = (
        "vtkMRMLDisplayableNode",
        "vtkMRMLTableNode",
        "vtkMRMLPlotChartNode",
        "vtkMRMLPlotSeriesNode",
        "vtkMRMLTextNode",
    )
    return any(node.IsA(kind) for kind in kinds)
