"""One window and level for two volumes of the same contrast: a change in one shows in the other."""

from dataclasses import dataclass

from slicer import vtkMRMLDisplayableNode, vtkMRMLScalarVolumeNode
from slicer.util import VTKObservationMixin

_RELATIVE_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Window:
    """How intensities become grey values.

    Attributes:
        width: The range of intensities from black to white.
        level: Its middle.
        automatic: Whether Slicer chooses them from the data.
    """

    width: float
    level: float
    automatic: bool

    @classmethod
    def of(cls, volume: vtkMRMLScalarVolumeNode) -> "Window":
        """The window of a volume that is displayed."""
        display = volume.GetScalarVolumeDisplayNode()
        return cls(display.GetWindow(), display.GetLevel(), bool(display.GetAutoWindowLevel()))

    def looksLike(self, other: "Window") -> bool:
        """Whether the pictures are the same."""
        tolerance = _RELATIVE_TOLERANCE * max(abs(self.width), abs(self.level))
        return abs(self.width - other.width) <= tolerance and abs(self.level - other.level) <= tolerance

    def applyTo(self, volume: vtkMRMLScalarVolumeNode) -> None:
        """Give a volume this window."""
        display = volume.GetScalarVolumeDisplayNode()
        wasModifying = display.StartModify()
        display.SetAutoWindowLevel(self.automatic)
        if not self.automatic:
            display.SetWindowLevel(self.width, self.level)
        display.EndModify(wasModifying)


class SharedWindowLevel(VTKObservationMixin):
    """Keeps the windows of two volumes equal until it is released."""

    def __init__(self) -> None:
        VTKObservationMixin.__init__(self)
        self._volumes: tuple[vtkMRMLScalarVolumeNode, ...] = ()
        self._before: dict[vtkMRMLScalarVolumeNode, Window] = {}
        self._given: Window | None = None
        self._copying = False

    def share(self, leader: vtkMRMLScalarVolumeNode | None, follower: vtkMRMLScalarVolumeNode | None) -> None:
        """Give the follower the leader's window, and from now on each the other's; one alone shares nothing."""
        if self._volumes == (leader, follower):
            return
        self.release()
        if leader is None or follower is None:
            return
        for volume in (leader, follower):
            if volume.GetScalarVolumeDisplayNode() is None:
                volume.CreateDefaultDisplayNodes()
            self._before[volume] = Window.of(volume)
            self.addObserver(volume, vtkMRMLDisplayableNode.DisplayModifiedEvent, self._onDisplayModified)
        self._volumes = (leader, follower)
        self._copy(leader, follower)
        self._given = Window.of(follower)

    def release(self) -> None:
        """Let each have its own again: the one it had, unless the user has chosen another meanwhile."""
        self.removeObservers()
        for volume, window in self._before.items():
            display = volume.GetScalarVolumeDisplayNode()
            if volume.GetScene() is not None and display is not None and Window.of(volume).looksLike(self._given):
                window.applyTo(volume)
        self._volumes = ()
        self._before = {}

    def _onDisplayModified(self, caller: vtkMRMLScalarVolumeNode, _event: str) -> None:
        if self._copying:
            return
        for volume in self._volumes:
            if volume is not caller:
                self._copy(caller, volume)

    def _copy(self, origin: vtkMRMLScalarVolumeNode, target: vtkMRMLScalarVolumeNode) -> None:
        if origin.GetScalarVolumeDisplayNode() is None or target.GetScalarVolumeDisplayNode() is None:
            return
        window = Window.of(origin)
        if window.looksLike(Window.of(target)):
            return
        self._copying = True
        try:
            Window(window.width, window.level, automatic=False).applyTo(target)
        finally:
            self._copying = False
