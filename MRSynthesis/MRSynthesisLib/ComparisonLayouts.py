"""The four layouts for comparing a synthetic volume: their views, and how the views are arranged.

Each is there with a reference and without, and each of these also with a row of plots under its views.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import product
from xml.sax.saxutils import escape

from slicer import vtkMRMLLayoutNode, vtkMRMLScene
from slicer.i18n import tr as _

from mrsynth.errors import InputError

VIEW_GROUP = 7305
"""Slice views are linked within a group; this one is far from the groups that Slicer's own layouts use (0 to 3)."""

PLOT_VIEWS = ("MRSynthesisErrorPlot", "MRSynthesisPsnrPlot")
"""The views for plots, by their nodes' singleton tags."""

_SLICE_CLASS, _PLOT_CLASS = "vtkMRMLSliceNode", "vtkMRMLPlotViewNode"
_ORIENTATION = "Axial"
_FIRST_LAYOUT = 73050
_NEXT_TRY = 100
_ROW_SIZE, _PLOT_SIZE = 500, 300
"""Heights in proportion; the user may move the border between the rows."""

_VIEW_PREFIX = "MRSynthesis"


class Role(Enum):
    """What a view is for; the value is the name of the image in ``ComparedImages``."""

    SOURCE = "source"
    SYNTHETIC = "synthetic"
    REFERENCE = "reference"
    DIFFERENCE = "difference"
    GRADIENT_DIFFERENCE = "gradientDifference"
    UNCERTAINTY = "uncertainty"

    @property
    def viewName(self) -> str:
        """The name of the slice view, which is also its node's singleton tag."""
        return _VIEW_PREFIX + self.value[0].upper() + self.value[1:]


_COLORS = {
    Role.SOURCE: "#8FB8DE",
    Role.SYNTHETIC: "#F2A65A",
    Role.REFERENCE: "#8CC084",
    Role.DIFFERENCE: "#C9A0DC",
    Role.GRADIENT_DIFFERENCE: "#A79BE0",
    Role.UNCERTAINTY: "#D9C36A",
}


@dataclass(frozen=True)
class Arrangement:
    """The rows of a layout, each with its views from left to right."""

    rows: tuple[tuple[Role, ...], ...]

    @property
    def roles(self) -> tuple[Role, ...]:
        """All views, row by row."""
        return tuple(role for row in self.rows for role in row)


_SIX_VIEWS = Arrangement(
    (
        (Role.SOURCE, Role.SYNTHETIC, Role.REFERENCE),
        (Role.DIFFERENCE, Role.GRADIENT_DIFFERENCE, Role.UNCERTAINTY),
    )
)
_WITH_REFERENCE = {
    "Side by side": Arrangement(((Role.SOURCE, Role.SYNTHETIC, Role.REFERENCE),)),
    "Difference": Arrangement(((Role.SYNTHETIC, Role.REFERENCE, Role.DIFFERENCE),)),
    "Gradient difference": Arrangement(((Role.SYNTHETIC, Role.REFERENCE, Role.GRADIENT_DIFFERENCE),)),
    "Six views": _SIX_VIEWS,
}
# Without a reference its view is left out where that leaves a sensible pair. In the six views every image keeps its
# place, which a reader knows by heart, and an empty view says what it is waiting for.
_WITHOUT_REFERENCE = {
    "Side by side": Arrangement(((Role.SOURCE, Role.SYNTHETIC),)),
    "Difference": Arrangement(((Role.SYNTHETIC, Role.SOURCE, Role.DIFFERENCE),)),
    "Gradient difference": Arrangement(((Role.SYNTHETIC, Role.SOURCE, Role.GRADIENT_DIFFERENCE),)),
    "Six views": _SIX_VIEWS,
}
LAYOUTS = tuple(_WITH_REFERENCE)
"""The names of the layouts, in English as in scripts."""


def layoutLabel(name: str) -> str:
    """A layout's name in the user's language."""
    labels = {
        "Side by side": _("Side by side"),
        "Difference": _("Difference"),
        "Gradient difference": _("Gradient difference"),
        "Six views": _("Six views"),
    }
    return labels[name]


def viewLabel(role: Role) -> str:
    """The short name in the bar above a view, in the user's language."""
    labels = {
        Role.SOURCE: _("Source"),
        Role.SYNTHETIC: _("Synthetic"),
        Role.REFERENCE: _("Reference"),
        Role.DIFFERENCE: _("Difference"),
        Role.GRADIENT_DIFFERENCE: _("Gradient"),
        Role.UNCERTAINTY: _("Uncertainty"),
    }
    return labels[role]


def makeView(scene: vtkMRMLScene, role: Role) -> None:
    """Make a view that no layout has shown yet, as the layout would; nothing happens where it is there.

    A layout makes all the views that it lacks at once, each with a window of its own to draw in, which takes time.
    """
    if scene.GetSingletonNode(role.viewName, _SLICE_CLASS) is not None:
        return
    node = scene.CreateNodeByClass(_SLICE_CLASS)
    node.UnRegister(None)
    node.SetLayoutName(role.viewName)
    node.SetName(role.viewName)
    node.SetDefaultOrientation(_ORIENTATION)
    node.SetOrientation(_ORIENTATION)
    node.SetLayoutLabel(viewLabel(role))
    node.SetLayoutColor([int(_COLORS[role][start : start + 2], 16) / 255 for start in (1, 3, 5)])
    node.SetViewGroup(VIEW_GROUP)
    scene.AddNode(node)


def arrangementOf(name: str, hasReference: bool) -> Arrangement:
    """How a layout is arranged.

    Raises:
        InputError: There is no layout of that name.
    """
    if name not in LAYOUTS:
        message = _("Expected one of the layouts {0}, found {1}.")
        raise InputError(message.format(", ".join(LAYOUTS), name), "unknown_layout")
    return (_WITH_REFERENCE if hasReference else _WITHOUT_REFERENCE)[name]


def everyVariant() -> Iterator[tuple[str, bool, bool]]:
    """All layouts: the name, whether there is a reference, and whether there are plots."""
    return product(LAYOUTS, (True, False), (False, True))


def registerLayouts(layoutNode: vtkMRMLLayoutNode) -> None:
    """Make the layouts known; to be repeated at will.

    A scene that was saved in one of these layouts shows it again only where they are registered before it is loaded.
    """
    for name, hasReference, hasPlots in everyVariant():
        identifier = layoutIdentifier(layoutNode, name, hasReference, hasPlots)
        description = _xml(arrangementOf(name, hasReference), hasPlots)
        if not layoutNode.AddLayoutDescription(identifier, description):
            layoutNode.SetLayoutDescription(identifier, description)


def layoutIdentifier(layoutNode: vtkMRMLLayoutNode, name: str, hasReference: bool, hasPlots: bool = False) -> int:
    """The layout's number: always the same one, unless another extension was there first."""
    count = len(LAYOUTS)
    identifier = _FIRST_LAYOUT + 2 * (LAYOUTS.index(name) + count * hasPlots) + (not hasReference)
    while layoutNode.IsLayoutDescription(identifier) and not isComparisonLayout(layoutNode, identifier):
        identifier += _NEXT_TRY
    return identifier


def isComparisonLayout(layoutNode: vtkMRMLLayoutNode, identifier: int) -> bool:
    """Whether a layout is one of these."""
    if not layoutNode.IsLayoutDescription(identifier):
        return False
    return f'singletontag="{_VIEW_PREFIX}' in layoutNode.GetLayoutDescription(identifier)


def isComparisonInFront(layoutNode: vtkMRMLLayoutNode) -> bool:
    """Whether the layout that is shown now is one of these."""
    return isComparisonLayout(layoutNode, layoutNode.GetViewArrangement())


def plotsInFront(layoutNode: vtkMRMLLayoutNode) -> bool:
    """Whether the layout that is shown now is one of these, with plots."""
    number = layoutNode.GetViewArrangement()
    return isComparisonInFront(layoutNode) and _PLOT_CLASS in layoutNode.GetLayoutDescription(number)


def _xml(arrangement: Arrangement, hasPlots: bool) -> str:
    rows = [_rowXml(map(_viewXml, row), _ROW_SIZE) for row in arrangement.rows]
    if hasPlots:
        titles = (_("Error"), _("PSNR"))
        rows.append(_rowXml(map(_plotXml, PLOT_VIEWS, titles), _PLOT_SIZE))
    return f'<layout type="vertical" split="true">{"".join(rows)}</layout>'


def _rowXml(views: Iterable[str], size: int) -> str:
    return f'<item splitSize="{size}"><layout type="horizontal">{"".join(views)}</layout></item>'


def _plotXml(tag: str, label: str) -> str:
    title = f'<property name="viewlabel" action="default">{escape(label)}</property>'
    return f'<item><view class="{_PLOT_CLASS}" singletontag="{tag}">{title}</view></item>'


def _viewXml(role: Role) -> str:
    properties = {
        "orientation": _ORIENTATION,
        "viewlabel": viewLabel(role),
        "viewcolor": _COLORS[role],
        "viewgroup": str(VIEW_GROUP),
    }
    lines = "".join(
        f'<property name="{name}" action="default">{escape(value)}</property>' for name, value in properties.items()
    )
    return f'<item><view class="{_SLICE_CLASS}" singletontag="{role.viewName}">{lines}</view></item>'
