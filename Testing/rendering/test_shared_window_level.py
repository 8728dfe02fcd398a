"""One window for two volumes: a change goes over once and comes back never."""

import pytest
import slicer

from MRSynthesisLib.SharedWindowLevel import SharedWindowLevel


@pytest.fixture
def a_pair(a_volume):
    leader, follower = a_volume("PD", 100), a_volume("synthetic PD", 300, kind="synthetic")
    for volume, window in ((leader, (200, 90)), (follower, (600, 310))):
        volume.GetScalarVolumeDisplayNode().SetAutoWindowLevel(False)
        volume.GetScalarVolumeDisplayNode().SetWindowLevel(*window)
    return leader, follower


@pytest.fixture
def a_share():
    share = SharedWindowLevel()
    yield share
    share.release()


def windowOf(volume):
    display = volume.GetScalarVolumeDisplayNode()
    return display.GetWindow(), display.GetLevel()


def test_the_follower_begins_with_the_leaders_window(a_share, a_pair):
    a_share.share(*a_pair)
    assert windowOf(a_pair[0]) == windowOf(a_pair[1]) == (200, 90)


@pytest.mark.parametrize("changed", (0, 1))
def test_a_change_in_either_shows_in_the_other_with_one_event_each(a_share, a_pair, changed):
    a_share.share(*a_pair)
    events = []
    for volume in a_pair:
        volume.AddObserver(slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent, lambda caller, _: events.append(caller))
    a_pair[changed].GetScalarVolumeDisplayNode().SetWindowLevel(50, 40)
    assert windowOf(a_pair[0]) == windowOf(a_pair[1]) == (50, 40)
    assert sorted(map(id, events)) == sorted(map(id, a_pair))


def test_an_automatic_window_is_followed_and_ends_with_a_change_by_hand(a_share, a_pair):
    leader, follower = a_pair
    leader.GetScalarVolumeDisplayNode().SetAutoWindowLevel(True)
    a_share.share(leader, follower)
    assert windowOf(follower) == windowOf(leader)
    follower.GetScalarVolumeDisplayNode().SetWindowLevel(50, 40)
    assert windowOf(leader) == (50, 40)
    assert not leader.GetScalarVolumeDisplayNode().GetAutoWindowLevel()


def test_colours_and_visibility_stay_each_ones_own(a_share, a_pair):
    a_share.share(*a_pair)
    before = a_pair[1].GetDisplayNode().GetColorNodeID()
    a_pair[0].GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeRed")
    assert a_pair[1].GetDisplayNode().GetColorNodeID() == before


def test_release_gives_each_its_own_window_back(a_share, a_pair):
    a_share.share(*a_pair)
    a_share.release()
    assert [windowOf(volume) for volume in a_pair] == [(200, 90), (600, 310)]
    a_pair[0].GetScalarVolumeDisplayNode().SetWindowLevel(1, 2)
    assert windowOf(a_pair[1]) == (600, 310)


def test_release_keeps_what_the_user_has_chosen(a_share, a_pair):
    a_share.share(*a_pair)
    a_pair[0].GetScalarVolumeDisplayNode().SetWindowLevel(50, 40)
    a_share.release()
    assert [windowOf(volume) for volume in a_pair] == [(50, 40), (50, 40)]


def test_an_automatic_window_is_automatic_again_afterwards(a_share, a_pair):
    follower = a_pair[1].GetScalarVolumeDisplayNode()
    follower.SetAutoWindowLevel(True)
    before = windowOf(a_pair[1])
    a_share.share(*a_pair)
    assert not follower.GetAutoWindowLevel()
    a_share.release()
    assert follower.GetAutoWindowLevel()
    assert windowOf(a_pair[1]) == before


def test_sharing_the_same_pair_again_forgets_nothing(a_share, a_pair):
    a_share.share(*a_pair)
    a_share.share(*a_pair)
    a_share.release()
    assert windowOf(a_pair[1]) == (600, 310)


def test_another_pair_releases_the_first(a_share, a_pair, a_volume):
    a_share.share(*a_pair)
    a_share.share(a_pair[0], a_volume("another"))
    assert windowOf(a_pair[1]) == (600, 310)


def test_one_alone_shares_nothing(a_share, a_pair):
    a_share.share(*a_pair)
    a_share.share(None, a_pair[1])
    assert windowOf(a_pair[1]) == (600, 310)
    assert not a_share.Observations


def test_a_volume_that_was_never_displayed_gets_a_display(a_share, a_pair):
    bare = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "bare")
    a_share.share(a_pair[0], bare)
    assert windowOf(bare) == (200, 90)


def test_a_deleted_volume_or_display_does_no_harm(a_share, a_pair):
    leader, follower = a_pair
    a_share.share(leader, follower)
    slicer.mrmlScene.RemoveNode(follower.GetDisplayNode())
    leader.GetScalarVolumeDisplayNode().SetWindowLevel(50, 40)
    slicer.mrmlScene.RemoveNode(follower)
    leader.GetScalarVolumeDisplayNode().SetWindowLevel(60, 40)
    a_share.release()
    assert windowOf(leader) == (60, 40)
