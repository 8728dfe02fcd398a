"""The contrast of a volume node: by its name, then by its DICOM tags, then by its intensities."""

import numpy as np
import pytest
from job_examples import a_ball
from volume_nodes import PROVENANCE, slicer

from MRSynthesisLib.SourceContrast import contrastOfTimes, findContrast
from MRSynthesisLib.SyntheticNode import describe


@pytest.fixture
def a_node(a_scene):
    """A function that makes a volume of a name, of one intensity unless it is to look like a head of a contrast."""

    def make(name, contrast=None):
        voxels = np.ones((4, 4, 4)) if contrast is None else a_ball(contrast).voxels.transpose().copy()
        return slicer.util.addVolumeFromArray(voxels, name=name)

    return make


@pytest.fixture
def a_database(monkeypatch):
    """Slicer's DICOM database, with the tags that a test puts in."""
    tags = {}

    class Database:
        def instanceValue(self, instance, tag):
            assert instance == "1.2.3"
            return tags.get(tag, "")

    monkeypatch.setattr(slicer, "dicomDatabase", Database(), raising=False)
    return tags


@pytest.mark.parametrize(
    ("name", "contrast"),
    [
        ("IXI002-Guys-0828-T2", "T2"),
        ("t2_tse_tra", "T2"),
        ("AX T2W 3mm", "T2"),
        ("7: PDw TSE", "PD"),
        ("proton density", "PD"),
        ("pd+t2 dual echo", None),
        ("T1 MPRAGE", None),
        ("T2 in T1 space", "T2"),
        ("T2_FLAIR", None),
        ("t2 STIR", None),
        ("PDE5 study", None),
        ("AT2B", None),
        ("", None),
    ],
)
def test_a_name_tells_the_contrast_where_it_holds_one_of_the_words(a_node, name, contrast):
    assert findContrast(a_node(name)).contrast == contrast


@pytest.mark.parametrize("name", ["T2_FLAIR", "T1 MPRAGE"])
def test_of_another_scan_nothing_is_guessed(a_node, name):
    found = findContrast(a_node(name, "T2"))
    assert (found.contrast, found.reason) == (None, "Neither T2 nor PD, by its name")


@pytest.mark.parametrize("contrast", ["T2", "PD"])
def test_where_nothing_else_tells_the_intensities_are_looked_at(a_node, contrast):
    found = findContrast(a_node("series 4", contrast))
    assert (found.contrast, found.reason) == (contrast, f"{contrast}, guessed from its intensities")


@pytest.mark.parametrize(
    ("tags", "contrast"),
    [
        ({"0018,0080": "8178", "0018,0081": "100"}, "T2"),
        ({"0018,0080": "8178", "0018,0081": "8.0"}, "PD"),
        ({"0018,0080": "600", "0018,0081": "100"}, None),
        ({"0018,0080": "8178", "0018,0081": "50"}, None),
        ({"0018,0080": "9000", "0018,0081": "100", "0018,0082": "2500"}, None),
        ({"0018,0080": "none", "0018,0081": "100"}, None),
        ({}, None),
    ],
)
def test_tags_tell_the_contrast_where_the_name_does_not(a_node, a_database, tags, contrast):
    a_database.update(tags)
    node = a_node("series 4")
    node.SetAttribute("DICOM.instanceUIDs", "1.2.3 1.2.4")
    found = findContrast(node)
    assert found.contrast == contrast
    assert found.reason == (f"{contrast}, by its DICOM tags" if contrast else "Not known: choose it")


def test_a_name_comes_before_the_tags(a_node, a_database):
    a_database.update({"0018,0080": "8178", "0018,0081": "8.0"})
    node = a_node("T2")
    node.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    assert findContrast(node).contrast == "T2"


def test_a_synthetic_volume_says_its_own(a_node):
    node = a_node("T2 synthetic PD of a T2")
    describe(node, a_node("T2"), PROVENANCE, "synthetic")
    assert findContrast(node).contrast == "PD" and "synthetic" in findContrast(node).reason


@pytest.mark.parametrize(("repetitionMs", "echoMs", "contrast"), [(3000, 40, "PD"), (3000, 60, "T2"), (3000, 0, None)])
def test_times_at_the_limits_count(repetitionMs, echoMs, contrast):
    assert contrastOfTimes(repetitionMs, echoMs) == contrast


def test_voxels_that_are_no_numbers_say_nothing(a_node):
    node = a_node("series 4", "T2")
    slicer.util.arrayFromVolume(node)[2, 2, 2] = np.nan
    assert findContrast(node).contrast is None
    assert findContrast(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")).contrast is None
