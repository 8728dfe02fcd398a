"""The nodes that a comparison makes (differences, tables, plots), and how they are found again."""

from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode

SYNTHETIC_ROLE = "MRSynthesis.synthetic"
REFERENCE_ROLE = "MRSynthesis.reference"
_KIND = "MRSynthesis.Kind"


def findProduct(synthetic: vtkMRMLScalarVolumeNode, kind: str, className: str) -> vtkMRMLNode | None:
    """What an earlier comparison of this volume made, in a scene that was saved and loaded since, too."""
    nodes = synthetic.GetScene().GetNodesByClass(className)
    nodes.UnRegister(None)
    for index in range(nodes.GetNumberOfItems()):
        node = nodes.GetItemAsObject(index)
        if node.GetAttribute(_KIND) == kind and node.GetNodeReferenceID(SYNTHETIC_ROLE) == synthetic.GetID():
            return node
    return None


def markProduct(node: vtkMRMLNode, synthetic: vtkMRMLScalarVolumeNode, kind: str) -> None:
    """Write onto a node what it is and which synthetic volume it belongs to."""
    node.SetAttribute(_KIND, kind)
    node.SetNodeReferenceID(SYNTHETIC_ROLE, synthetic.GetID())


def updatedProduct(synthetic: vtkMRMLScalarVolumeNode, kind: str, className: str, title: str) -> vtkMRMLNode:
    """The node of an earlier comparison of this volume, or a new one named after the volume and ``title``."""
    node = findProduct(synthetic, kind, className)
    if node is None:
        scene = synthetic.GetScene()
        node = scene.AddNewNodeByClass(className, scene.GenerateUniqueName(f"{synthetic.GetName()} {title}"))
        markProduct(node, synthetic, kind)
    return node
