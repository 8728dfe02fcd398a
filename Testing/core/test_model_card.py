"""Model cards are read whole or refused with one line that names file and field."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from model_examples import RELIABILITY, card_document, model_description

from mrsynth.errors import InputError, MissingFile
from mrsynth.models.card import LARGEST_CARD_BYTES, ModelCard, read_card
from mrsynth.models.card_check import SCHEMA_PATH


def changed(path: str, value: object) -> dict:
    """A card with one value set, at a path such as ``network.name``."""
    card = json.loads(json.dumps(card_document()))
    *parents, last = path.split(".")
    place = card
    for parent in parents:
        place = place[int(parent) if isinstance(place, list) else parent]
    place[last] = value
    return card


def refusal(document: object) -> str:
    with pytest.raises(InputError) as caught:
        ModelCard.from_dict(document, "here/card.json")
    assert caught.value.code == "bad_card"
    message = str(caught.value)
    assert message.startswith("here/card.json: ")
    assert "\n" not in message
    return message


@pytest.fixture
def a_card_file(tmp_path: Path) -> Path:
    path = tmp_path / "card.json"
    path.write_text(json.dumps(card_document()), encoding="utf-8")
    return path


def test_the_schema_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))


def test_a_card_comes_back_from_its_own_json() -> None:
    document = card_document(title="Läuft überall")
    assert json.loads(ModelCard.from_dict(document).to_json()) == document


def test_a_card_with_findings_comes_back_from_its_own_json_and_one_without_has_no_such_field() -> None:
    document = card_document(reliability=RELIABILITY)
    assert json.loads(ModelCard.from_dict(document).to_json()) == document
    assert ModelCard.from_dict(card_document()).reliability is None
    assert "reliability" not in ModelCard.from_dict(card_document()).to_dict()


@pytest.mark.parametrize(
    ("reliability", "found"),
    [
        (None, "found null"),
        ({}, "found {}"),
        ({"colours": {}}, "'colours': expected only known fields"),
        ({"lesions": {"definition": "any", "scans": 1}}, "'table': expected this field"),
        ({"lesions": {"definition": "any", "scans": 1, "table": {}}}, "at least one row by name"),
        ({"lesions": {"definition": "any", "scans": -1, "table": {"all": {"kept": 1}}}}, "found -1"),
        ({"lesions": {"definition": "any", "scans": 1, "table": {"all": {"kept": "most"}}}}, 'found "most"'),
    ],
)
def test_findings_of_another_form_are_refused(reliability: object, found: str) -> None:
    message = refusal(card_document(reliability=reliability))
    assert "reliability" in message and found in message


def test_a_card_does_not_change_with_the_document_it_was_read_from() -> None:
    document = card_document()
    card = ModelCard.from_dict(document)
    document["network"]["name"] = "other"
    card.to_dict()["network"]["name"] = "another"
    assert card.network["name"] == "residual-unet"


def test_a_card_is_read_from_its_file_and_from_its_folder(a_card_file: Path) -> None:
    assert read_card(a_card_file).name == read_card(a_card_file.parent).name == "tiny"


def test_a_card_with_a_byte_order_mark_is_read(a_card_file: Path) -> None:
    a_card_file.write_text(json.dumps(card_document()), encoding="utf-8-sig")
    assert read_card(a_card_file).name == "tiny"


@pytest.mark.parametrize("field", sorted(card_document()))
def test_a_missing_field_is_named(field: str) -> None:
    document = card_document()
    del document[field]
    assert f"'{field}': expected this field, found it missing" in refusal(document)


@pytest.mark.parametrize("part", ["network", "grid", "normalization", "inference", "training", "figures.0"])
def test_an_unknown_field_is_named_wherever_it_is(part: str) -> None:
    message = refusal(changed(f"{part}.colour", 1))
    assert "'colour': expected only known fields" in message
    assert part.split(".")[0] in message


def test_an_unknown_field_of_the_card_itself_is_named() -> None:
    assert "'colour': expected only known fields" in refusal(card_document(colour="blue"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", 5),
        ("title", "  "),
        ("version", "1.0"),
        ("source_contrast", "T1"),
        ("network.configuration", []),
        ("grid.slice_spacing_mm", [2.5]),
        ("grid.in_plane_spacing_mm", [0, 1.0]),
        ("normalization.target_to_source", 0),
        ("normalization.kind", "minmax"),
        ("inference.mode", "fast"),
        ("inference.patch", [8, 8]),
        ("inference.patch", [8, 8, 0]),
        ("inference.stride", 8),
        ("training.simulated", "yes"),
        ("training.subjects", 2.5),
        ("training.seconds", -1),
        ("figures", {}),
        ("figures.0.metrics", {"MAE": "small"}),
        ("figures.0.metrics", {"MAE": {"mean": 1}}),
        ("figures.0.baselines", {"linear": 3}),
        ("sha256", "ABC"),
        ("size_bytes", True),
        ("size_bytes", 7),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_with_its_field(field: str, value: object) -> None:
    assert field.split(".")[0] in refusal(changed(field, value))


def test_the_message_says_what_was_expected_and_what_was_found() -> None:
    message = refusal(changed("inference.patch", "all"))
    expected = "inference.patch: expected null or three whole numbers of voxels, at least 1 (in-plane, in-plane, slice)"
    assert message == f'here/card.json: {expected}, found "all"'


def test_a_long_wrong_value_is_cut_short() -> None:
    assert len(refusal(card_document(title=["x" * 5000]))) < 200


def test_several_faults_are_counted() -> None:
    assert refusal(card_document(title=5, version=6)).endswith("(and 1 more)")


@pytest.mark.parametrize(
    "normalization",
    [{"kind": "robust"}, {"kind": "zscore", "target_to_source": 2.5}, {"kind": "zscore", "target_mean": 1.0}, {}],
)
def test_the_numbers_of_a_normalization_follow_its_kind(normalization: dict) -> None:
    assert "normalization" in refusal(card_document(normalization=normalization))


def test_a_zscore_card_is_read() -> None:
    normalization = {"kind": "zscore", "target_mean": -0.1, "target_std": 1.5}
    assert ModelCard.from_dict(card_document(normalization=normalization)).normalization == normalization


@pytest.mark.parametrize("version", [2, "1", 0])
def test_another_schema_version_is_the_first_thing_said(version: object) -> None:
    message = refusal({"schema_version": version, "new_field": 1})
    assert message.startswith("here/card.json: schema_version: expected 1, the only version")


UNSAFE_NAMES = ["../evil", "..", ".", ".hidden", "a/b", "a\\b", "C:", "con", "nul.old", "a.", "a b", "A", "", "é"]


@pytest.mark.parametrize("name", [*UNSAFE_NAMES, "a\n", "a" * 65, "a\x00"])
def test_a_name_that_is_no_safe_folder_name_is_refused(name: str) -> None:
    assert "safe folder name" in refusal(card_document(name=name))


@pytest.mark.parametrize("name", ["t2-to-pd", "g4_residual", "a", "console", "v1.2", "a" * 64])
def test_an_ordinary_name_is_accepted(name: str) -> None:
    assert ModelCard.from_dict(card_document(name=name)).name == name


@pytest.mark.parametrize(
    "url", ["http://host/w", "ftp://host/w", "w.safetensors", "https://", "https:///w", "file://h/w"]
)
def test_an_address_that_is_neither_https_nor_a_file_is_refused(url: str) -> None:
    assert "url: expected null or the address of the weights" in refusal(card_document(url=url))


@pytest.mark.parametrize("url", [None, "https://host.org/w.safetensors", "file:///C:/models/w.safetensors"])
def test_an_address_over_https_or_of_a_file_is_accepted(url: str | None) -> None:
    assert ModelCard.from_dict(card_document(url=url)).url == url


def test_a_model_to_its_own_contrast_is_refused() -> None:
    assert "target_contrast: expected another contrast" in refusal(card_document(target_contrast="T2"))


def test_a_spacing_range_upside_down_is_refused() -> None:
    assert "grid.slice_spacing_mm: expected [lowest, highest]" in refusal(changed("grid.slice_spacing_mm", [6, 2]))


@pytest.mark.parametrize(("thinning", "stride"), [(5, [8, 8, 8]), (3, [8, 8, 16]), (2, None)])
def test_a_thinning_that_leaves_gaps_between_patches_is_refused(thinning, stride):
    inference = {"mode": "paper", "patch": [32, 32, 32], "stride": [8, 8, 8]}
    ModelCard.from_dict(card_document(inference={**inference, "smooth_stride": [8, 8, 8], "thinning": 3}))
    with pytest.raises(InputError, match="thinning: expected times smooth_stride at most the patch"):
        ModelCard.from_dict(card_document(inference={**inference, "smooth_stride": stride, "thinning": thinning}))


@pytest.mark.parametrize("field", ["stride", "smooth_stride"])
def test_a_stride_beyond_the_patch_is_refused(field: str) -> None:
    assert f"inference.{field}: expected at most the patch" in refusal(changed(f"inference.{field}", [9, 1, 1]))


@pytest.mark.parametrize("field", ["patch", "stride"])
def test_the_papers_mode_needs_a_patch_and_a_stride(field: str) -> None:
    inference = card_document()["inference"] | {"mode": "paper", field: None}
    assert "expected a patch and a stride" in refusal(card_document(inference=inference))


def test_a_card_for_the_whole_stack_in_one_pass_is_accepted() -> None:
    inference = {"mode": "smooth", "patch": None, "stride": None, "smooth_stride": None}
    assert ModelCard.from_dict(card_document(inference=inference)).inference["patch"] is None


@pytest.mark.parametrize("document", [[], None, 3, "card"])
def test_a_document_that_is_no_object_is_refused(document: object) -> None:
    assert "expected a JSON object" in refusal(document)


def test_a_number_that_is_not_finite_is_refused_when_a_card_is_made() -> None:
    assert "expected a finite number, found inf" in refusal(changed("training.seconds", float("inf")))
    assert "figures.0.metrics.MAE" in refusal(changed("figures.0.metrics.MAE", float("nan")))


def test_text_that_would_steer_a_terminal_is_refused() -> None:
    assert "title: expected text without control characters" in refusal(card_document(title="\x1b[2Jgone"))
    assert "control characters" in refusal(changed("figures.0.metrics", {"\x1b[2J": 1.0}))


def test_a_card_made_by_hand_is_checked_like_one_that_was_read() -> None:
    with pytest.raises(InputError, match=re.escape("model card: target_contrast")):
        ModelCard(**card_document(target_contrast="T2"))


def test_the_fingerprint_is_not_part_of_a_description() -> None:
    assert set(card_document()) - set(model_description()) == {"sha256", "size_bytes"}


@pytest.mark.parametrize(
    "content",
    [b"", b"not json", b'{"name": NaN}', b"[" * 200_000, b"\xff\xfe\x00", b"{" + b" " * LARGEST_CARD_BYTES],
    ids=["empty", "words", "NaN", "deep", "no UTF-8", "huge"],
)
def test_a_file_that_is_no_json_is_refused_with_its_path(a_card_file: Path, content: bytes) -> None:
    a_card_file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_card(a_card_file)
    assert caught.value.code == "bad_card"
    assert str(caught.value).startswith(f"{a_card_file}: expected")


def test_a_card_that_is_not_there_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="expected a model card"):
        read_card(tmp_path / "none.json")


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_card_may_name_a_plane_and_an_extent(plane: str) -> None:
    normalization = {"kind": "zscore", "target_mean": 1.0, "target_std": 0.5, "extent_mm": [210, 210, 120]}
    document = card_document(normalization=normalization, grid=card_document()["grid"] | {"plane": plane})
    assert ModelCard.from_dict(document).to_dict() == document


def test_a_wrong_plane_or_extent_is_named() -> None:
    assert 'grid.plane: expected "axial", "coronal" or "sagittal"' in refusal(changed("grid.plane", "oblique"))
    zscore = {"kind": "zscore", "target_mean": 1.0, "target_std": 0.5}
    message = refusal(card_document(normalization=zscore | {"extent_mm": [210, 210]}))
    assert "normalization.extent_mm: expected three lengths above 0 mm" in message
    assert "expected a number above 0" in refusal(card_document(normalization=zscore | {"extent_mm": [1, 2, 0]}))
