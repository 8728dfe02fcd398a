"""Observers of objects that come and go: an object that is followed no longer is held no longer either."""

from collections.abc import Callable, Iterable

from vtk import vtkObject


class FollowedObjects:
    """Calls one function for some events of whatever objects are followed now.

    Slicer's ``VTKObservationMixin.removeObserver`` keeps the object among its keys: a volume that was observed once
    would stay in memory for good.

    Args:
        events: What to listen to.
        called: As every observer, with the object and the name of the event.
    """

    def __init__(self, events: Iterable[int | str], called: Callable[[vtkObject, str], None]) -> None:
        self._events, self._called = tuple(events), called
        self._tags: dict[vtkObject, tuple[int, ...]] = {}

    def follow(self, objects: Iterable[vtkObject | None]) -> None:
        """Follow exactly these from now on; None among them is passed over."""
        wanted = {each for each in objects if each is not None}
        for each in set(self._tags) - wanted:
            for tag in self._tags.pop(each):
                each.RemoveObserver(tag)
        for each in wanted - set(self._tags):
            self._tags[each] = tuple(each.AddObserver(event, self._called) for event in self._events)

    def release(self) -> None:
        """Follow nothing."""
        self.follow(())
