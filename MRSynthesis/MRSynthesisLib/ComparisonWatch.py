"""Notices what happens to a comparison outside the panel: volumes that move, nodes that go, another layout."""

from collections.abc import Callable, Iterable

import qt
import slicer
from slicer import vtkMRMLDisplayableNode, vtkMRMLScalarVolumeNode, vtkMRMLScene
from vtk import vtkCommand

from MRSynthesisLib.FollowedObjects import FollowedObjects

_SETTLED_MS = 300
"""How long a scene must rest before it is told of: who drags a transform does not want figures of every position."""


class ComparisonWatch:
    """Watches the scene, the layout and some volumes.

    Args:
        changed: Called a moment after the last change.
        closing: Called when the scene is about to be closed, also while the watch pauses.
    """

    def __init__(self, changed: Callable[[], None], closing: Callable[[], None]) -> None:
        self._settled = qt.QTimer()
        self._settled.singleShot = True
        self._settled.interval = _SETTLED_MS
        self._settled.connect("timeout()", changed)
        scene, volume = vtkMRMLScene, vtkMRMLScalarVolumeNode
        self._closing = FollowedObjects((scene.StartCloseEvent,), lambda _caller, _event: closing())
        self._scene = FollowedObjects((scene.NodeRemovedEvent, scene.EndBatchProcessEvent), self._onEvent)
        self._layout = FollowedObjects((vtkCommand.ModifiedEvent,), self._onEvent)
        moved = (vtkCommand.ModifiedEvent, volume.ImageDataModifiedEvent, volume.TransformModifiedEvent)
        self._volumes = FollowedObjects(moved, self._onEvent)
        self._displays = FollowedObjects((vtkMRMLDisplayableNode.DisplayModifiedEvent,), self._onEvent)
        self._closing.follow([slicer.mrmlScene])

    def resume(self) -> None:
        """Watch the scene and the layout."""
        manager = slicer.app.layoutManager()
        self._scene.follow([slicer.mrmlScene])
        self._layout.follow([manager.layoutLogic().GetLayoutNode()] if manager is not None else [])

    def follow(
        self,
        measured: Iterable[vtkMRMLScalarVolumeNode | None],
        displayed: Iterable[vtkMRMLScalarVolumeNode | None],
    ) -> None:
        """Watch exactly these from now on: voxels and places of the first, colours and windows of the second."""
        self._volumes.follow(measured)
        self._displays.follow(displayed)

    def pause(self) -> None:
        """Watch for nothing but the closing of the scene."""
        self._settled.stop()
        self.follow((), ())
        self._scene.release()
        self._layout.release()

    def close(self) -> None:
        """Let go of everything."""
        self.pause()
        self._closing.release()

    def _onEvent(self, _caller: object, _event: str) -> None:
        self._settled.start()
