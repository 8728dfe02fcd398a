"""Slice views without a display: real slice logics and displayable managers, rendered off screen by EGL.

What is real here is all that MRML and VTK do: ``vtkMRMLSliceLogic``, the displayable managers of Slicer's slice views,
their interactor style. What is a double is Qt's part: the widget around the view, its controller bar, and when a window
gets its size.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

if TYPE_CHECKING:
    from slicer_host.layout import LayoutManager

DISPLAYABLE_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLScalarBarDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
)
BAR_HEIGHT = 22
"""Pixels of the coloured bar above a view, where Slicer has its slice controller."""

_UNSIZED = 256
"""A slice node's width and height until its window has one."""

_EMPTY = (95, 95, 113)


class SliceView:
    """The part of ``qMRMLSliceView`` that scripts use."""

    def __init__(self, sliceLogic: slicer.vtkMRMLSliceLogic, applicationLogic: slicer.vtkMRMLApplicationLogic) -> None:
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
        self._sliceLogic = sliceLogic
        self._renderer = vtk.vtkRenderer()
        self._window = vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetMultiSamples(0)
        self._window.SetSize(_UNSIZED, _UNSIZED)
        self._window.AddRenderer(self._renderer)
        self._interactor = vtk.vtkGenericRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        self._interactor.Initialize()
        self._interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self._group = _displayableManagers(applicationLogic, self._renderer)
        self._style = slicer.vtkMRMLSliceViewInteractorStyle()
        self._style.SetDisplayableManagers(self._group)
        self._style.SetInteractor(self._interactor)
        self._style.SetSliceLogic(sliceLogic)
        self._mapper = vtk.vtkImageMapper()
        self._image = _imageActor(self._mapper)
        self._renderer.AddViewProp(self._image)
        self._corners = vtk.vtkCornerAnnotation()
        self._corners.SetMaximumFontSize(14)
        self._corners.SetNonlinearFontScaleFactor(1)
        self._corners.GetTextProperty().ShadowOn()
        self._renderer.AddViewProp(self._corners)
        self.scheduledRenders = 0

    def renderWindow(self) -> vtk.vtkRenderWindow:
        """The off-screen window."""
        return self._window

    def interactor(self) -> vtk.vtkRenderWindowInteractor:
        """Where a test sends the events of mouse and keys."""
        return self._interactor

    def displayableManagerGroup(self) -> slicer.vtkMRMLDisplayableManagerGroup:
        """The real displayable managers of this view."""
        return self._group

    def cornerAnnotation(self) -> vtk.vtkCornerAnnotation:
        """The text in the corners, which belongs to Slicer's DataProbe."""
        return self._corners

    def mrmlSliceNode(self) -> slicer.vtkMRMLSliceNode:
        """The node this view follows."""
        return self._sliceLogic.GetSliceNode()

    def scheduleRender(self) -> None:
        """Count the request; the picture is drawn when it is asked for."""
        self.scheduledRenders += 1

    def forceRender(self) -> None:
        """Draw now."""
        connection = self._sliceLogic.GetImageDataConnection()
        self._image.SetVisibility(connection is not None)
        self._mapper.SetInputConnection(connection)
        self._window.Render()

    def turnWheel(self, steps: int) -> None:
        """Scroll through slices as a user does, with the pointer in the middle of the view."""
        width, height = self._window.GetSize()
        self._interactor.SetEventInformation(width // 2, height // 2)
        self._interactor.InvokeEvent("EnterEvent")
        self._interactor.InvokeEvent("MouseMoveEvent")
        for _step in range(abs(steps)):
            self._interactor.InvokeEvent("MouseWheelForwardEvent" if steps > 0 else "MouseWheelBackwardEvent")
        self._interactor.InvokeEvent("LeaveEvent")

    def finalize(self) -> None:
        """Let go of the graphics and of MRML."""
        self._group.SetMRMLDisplayableNode(None)
        self._style.SetInteractor(None)
        self._window.Finalize()

    def pixels(self) -> np.ndarray:
        """The view as drawn now: (rows, columns, RGB), uint8."""
        self.forceRender()
        return windowPixels(self._window)


class SliceWidget:
    """The part of ``qMRMLSliceWidget`` that scripts use: one slice node, its logic, its view."""

    def __init__(self, sliceNode: slicer.vtkMRMLSliceNode, applicationLogic: slicer.vtkMRMLApplicationLogic) -> None:
        self._sliceLogic = slicer.vtkMRMLSliceLogic()
        self._sliceLogic.SetMRMLApplicationLogic(applicationLogic)
        applicationLogic.GetSliceLogics().AddItem(self._sliceLogic)
        self._sliceView = SliceView(self._sliceLogic, applicationLogic)
        self._sliceLogic.SetDisplayableManagerGroup(self._sliceView.displayableManagerGroup())
        self._sliceLogic.SetSliceNode(sliceNode)
        self._sliceLogic.SetMRMLScene(sliceNode.GetScene())
        self._sliceView.displayableManagerGroup().SetMRMLDisplayableNode(sliceNode)

    def sliceLogic(self) -> slicer.vtkMRMLSliceLogic:
        """The real logic."""
        return self._sliceLogic

    def sliceView(self) -> SliceView:
        """The view, rendered off screen."""
        return self._sliceView

    def mrmlSliceNode(self) -> slicer.vtkMRMLSliceNode:
        """The slice node."""
        return self._sliceLogic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> slicer.vtkMRMLSliceCompositeNode:
        """The node that says which volumes are shown."""
        return self._sliceLogic.GetSliceCompositeNode()

    def fitSliceToBackground(self) -> None:
        """As the button in the controller bar."""
        self._sliceLogic.FitSliceToBackground()

    def resize(self, width: int, height: int) -> None:
        """Give the window its size, as Qt does when it lays out its widgets."""
        if tuple(self._sliceView.renderWindow().GetSize()) == (width, height):
            return
        self._sliceView.renderWindow().SetSize(width, height)
        self._sliceLogic.ResizeSliceNode(width, height)

    def finalize(self) -> None:
        """Undo what the constructor did to the application's logic."""
        self._sliceLogic.GetMRMLApplicationLogic().GetSliceLogics().RemoveItem(self._sliceLogic)
        self._sliceView.finalize()
        self._sliceLogic.SetSliceNode(None)
        self._sliceLogic.SetMRMLScene(None)


def picture(layoutManager: LayoutManager) -> np.ndarray:
    """All views of the current layout, arranged as its XML says: (rows, columns, RGB), uint8."""
    layoutManager.layOut()
    canvas = np.full((layoutManager.height, layoutManager.width, 3), 40, np.uint8)
    for view in layoutManager.placedViews():
        left, top, width, height = view.rectangle
        canvas[top : top + BAR_HEIGHT, left : left + width] = _bar(view.node, width)
        rows = slice(top + BAR_HEIGHT, top + height)
        widget = layoutManager.viewWidget(view.node)
        canvas[rows, left : left + width] = _EMPTY if widget is None else widget.sliceView().pixels()
    return canvas


def windowPixels(window: vtk.vtkRenderWindow) -> np.ndarray:
    """What a window shows: (rows, columns, RGB), uint8, first row on top."""
    grabber = vtk.vtkWindowToImageFilter()
    grabber.SetInput(window)
    grabber.ReadFrontBufferOff()
    grabber.ShouldRerenderOff()
    grabber.Update()
    return _rows(grabber.GetOutput())[..., :3]


def _rows(image: vtk.vtkImageData) -> np.ndarray:
    columns, rows, _one = image.GetDimensions()
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1)[::-1]


def _bar(viewNode: slicer.vtkMRMLAbstractViewNode, width: int) -> np.ndarray:
    """The controller bar's colour and label."""
    bar = np.empty((BAR_HEIGHT, width, 3), np.uint8)
    bar[:] = np.asarray(viewNode.GetLayoutColor()) * 255
    text = vtk.vtkTextProperty()
    text.SetFontSize(12)
    text.SetColor(0, 0, 0)
    drawn = vtk.vtkImageData()
    size = [0, 0]
    vtk.vtkTextRenderer.GetInstance().RenderString(text, viewNode.GetLayoutLabel() or " ", drawn, size, 96)
    letters = _rows(drawn)[..., 3]
    letters = letters[letters.any(axis=1)][: BAR_HEIGHT - 2, : width - 8]
    top = (BAR_HEIGHT - letters.shape[0]) // 2
    under = bar[top : top + letters.shape[0], 8 : 8 + letters.shape[1]]
    under[:] = under * (1 - letters[..., None] / 255)
    return bar


def _imageActor(mapper: vtk.vtkImageMapper) -> vtk.vtkActor2D:
    mapper.SetColorWindow(255)
    mapper.SetColorLevel(127.5)
    actor = vtk.vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetDisplayLocationToBackground()
    return actor


def _displayableManagers(
    applicationLogic: slicer.vtkMRMLApplicationLogic, renderer: vtk.vtkRenderer
) -> slicer.vtkMRMLDisplayableManagerGroup:
    factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
    factory.SetMRMLApplicationLogic(applicationLogic)
    for name in DISPLAYABLE_MANAGERS:
        if not factory.IsDisplayableManagerRegistered(name):
            factory.RegisterDisplayableManager(name)
    return factory.InstantiateDisplayableManagers(renderer)
