"""The times in the JSON beside a volume: in seconds from a converter, in ms from this program, none from elsewhere."""

import json

import numpy as np
import pytest
from model_examples import card_document

from mrsynth.acquired_timing import SIDECAR, AcquiredTiming
from mrsynth.models.card import ModelCard
from mrsynth.sidecar import Provenance, sidecar_path, write_sidecar
from mrsynth.timing_sidecar import timing_beside
from mrsynth.volume import Volume
from mrsynth.volume_reading import read_volume
from mrsynth.volume_writing import write_volume

USED = {"te_ms": 98.0, "te_from": "DICOM", "tr_ms": 4500.0, "tr_from": "DICOM", "target_te_ms": 15.0}


@pytest.fixture
def a_scan(tmp_path):
    return tmp_path / "sub-01_T2w.nii.gz"


def beside(scan, document):
    sidecar_path(scan).write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return timing_beside(scan)


def own(scan, kind="synthetic volume", timing=None, output=None):
    card = ModelCard.from_dict(card_document())
    provenance = Provenance(scan, card, {}, "cpu", 1.0, timing=timing)
    write_sidecar(sidecar_path(scan), output or scan.name, kind, provenance)
    return timing_beside(scan)


def test_a_bids_sidecar_states_seconds(a_scan):
    found = beside(a_scan, {"EchoTime": 0.0083, "RepetitionTime": 4.5, "PatientName": "Doe"})
    assert found == AcquiredTiming(8.3, 4500.0, SIDECAR)


def test_a_time_that_the_sidecar_lacks_is_unknown(a_scan):
    assert beside(a_scan, {"RepetitionTime": 3}) == AcquiredTiming(None, 3000.0, SIDECAR)


def test_a_sidecar_with_a_byte_order_mark_is_read(a_scan):
    assert beside(a_scan, '\ufeff{"EchoTime": 0.1}').te_ms == 100.0


@pytest.mark.parametrize("value", [98, [0.02, 0.1], "0.1", None, True, -0.1, 0, 10**400, float("nan"), float("inf")])
def test_nonsense_in_a_sidecar_is_unknown(a_scan, value):
    assert beside(a_scan, {"EchoTime": value}) == AcquiredTiming()


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000])
def test_a_file_that_is_no_sidecar_tells_nothing(a_scan, text):
    assert beside(a_scan, text) == AcquiredTiming()


def test_without_a_sidecar_nothing_is_known(a_scan):
    assert timing_beside(a_scan) == AcquiredTiming()


def test_a_synthetic_volume_has_the_echo_time_it_was_made_for_and_its_source_s_repetition_time(a_scan):
    assert own(a_scan, timing=USED) == AcquiredTiming(15.0, 4500.0, SIDECAR)


def test_a_synthetic_volume_of_a_model_without_timing_has_none(a_scan):
    assert own(a_scan) == AcquiredTiming()


def test_an_uncertainty_has_no_timing(a_scan):
    assert own(a_scan, "uncertainty", USED) == AcquiredTiming()


def test_the_sidecar_of_a_synthetic_volume_tells_nothing_of_a_scan_of_another_format_beside_it(a_scan):
    assert own(a_scan, timing=USED, output="sub-01_T2w.nrrd") == AcquiredTiming()


def test_a_sidecar_of_this_program_is_never_taken_for_a_converter_s(a_scan):
    document = {"made_by": "MRSynthesis", "synthetic": True, "output": a_scan.name, "EchoTime": 0.1}
    assert beside(a_scan, document) == AcquiredTiming()


@pytest.mark.parametrize("name", ["x.nii.gz", "x.nrrd", "x.mha"])
def test_a_volume_is_read_with_the_timing_beside_it(tmp_path, name):
    write_volume(Volume(np.ones((3, 3, 3)), np.eye(4)), tmp_path / name)
    assert read_volume(tmp_path / name).timing == AcquiredTiming()
    (tmp_path / "x.json").write_text('{"EchoTime": 0.1, "RepetitionTime": 4.5}')
    assert read_volume(tmp_path / name).timing == AcquiredTiming(100.0, 4500.0, SIDECAR)
