"""The JSON beside each output."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import metadata

import pytest
from model_examples import card_document

from mrsynth.errors import OutputError
from mrsynth.models.card import DISAGREEMENT, EXPECTED_ERROR, ModelCard
from mrsynth.sidecar import Provenance, is_own_output, is_sidecar, sidecar_document, software_versions, write_sidecar


@pytest.fixture
def a_provenance(tmp_path):
    source = tmp_path / "Doe^Jane" / "T2.nii.gz"
    options = {"mode": "paper", "device": "auto", "batch_size": None, "uncertainty": False}
    card = ModelCard.from_dict(card_document())
    return Provenance(source, card, options, "cpu", 1.23456, (f"{source}: too few slices",))


def test_a_sidecar_says_that_the_image_is_synthetic_and_how_it_was_made(a_provenance):
    document = sidecar_document("pd.nii.gz", "synthetic volume", a_provenance)
    assert document["synthetic"] is True and "not acquired" in document["note"]
    assert document["source"] == {"name": "T2.nii.gz", "contrast": "T2"}
    assert document["model"] == {"name": "tiny", "version": "1.2.3", "sha256": "0" * 64}
    assert document["options"] == a_provenance.options
    assert document["software"]["mrsynth"] and document["software"]["numpy"]
    assert (document["contrast"], document["device"], document["seconds"]) == ("PD", "cpu", 1.235)


def test_the_time_is_in_utc(a_provenance):
    created = sidecar_document("pd.nii.gz", "synthetic volume", a_provenance)["created"]
    assert datetime.fromisoformat(created).utcoffset() == timedelta(0)


def test_nothing_of_the_sources_place_is_told(tmp_path, a_provenance):
    document = sidecar_document("pd.nii.gz", "synthetic volume", a_provenance)
    assert "Doe" not in json.dumps(document) and str(tmp_path) not in json.dumps(document)
    assert document["warnings"] == ["T2.nii.gz: too few slices"]


def test_an_uncertainty_is_called_one_and_what_it_holds_depends_on_the_model(a_provenance):
    document = sidecar_document("u.nii.gz", "uncertainty", a_provenance)
    assert document["kind"] == "uncertainty" and document["note"].startswith("How unsure")
    assert document["note"].endswith(f"in its intensities: each voxel holds {DISAGREEMENT}.")
    network = {"name": "residual-unet", "configuration": {"estimates_error": True}}
    estimating = replace(a_provenance, card=ModelCard.from_dict(card_document(network=network)))
    note = sidecar_document("u.nii.gz", "uncertainty", estimating)["note"]
    assert note.endswith(f"in its intensities: each voxel holds {EXPECTED_ERROR}.")


def test_an_output_is_known_by_its_sidecar_even_after_both_were_renamed(tmp_path, a_provenance):
    write_sidecar(tmp_path / "b.json", "a.nii.gz", "synthetic volume", a_provenance)
    assert is_own_output(tmp_path / "b.nii.gz") and is_sidecar(tmp_path / "b.json")
    # A scan of another format that happens to share the stem is not what the sidecar speaks of.
    assert not is_own_output(tmp_path / "b.nrrd")
    assert not is_own_output(tmp_path / "c.nii.gz")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"made_by": "MRSynthesis"}', " " * 1_000_001, "[" * 100_000])
def test_other_json_is_no_sidecar(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    assert not is_sidecar(tmp_path / "x.json") and not is_own_output(tmp_path / "x.nii")


def test_a_sidecar_that_cannot_be_written_leaves_nothing(tmp_path, a_provenance):
    with pytest.raises(OutputError):
        write_sidecar(tmp_path / "none" / "x.json", "x.nii.gz", "synthetic volume", a_provenance)
    assert not list(tmp_path.iterdir())


def test_a_package_without_metadata_is_left_out(monkeypatch):
    def unknown(package):
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", unknown)
    assert set(software_versions()) == {"mrsynth", "python", "system"}
