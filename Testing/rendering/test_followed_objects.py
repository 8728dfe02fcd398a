"""Observers of objects that come and go."""

import pytest
import slicer
from vtk import vtkWeakReference

from MRSynthesisLib.FollowedObjects import FollowedObjects


@pytest.fixture
def some_nodes():
    return [slicer.vtkMRMLTextNode() for _number in range(3)]


def test_exactly_the_objects_that_are_followed_now_are_heard(some_nodes):
    heard = []
    followed = FollowedObjects(("ModifiedEvent",), lambda caller, event: heard.append(some_nodes.index(caller)))
    for wanted in ((0, 1), (1, 2), (1, 2), ()):
        heard.clear()
        followed.follow([some_nodes[index] for index in wanted])
        for node in some_nodes:
            node.Modified()
        assert tuple(heard) == wanted
    followed.follow([None, some_nodes[0]])
    followed.release()
    heard.clear()
    some_nodes[0].Modified()
    assert heard == []


def test_an_object_that_is_followed_no_longer_is_not_kept():
    followed = FollowedObjects(("ModifiedEvent",), lambda caller, event: None)
    node, gone = slicer.vtkMRMLTextNode(), vtkWeakReference()
    gone.Set(node)
    followed.follow([node])
    followed.release()
    del node
    assert gone.Get() is None
