"""``mrsynth models``."""

import io
import json

import pytest
from model_examples import make_model

from mrsynth.cli.main import main


@pytest.fixture
def a_user_folder(tmp_path, monkeypatch):
    folder = tmp_path / "mine"
    monkeypatch.setenv("MRSYNTH_MODELS", str(folder))
    monkeypatch.setattr("mrsynth.models.store.shipped_models_folder", lambda: tmp_path / "shipped")
    return folder


def models(*arguments):
    return main(["models", *map(str, arguments)])


def remote_card(tmp_path, **changes):
    """A card alone, whose weights can be had from another place."""
    make_model(tmp_path / "far", name="remote")
    weights = tmp_path / "far" / "remote" / "weights.safetensors"
    card = json.loads((tmp_path / "far" / "remote" / "card.json").read_text()) | {"url": weights.as_uri()} | changes
    path = tmp_path / "remote.json"
    path.write_text(json.dumps(card))
    return path


def test_the_list_is_a_table_and_tells_where_models_go(a_user_folder, capsys):
    make_model(a_user_folder)
    assert models("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "version", "from", "to", "size", "origin", "title"]
    assert lines[2].startswith("tiny  1.2.3") and str(a_user_folder) in lines[-1]


def test_an_empty_list_says_so(a_user_folder, capsys):
    assert models("list") == 0
    assert "no models found" in capsys.readouterr().out


def test_a_broken_model_is_told_and_does_not_hide_the_others(a_user_folder, capsys):
    make_model(a_user_folder)
    (a_user_folder / "broken").mkdir()
    (a_user_folder / "broken" / "card.json").write_text("{}")
    assert models("list", "--json") == 0
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert [model["name"] for model in document["models"]] == ["tiny"] and len(document["problems"]) == 1
    assert "broken" in shown.err


def test_a_card_is_shown_as_text_or_document(a_user_folder, capsys):
    make_model(a_user_folder)
    assert models("show", "tiny") == 0
    assert "Intended use" in capsys.readouterr().out
    assert models("show", "tiny", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["exit_code"], document["card"]["name"]) == (0, "tiny")


def test_an_unknown_model_is_bad_input(a_user_folder, capsys):
    make_model(a_user_folder)
    assert models("show", "tinny") == 2
    assert "did you mean tiny?" in capsys.readouterr().err


def test_a_folder_is_added_and_not_replaced_without_force(tmp_path, a_user_folder, capsys):
    make_model(tmp_path / "elsewhere")
    assert models("add", tmp_path / "elsewhere" / "tiny") == 0
    assert (a_user_folder / "tiny" / "weights.safetensors").is_file()
    assert models("add", tmp_path / "elsewhere" / "tiny") == 2
    assert models("add", tmp_path / "elsewhere" / "tiny", "--force") == 0
    assert "--force" in capsys.readouterr().err


def test_a_model_whose_weights_do_not_fit_is_not_added(tmp_path, a_user_folder, capsys):
    make_model(tmp_path / "elsewhere")
    card = tmp_path / "elsewhere" / "tiny" / "card.json"
    document = json.loads(card.read_text())
    document["network"]["configuration"]["widths"] = [4, 5]
    card.write_text(json.dumps(document))
    assert models("add", card.parent) == 2
    assert not (a_user_folder / "tiny").exists() and capsys.readouterr().err.startswith("error: ")


def test_a_missing_folder_is_bad_input(tmp_path, a_user_folder, capsys):
    assert models("add", tmp_path / "none") == 2
    assert "none" in capsys.readouterr().err


def test_a_cards_weights_are_downloaded_after_a_yes(tmp_path, a_user_folder, capsys):
    assert models("add", remote_card(tmp_path), "--yes", "--json") == 0
    assert json.loads(capsys.readouterr().out)["complete"] is True
    assert models("verify", "remote") == 0


def test_without_a_yes_nothing_is_downloaded_or_added(tmp_path, a_user_folder, capsys, monkeypatch):
    monkeypatch.setattr("mrsynth.cli.terminal.Terminal.confirm", lambda self, question: False)
    assert models("add", remote_card(tmp_path)) == 130
    assert not a_user_folder.exists() or not list(a_user_folder.iterdir())


def test_a_download_that_is_not_the_cards_leaves_nothing(tmp_path, a_user_folder, capsys):
    assert models("add", remote_card(tmp_path, sha256="0" * 64), "--yes") == 2
    assert "SHA-256" in capsys.readouterr().err
    assert not a_user_folder.exists() or not list(a_user_folder.iterdir())


def test_a_model_that_is_there_is_not_downloaded_again(tmp_path, a_user_folder, capsys):
    card = remote_card(tmp_path)
    assert models("add", card, "--yes") == 0
    assert models("add", card, "--yes") == 2
    assert "--force replaces it" in capsys.readouterr().err


def test_the_weights_of_a_listed_model_are_fetched_by_its_name(tmp_path, a_user_folder, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    card = remote_card(tmp_path)
    (tmp_path / "shipped" / "remote").mkdir(parents=True)
    card.rename(tmp_path / "shipped" / "remote" / "card.json")
    assert models("list") == 0
    assert "no weights" in capsys.readouterr().out
    assert models("add", "remote", "--yes") == 0
    assert models("verify") == 0
    assert (a_user_folder / "remote" / "weights.safetensors").is_file()


def test_verify_tells_each_model_and_fails_if_one_does(a_user_folder, capsys):
    make_model(a_user_folder)
    make_model(a_user_folder, name="damaged")
    weights = a_user_folder / "damaged" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    assert models("verify", "--json") == 2
    shown = capsys.readouterr()
    assert json.loads(shown.out)["passed"] == ["tiny"]
    assert "SHA-256" in shown.err
    assert models("verify", "tiny") == 0
    assert models("verify", "none") == 2


def test_folders_named_on_the_command_line_are_searched_too(tmp_path, a_user_folder, capsys):
    make_model(tmp_path / "elsewhere", name="other")
    assert models("show", "other", "--models", tmp_path / "elsewhere") == 0


def test_a_card_at_an_address_is_shown_after_a_yes_and_nothing_is_added(tmp_path, a_user_folder, capsys):
    address = remote_card(tmp_path).as_uri()
    assert models("show", address, "--yes", "--json") == 0
    assert json.loads(capsys.readouterr().out)["card"]["name"] == "remote"
    assert not a_user_folder.exists()


def test_a_model_is_added_from_an_address(tmp_path, a_user_folder, capsys):
    assert models("add", remote_card(tmp_path).as_uri(), "--yes") == 0
    assert (a_user_folder / "remote" / "weights.safetensors").is_file()


def test_without_a_yes_not_even_the_card_is_fetched(tmp_path, a_user_folder, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert models("add", remote_card(tmp_path).as_uri()) == 130
    assert not a_user_folder.exists()


@pytest.mark.parametrize(
    ("address", "message"),
    [("http://example.org/card.json", "expected an https address"), ("ftp://example.org/card.json", "https")],
)
def test_an_address_that_is_not_encrypted_is_refused(address, message, a_user_folder, capsys):
    assert models("add", address, "--yes") == 2
    assert message in capsys.readouterr().err


def test_what_is_no_card_at_an_address_is_told_with_the_address(tmp_path, a_user_folder, capsys):
    page = tmp_path / "page.html"
    page.write_text("<html>")
    assert models("show", page.as_uri(), "--yes") == 2
    assert page.as_uri() in capsys.readouterr().err


def test_a_card_larger_than_any_card_is_refused(tmp_path, a_user_folder, capsys):
    page = tmp_path / "huge.json"
    page.write_bytes(b" " * 1_000_001)
    assert models("show", page.as_uri(), "--yes") == 2
    assert "at most 1000000 bytes" in capsys.readouterr().err
