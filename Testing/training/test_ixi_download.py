"""IXI is downloaded only with consent, goes on after an interruption, and has its name only once it is whole."""

import errno
import hashlib
import io
import json
import urllib.request
from email.message import Message
from http.client import IncompleteRead
from urllib.error import HTTPError, URLError

import pytest

from mrsynth.errors import Cancelled, InputError, OutputError
from mrsynth_training import ixi_download
from mrsynth_training.archive_checksum import verify_archive
from mrsynth_training.ixi_download import ADDRESS, ArchiveDownload

DATA = bytes(range(256)) * 40
SITE = "https://host.org/IXI"


class Server:
    """A server with one archive, in the place of the network.

    Attributes:
        data: The archive.
        tag: Its version.
        breaks_after: The connection is reset after so many bytes.
        ranges: Whether a part can be asked for.
        asked: The ranges that were asked for.
    """

    def __init__(self):
        self.data, self.tag, self.breaks_after, self.ranges, self.asked = DATA, '"one"', None, True, []

    def open(self, request, timeout):
        wanted = request.get_header("Range")
        self.asked.append(wanted)
        start = 0
        if wanted and self.ranges and request.get_header("If-range") == self.tag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        return Answer(self, start)


class Answer(io.BytesIO):
    """What the server sends."""

    def __init__(self, server, start):
        super().__init__(server.data[start:])
        self.server, self.headers = server, Message()
        self.headers["Content-Length"] = str(len(server.data) - start)
        if server.tag:
            self.headers["ETag"] = server.tag
        if start:
            self.headers["Content-Range"] = f"bytes {start}-{len(server.data) - 1}/{len(server.data)}"

    def read(self, size=-1):
        if self.server.breaks_after is not None and self.tell() >= self.server.breaks_after:
            raise ConnectionResetError(104, "reset")
        return super().read(size)


@pytest.fixture
def server(monkeypatch):
    server = Server()
    monkeypatch.setattr(
        urllib.request.OpenerDirector, "open", lambda self, request, timeout: server.open(request, timeout)
    )
    monkeypatch.setattr(ixi_download, "CHUNK_BYTES", 1000)
    return server


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "IXI"


def yes(question):
    return True


def fetch(folder, **options):
    ArchiveDownload(folder, SITE, **options).fetch(["T2"], yes)
    return folder / "IXI-T2.tar"


def refusal(folder, code="download_failed"):
    with pytest.raises(InputError) as caught:
        fetch(folder)
    assert caught.value.code == code and not (folder / "IXI-T2.tar").exists()
    return str(caught.value)


def test_a_download_leaves_the_archive_and_its_checksum_and_nothing_else(server, folder):
    steps = []
    assert fetch(folder, progress=steps.append).read_bytes() == DATA
    assert sorted(path.name for path in folder.iterdir()) == ["IXI-T2.tar", "IXI-T2.tar.sha256"]
    digest = hashlib.sha256(DATA).hexdigest()
    assert (folder / "IXI-T2.tar.sha256").read_text() == f"{digest}  IXI-T2.tar\n"
    assert verify_archive(folder / "IXI-T2.tar")
    assert steps[-1].done == steps[-1].total == len(DATA) and steps[0].stage == "download of IXI-T2.tar"


def test_a_mounted_drive_is_an_address_too(tmp_path, folder):
    (tmp_path / "IXI-PD.tar").write_bytes(DATA)
    ArchiveDownload(folder, tmp_path.as_uri()).fetch(["PD"], yes)
    assert (folder / "IXI-PD.tar").read_bytes() == DATA


def test_the_question_names_address_size_licence_folder_and_that_there_is_no_checksum(folder):
    questions = []
    with pytest.raises(Cancelled, match="no consent"):
        ArchiveDownload(folder).fetch(["T2", "PD"], questions.append)
    expected = ("IXI-T2.tar (about 3.9 GB)", "IXI-PD.tar (about 4.1 GB)", "CC BY-SA 3.0", ADDRESS, str(folder))
    assert all(part in questions[0] for part in (*expected, "No official checksum is known"))
    assert ADDRESS.startswith("https://")


def test_without_consent_nothing_is_opened_or_made(server, folder):
    with pytest.raises(Cancelled):
        ArchiveDownload(folder, SITE).fetch(["T2"], lambda question: False)
    assert server.asked == [] and not folder.exists()


def test_nothing_to_download_is_no_question(folder):
    ArchiveDownload(folder).fetch([], lambda question: pytest.fail("asked"))


def test_a_connection_that_breaks_is_gone_on_with(server, folder):
    server.breaks_after = 3000
    assert "broke off after 3000 bytes" in refusal(folder)
    assert (folder / "IXI-T2.tar.partial").read_bytes() == DATA[:3000]
    server.breaks_after = None
    assert fetch(folder).read_bytes() == DATA
    assert server.asked == [None, "bytes=3000-"]
    assert verify_archive(folder / "IXI-T2.tar")
    assert sorted(path.name for path in folder.iterdir()) == ["IXI-T2.tar", "IXI-T2.tar.sha256"]


def test_a_cancelled_download_is_gone_on_with(server, folder):
    answers = iter([False, False, True])
    with pytest.raises(Cancelled, match="2000 of 10240 bytes; the same command goes on"):
        fetch(folder, cancelled=lambda: next(answers))
    assert fetch(folder).read_bytes() == DATA
    assert server.asked[-1] == "bytes=2000-"


def changed(server):
    server.data, server.tag = DATA[::-1] + b"more", '"two"'


def without_ranges(server):
    server.ranges = False


@pytest.mark.parametrize("change", [changed, without_ranges])
def test_another_version_or_a_server_without_ranges_is_downloaded_from_the_start(server, folder, change):
    server.breaks_after = 3000
    refusal(folder)
    server.breaks_after = None
    change(server)
    assert fetch(folder).read_bytes() == server.data
    assert verify_archive(folder / "IXI-T2.tar")


def test_a_server_that_names_no_version_is_not_trusted_with_the_rest(server, folder):
    server.tag, server.breaks_after = "", 3000
    refusal(folder)
    server.breaks_after = None
    assert fetch(folder).read_bytes() == DATA
    assert server.asked == [None, None]


def test_a_weak_tag_is_no_version_of_the_bytes(server, folder):
    server.tag, server.breaks_after = 'W/"one"', 3000
    refusal(folder)
    assert json.loads((folder / "IXI-T2.tar.partial.json").read_text())["version"] == ""


def test_a_download_that_only_lacked_its_name_is_not_downloaded_again(server, folder, monkeypatch):
    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ixi_download, "record_checksum", crash)
        fetch(folder)
    assert fetch(folder).read_bytes() == DATA
    assert len(server.asked) == 1


def test_the_wrong_part_or_another_length_is_refused(server, folder, monkeypatch):
    server.breaks_after = 3000
    refusal(folder)
    server.breaks_after = None
    monkeypatch.setattr(server, "open", lambda request, timeout: Answer(server, 1000))
    assert "found another part" in refusal(folder)
    short = Answer(server, 0)
    short.truncate(5000)
    monkeypatch.setattr(server, "open", lambda request, timeout: short)
    assert "expected 10240 bytes, found the end after 5000" in refusal(folder)
    long = Answer(server, 0)
    long.headers.replace_header("Content-Length", "100")
    monkeypatch.setattr(server, "open", lambda request, timeout: long)
    assert "expected 100 bytes, found more" in refusal(folder)
    silent = Answer(server, 0)
    del silent.headers["Content-Length"]
    monkeypatch.setattr(server, "open", lambda request, timeout: silent)
    assert "does not say how many bytes" in refusal(folder)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (URLError("certificate verify failed"), "certificate verify failed"),
        (HTTPError(SITE, 404, "Not Found", Message(), None), "the server answered 404 Not Found"),
        (TimeoutError("timed out"), "timed out"),
        (IncompleteRead(b""), "IncompleteRead"),
    ],
)
def test_an_address_that_does_not_answer_says_why_and_what_to_do(server, folder, monkeypatch, error, reason):
    def fail(*_):
        raise error

    monkeypatch.setattr(server, "open", fail)
    message = refusal(folder)
    assert reason in message and "put the archive there by hand" in message


def test_only_https_and_file_addresses_are_opened(folder):
    with pytest.raises(InputError, match="expected an https or file address, found http://host.org"):
        ArchiveDownload(folder, "http://host.org")


def test_a_full_disk_is_said_to_be_full_and_the_download_is_kept(server, folder, monkeypatch):
    def refuse(arrival, piece):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ixi_download._Arrival, "take", refuse)
    with pytest.raises(OutputError) as caught:
        fetch(folder)
    assert caught.value.code == "disk_full"
    assert (folder / "IXI-T2.tar.partial").exists()


def test_a_folder_that_cannot_be_written_is_an_output_error(server, folder):
    folder.touch()
    with pytest.raises(OutputError):
        fetch(folder)
