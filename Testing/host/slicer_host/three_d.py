"""3D views for scripts that write into them: real nodes, windows and renderers, in which nothing else is drawn."""

import os

import slicer
import vtk


class ThreeDView:
    """The part of ``qMRMLThreeDView`` that scripts use."""

    def __init__(self, viewNode: slicer.vtkMRMLViewNode) -> None:
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
        self._viewNode = viewNode
        self._corners = vtk.vtkCornerAnnotation()
        self._window = vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.AddRenderer(vtk.vtkRenderer())
        self.scheduledRenders = 0

    def mrmlViewNode(self) -> slicer.vtkMRMLViewNode:
        """The node this view follows."""
        return self._viewNode

    def renderWindow(self) -> vtk.vtkRenderWindow:
        """The off-screen window."""
        return self._window

    def cornerAnnotation(self) -> vtk.vtkCornerAnnotation:
        """The text in the corners, which belongs to Slicer."""
        return self._corners

    def scheduleRender(self) -> None:
        """Count the request."""
        self.scheduledRenders += 1


class ThreeDWidget:
    """The part of ``qMRMLThreeDWidget`` that scripts use."""

    def __init__(self, viewNode: slicer.vtkMRMLViewNode) -> None:
        self._view = ThreeDView(viewNode)

    def threeDView(self) -> ThreeDView:
        """The view."""
        return self._view

    def mrmlViewNode(self) -> slicer.vtkMRMLViewNode:
        """The view's node."""
        return self._view.mrmlViewNode()
