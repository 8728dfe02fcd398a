"""A line of text in a slice view that can be read in small views and on bright images."""

from collections.abc import Sequence
from enum import IntEnum

import slicer
import vtk
from slicer.util import VTKObservationMixin

_POINTS_PER_VIEW = 24
_SMALLEST_POINTS = 11
_LARGEST_POINTS = 17
_MARGIN_POINTS = 6
_WIDTH_OF_LETTER = 0.58
"""Mean width of a letter of VTK's Arial in bold, as a part of its size."""

_DASH = " - "
_POINTS_PER_INCH = 72


class Place(IntEnum):
    """Where a text may stand; the values are ``vtkCornerAnnotation``'s numbers."""

    BOTTOM_RIGHT = 1
    TOP_LEFT = 2
    TOP_RIGHT = 3
    LEFT = 6
    TOP = 7
    CENTRE = -1


class ViewText(VTKObservationMixin):
    """A text of our own in the renderer of a slice view.

    Slicer writes into a view's corners too (DataProbe: names, and on request DICOM tags). That annotation is left
    alone, and a place it uses is avoided.
    """

    def __init__(self, sliceView: object, places: Sequence[Place], color: tuple[float, float, float]) -> None:
        """Prepare the text.

        Args:
            sliceView: The layout manager's slice view.
            places: The first place that is free is taken.
            color: Red, green and blue from 0 to 1.
        """
        VTKObservationMixin.__init__(self)
        self._sliceView = sliceView
        self._places = tuple(places)
        self._text, self._isAlone = "", False
        self._corners = sliceView.cornerAnnotation()
        self._renderer = sliceView.renderWindow().GetRenderers().GetFirstRenderer()
        self._actor = vtk.vtkTextActor()
        self._actor.PickableOff()
        self._actor.SetTextScaleModeToNone()
        _makeReadable(self._actor.GetTextProperty(), color)
        self.addObserver(self._renderer, vtk.vtkCommand.StartEvent, self._place)

    @property
    def text(self) -> str:
        """What is shown; empty for nothing."""
        return self._text

    def setText(self, text: str, isAlone: bool = False) -> None:
        """Show a text; an empty one takes it away.

        Args:
            text: What to show.
            isAlone: Whether the other corner beside it is empty, so that it may be as wide as the view.
        """
        if (text, isAlone) == (self._text, self._isAlone):
            return
        self._text, self._isAlone = text, isAlone
        if text:
            self._renderer.AddViewProp(self._actor)
        else:
            self._renderer.RemoveViewProp(self._actor)
        # When the application ends, the views are gone before the modules that wrote into them.
        if slicer.app.layoutManager() is not None:
            self._sliceView.scheduleRender()

    def remove(self) -> None:
        """Take the text away for good."""
        self.setText("")
        self.removeObservers()

    def _place(self, _caller: object = None, _event: str = "") -> None:
        """Fit the text to the view, whose size is only known when it is drawn."""
        if not self._text:
            return
        width, height = self._renderer.GetSize()
        pixelsPerPoint = self._renderer.GetRenderWindow().GetDPI() / _POINTS_PER_INCH
        points = min(width, height) / pixelsPerPoint / _POINTS_PER_VIEW
        points = round(min(max(points, _SMALLEST_POINTS), _LARGEST_POINTS))
        place = self._freePlace()
        isWide = place in (Place.TOP, Place.CENTRE) or (place is Place.TOP_LEFT and self._isAlone and self._isRightFree)
        share = 0.9 if isWide else 0.46
        letters = int(width * share / (points * pixelsPerPoint * _WIDTH_OF_LETTER))
        self._actor.SetInput(folded(self._text, letters))
        self._actor.GetTextProperty().SetFontSize(points)
        _justify(self._actor.GetTextProperty(), place)
        self._actor.SetPosition(*_position(place, width, height, _MARGIN_POINTS * pixelsPerPoint))

    @property
    def _isRightFree(self) -> bool:
        return not self._corners.GetText(Place.TOP_RIGHT.value)

    def _freePlace(self) -> Place:
        free = [place for place in self._places if place is Place.CENTRE or not self._corners.GetText(place.value)]
        return free[0] if free else self._places[0]


def folded(text: str, letters: int) -> str:
    """A text in lines: first parted at its dash, then between words, and only where it is longer than ``letters``."""
    lines = text.split("\n")
    if any(len(line) > letters for line in lines):
        lines = [part for line in lines for part in line.split(_DASH)]
    return "\n".join(_wrapped(line, letters) for line in lines)


def _wrapped(line: str, letters: int) -> str:
    wrapped = ""
    length = 0
    for word in line.split(" "):
        breaks = wrapped and length + 1 + len(word) > letters
        wrapped += ("\n" if breaks else " " if wrapped else "") + word
        length = len(word) if breaks or not length else length + 1 + len(word)
    return wrapped


def _makeReadable(textProperty: vtk.vtkTextProperty, color: tuple[float, float, float]) -> None:
    textProperty.SetColor(*color)
    textProperty.BoldOn()
    textProperty.ShadowOn()
    textProperty.SetShadowOffset(1, -1)
    textProperty.SetBackgroundColor(0, 0, 0)
    textProperty.SetBackgroundOpacity(0.65)
    # Letters that VTK's own font lacks, such as Chinese ones, are in the font that Slicer brings.
    slicer.app.applicationLogic().UseCustomFontFile(textProperty)


def _justify(textProperty: vtk.vtkTextProperty, place: Place) -> None:
    if place in (Place.TOP_LEFT, Place.LEFT):
        textProperty.SetJustificationToLeft()
    elif place in (Place.TOP_RIGHT, Place.BOTTOM_RIGHT):
        textProperty.SetJustificationToRight()
    else:
        textProperty.SetJustificationToCentered()
    if place in (Place.CENTRE, Place.LEFT):
        textProperty.SetVerticalJustificationToCentered()
    elif place is Place.BOTTOM_RIGHT:
        textProperty.SetVerticalJustificationToBottom()
    else:
        textProperty.SetVerticalJustificationToTop()


def _position(place: Place, width: int, height: int, margin: float) -> tuple[float, float]:
    x = {
        Place.TOP_LEFT: margin,
        Place.LEFT: margin,
        Place.TOP_RIGHT: width - margin,
        Place.BOTTOM_RIGHT: width - margin,
    }
    y = {Place.CENTRE: height / 2, Place.LEFT: height / 2, Place.BOTTOM_RIGHT: margin}
    return x.get(place, width / 2), y.get(place, height - margin)
