"""Echo and repetition time of a volume node: from Slicer's DICOM database, or from the sidecar beside its file."""

import json

import numpy as np
import pytest
from volume_nodes import slicer

from mrsynth.acquired_timing import AcquiredTiming
from MRSynthesisLib.SourceTiming import findTiming, timingKey

TE, TR = "0018,0081", "0018,0080"


@pytest.fixture
def a_node(a_scene):
    return slicer.util.addVolumeFromArray(np.ones((4, 4, 4)), name="T2")


@pytest.fixture
def an_instance(monkeypatch):
    """Slicer's DICOM database: a function that adds an instance with its tags."""
    instances = {}

    class Database:
        def instanceValue(self, instance, tag):
            return instances[instance].get(tag, "")

    monkeypatch.setattr(slicer, "dicomDatabase", Database(), raising=False)
    return instances.__setitem__


def lieAt(node, path):
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(path))
    node.SetAndObserveStorageNodeID(storage.GetID())


def fromSeries(node, *instances):
    node.SetAttribute("DICOM.instanceUIDs", " ".join(instances))


@pytest.mark.parametrize("count", [1, 2, 9])
def test_the_tags_of_a_series_tell(a_node, an_instance, count):
    for number in range(count):
        an_instance(str(number), {TE: "98", TR: "4500.5"})
    fromSeries(a_node, *map(str, range(count)))
    assert findTiming(a_node) == AcquiredTiming(98.0, 4500.5, "DICOM")


@pytest.mark.parametrize("echo", [lambda number: number % 2, lambda number: number // 4])
def test_of_a_double_echo_nothing_is_known_but_the_repetition_time(a_node, an_instance, echo):
    for number in range(8):
        an_instance(str(number), {TE: ("8", "98")[echo(number)], TR: "4500"})
    fromSeries(a_node, *map(str, range(8)))
    assert findTiming(a_node) == AcquiredTiming(None, 4500.0, "DICOM")


@pytest.mark.parametrize("tags", [{}, {TE: "none", TR: ""}, {TE: "0"}])
def test_tags_that_tell_nothing_leave_it_to_the_sidecar(a_node, an_instance, tmp_path, tags):
    an_instance("1.2.3", tags)
    fromSeries(a_node, "1.2.3")
    assert findTiming(a_node) == AcquiredTiming()
    lieAt(a_node, tmp_path / "scan ü.nii.gz")
    (tmp_path / "scan ü.json").write_text(json.dumps({"EchoTime": 0.1, "RepetitionTime": 3}))
    assert findTiming(a_node) == AcquiredTiming(100.0, 3000.0, "sidecar")


def test_without_tags_file_and_database_nothing_is_known(a_node, monkeypatch):
    monkeypatch.delattr(slicer, "dicomDatabase", raising=False)
    assert findTiming(a_node) == AcquiredTiming()
    fromSeries(a_node, "1.2.3")
    lieAt(a_node, "")
    assert findTiming(a_node) == AcquiredTiming()


def test_what_the_timing_is_read_by_tells_when_to_read_it_anew(a_node, tmp_path):
    keys = [timingKey(a_node)]
    fromSeries(a_node, "1.2.3")
    keys.append(timingKey(a_node))
    lieAt(a_node, tmp_path / "scan.nii.gz")
    keys.append(timingKey(a_node))
    assert len(set(keys)) == 3 and timingKey(a_node) == keys[-1]
