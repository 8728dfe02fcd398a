"""Weights are downloaded only with consent, and are there complete and verified, or not at all."""

import io
import pickle
import urllib.request
from collections.abc import Iterator
from email.message import Message
from http.client import IncompleteRead
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from model_examples import make_model

from mrsynth.errors import Cancelled, InputError, OutputError
from mrsynth.models import download
from mrsynth.models.card import ModelCard
from mrsynth.models.download import SecureRedirects, download_weights
from mrsynth.models.installed import InstalledModel
from mrsynth.models.integrity import sha256_of
from mrsynth.models.weights import load_model
from mrsynth.progress import Progress


@pytest.fixture
def a_card(tmp_path: Path) -> ModelCard:
    """A card whose weights lie on a drive."""
    card = make_model(tmp_path / "drive")
    return with_fields(card, url=(tmp_path / "drive" / "tiny" / "weights.safetensors").as_uri())


@pytest.fixture
def a_folder(tmp_path: Path) -> Path:
    return tmp_path / "user" / "tiny"


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "CHUNK_BYTES", 1000)


def with_fields(card: ModelCard, **changes: object) -> ModelCard:
    return ModelCard.from_dict(card.to_dict() | changes)


def yes(question: str) -> bool:
    return True


def no(question: str) -> bool:
    return False


def weights_of(card: ModelCard) -> bytes:
    with urllib.request.urlopen(card.url) as source:
        return source.read()


def serve(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    """Let the network answer with a stream, or with an error that is raised."""

    def open_instead(self: object, url: str, timeout: float) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", open_instead)


def assert_nothing_is_left(folder: Path) -> None:
    assert not folder.exists() or list(folder.iterdir()) == []


def test_downloaded_weights_load(a_card: ModelCard, a_folder: Path) -> None:
    path = download_weights(a_card, a_folder, yes)
    assert path == a_folder / "weights.safetensors"
    assert [file.name for file in a_folder.iterdir()] == ["weights.safetensors"]
    load_model(InstalledModel(a_card, a_folder))


def test_the_question_names_address_size_licence_and_place(a_card: ModelCard, a_folder: Path) -> None:
    questions: list[str] = []
    download_weights(a_card, a_folder, lambda question: not questions.append(question))
    for part in (a_card.url, "MB", "licence Apache-2.0", str(a_folder)):
        assert part in questions[0]


def test_without_consent_nothing_is_opened_or_made(
    a_card: ModelCard, a_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, AssertionError("opened"))
    with pytest.raises(Cancelled, match="no consent"):
        download_weights(a_card, a_folder, no)
    assert not a_folder.exists()


def test_progress_counts_the_bytes_up_to_the_cards_size(a_card: ModelCard, a_folder: Path) -> None:
    steps: list[Progress] = []
    download_weights(a_card, a_folder, yes, steps.append)
    assert [step.done for step in steps] == sorted({step.done for step in steps})
    assert len(steps) > 1
    assert {step.stage for step in steps} == {"download"}
    assert steps[-1].done == steps[-1].total == a_card.size_bytes


def test_a_cancelled_download_leaves_nothing(a_card: ModelCard, a_folder: Path) -> None:
    answers = iter([False, True])
    with pytest.raises(Cancelled, match="cancelled"):
        download_weights(a_card, a_folder, yes, cancelled=lambda: next(answers))
    assert_nothing_is_left(a_folder)


class BrokenStream(io.RawIOBase):
    """A connection that gives one piece and then breaks."""

    def __init__(self, error: Exception) -> None:
        self._answers: Iterator[object] = iter([b"x" * 100, error])

    def read(self, size: int = -1) -> bytes:
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize("error", [ConnectionResetError(104, "reset"), TimeoutError("timed out"), IncompleteRead(b"")])
def test_a_connection_that_breaks_leaves_nothing(
    a_card: ModelCard, a_folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    serve(monkeypatch, BrokenStream(error))
    assert "broke off after 100 bytes" in refusal(a_card, a_folder)


def refusal(card: ModelCard, folder: Path, code: str = "download_failed") -> str:
    with pytest.raises(InputError) as caught:
        download_weights(card, folder, yes)
    assert caught.value.code == code
    assert_nothing_is_left(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_weights_have_their_name_only_once_they_are_complete(
    a_card: ModelCard, a_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, io.BytesIO(weights_of(a_card)))
    seen: list[bool] = []
    download_weights(a_card, a_folder, yes, lambda step: seen.append((a_folder / "weights.safetensors").exists()))
    assert seen
    assert not any(seen)


def test_a_stream_that_ends_early_is_refused(
    a_card: ModelCard, a_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, io.BytesIO(weights_of(a_card)[:-1]))
    assert f"expected {a_card.size_bytes} bytes, found the end after {a_card.size_bytes - 1}" in refusal(
        a_card, a_folder
    )


def test_a_download_bigger_than_the_card_says_is_stopped(
    a_card: ModelCard, a_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.BytesIO(weights_of(a_card) + b"x" * 1_000_000)
    serve(monkeypatch, stream)
    monkeypatch.setattr(stream, "close", lambda: None)
    assert "found more; stopped there" in refusal(a_card, a_folder)
    assert stream.tell() <= a_card.size_bytes + 1000


def test_a_download_with_another_hash_is_refused_naming_its_address(a_card: ModelCard, a_folder: Path) -> None:
    card = with_fields(a_card, sha256="0" * 64)
    assert refusal(card, a_folder, "bad_weights").startswith(f"{a_card.url}: expected SHA-256 0000")


def test_a_pickle_is_not_kept_even_if_the_card_vouches_for_it(
    tmp_path: Path, a_card: ModelCard, a_folder: Path
) -> None:
    served = tmp_path / "drive" / "checkpoint.pt"
    served.write_bytes(pickle.dumps({"weights": [0.0] * 10}))
    card = with_fields(a_card, url=served.as_uri(), sha256=sha256_of(served), size_bytes=served.stat().st_size)
    assert refusal(card, a_folder, "bad_weights").startswith(f"{served.as_uri()}: expected safetensors weights")


def test_a_failed_download_leaves_older_weights_as_they_were(a_card: ModelCard, a_folder: Path) -> None:
    older = download_weights(a_card, a_folder, yes)
    with pytest.raises(InputError):
        download_weights(with_fields(a_card, sha256="0" * 64), a_folder, yes)
    assert older.read_bytes() == weights_of(a_card)


def test_a_card_without_an_address_says_where_to_copy_the_weights(a_card: ModelCard, a_folder: Path) -> None:
    card = with_fields(a_card, url=None)
    assert f"copy its weights to {a_folder / 'weights.safetensors'}" in refusal(card, a_folder)


def test_a_file_that_is_not_there_is_a_failed_download(a_card: ModelCard, a_folder: Path) -> None:
    card = with_fields(a_card, url=a_card.url + ".gone")
    assert "could not be downloaded" in refusal(card, a_folder)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (URLError("certificate verify failed"), "certificate verify failed"),
        (HTTPError("https://h/w", 404, "Not Found", Message(), None), "the server answered 404 Not Found"),
        (TimeoutError("timed out"), "timed out"),
    ],
)
def test_an_address_that_does_not_answer_says_why_and_what_to_do_offline(
    a_card: ModelCard, a_folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    serve(monkeypatch, error)
    message = refusal(with_fields(a_card, url="https://host.org/w"), a_folder)
    assert reason in message
    assert "on a computer without network, copy the model folder" in message


def test_a_redirect_away_from_https_is_refused() -> None:
    request = urllib.request.Request("https://host.org/w")
    with pytest.raises(URLError, match="expected to be sent on to an https address, found http://"):
        SecureRedirects().redirect_request(request, None, 302, "Found", Message(), "http://host.org/w")
    followed = SecureRedirects().redirect_request(request, None, 302, "Found", Message(), "https://other.org/w")
    assert followed.full_url == "https://other.org/w"


def test_a_folder_that_cannot_be_written_is_an_output_error(a_card: ModelCard, a_folder: Path) -> None:
    a_folder.parent.write_text("a file where the folder should be")
    with pytest.raises(OutputError) as caught:
        download_weights(a_card, a_folder, yes)
    assert caught.value.code == "output_unwritable"


def test_a_full_disk_is_said_to_be_full(a_card: ModelCard, a_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, source: object, sink: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download._Transfer, "run", fail)
    with pytest.raises(OutputError) as caught:
        download_weights(a_card, a_folder, yes)
    assert caught.value.code == "disk_full"
    assert_nothing_is_left(a_folder)
