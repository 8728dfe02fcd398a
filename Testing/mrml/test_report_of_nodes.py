"""The report of volumes in a real MRML scene; what it looks like is tested with the core."""

import pytest
from volume_nodes import PROVENANCE

from mrsynth.errors import InputError, OutputExists
from MRSynthesisLib.ComparisonMeasurement import measureCompared, takeCompared
from MRSynthesisLib.ComparisonReport import _optionsOf, namesOf, reportOf, writeReport
from MRSynthesisLib.SyntheticNode import sourceOf


def test_a_report_is_written_from_nodes(tmp_path, a_synthetic, a_reference):
    page = writeReport(tmp_path / "report", a_synthetic, a_reference, {"mode": "smooth"})
    assert sorted(path.name for path in page.parent.iterdir()) == ["comparison.png", "metrics.csv", "report.html"]
    text = page.read_text(encoding="utf-8")
    for said in (
        "T2 synthetic PD",
        PROVENANCE.model,
        PROVENANCE.weightsSha256,
        "2026-08-01 12:00:00 UTC",
        "mode: smooth",
    ):
        assert said in text
    assert len((page.parent / "metrics.csv").read_text().splitlines()) == 7
    with pytest.raises(OutputExists):
        writeReport(tmp_path / "report", a_synthetic, a_reference)
    assert writeReport(tmp_path / "report", a_synthetic, a_reference, replace=True) == page


def test_a_report_says_what_the_nodes_say(a_synthetic, a_reference):
    compared = takeCompared(a_synthetic, a_reference)
    measured = measureCompared(compared)
    report = reportOf(compared, measured, namesOf(a_synthetic, a_reference))
    images, origin = report.images, report.origin
    assert (images.synthetic, images.reference, images.source) == ("T2 synthetic PD", "PD", "T2")
    assert (images.contrast, origin.model_version, origin.run_id) == ("PD", PROVENANCE.modelVersion, PROVENANCE.runId)
    assert report.volumes == (compared.synthetic, compared.reference, compared.source)
    assert report.comparison is measured.comparison and report.warnings == measured.warnings


def test_the_source_is_named_when_it_is_gone(a_scene, a_synthetic, a_reference):
    a_scene.RemoveNode(sourceOf(a_synthetic))
    compared = takeCompared(a_synthetic, a_reference)
    report = reportOf(compared, measureCompared(compared), namesOf(a_synthetic, a_reference))
    assert report.images.source == "T2" and report.volumes[2] is None


def test_without_a_reference_there_is_no_report(tmp_path, a_synthetic):
    with pytest.raises(InputError, match="choose an acquired volume"):
        writeReport(tmp_path / "report", a_synthetic, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("recorded", "options"),
    [
        ('{"mode": "smooth", "batch_size": null, "device": "cpu"}', {"mode": "smooth", "device": "cpu"}),
        ("[", {}),
        ("[1]", {}),
    ],
)
def test_a_report_tells_the_options_that_the_node_recorded(recorded, options):
    assert _optionsOf(recorded) == options
