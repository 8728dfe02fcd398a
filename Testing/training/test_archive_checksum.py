import hashlib

import pytest

from mrsynth.errors import InputError
from mrsynth_training import archive_checksum
from mrsynth_training.archive_checksum import checksum_path, file_sha256, record_checksum, verify_archive


@pytest.fixture
def an_archive(tmp_path):
    """An archive with its checksum beside it."""
    path = tmp_path / "IXI-T2.tar"
    path.write_bytes(b"scans" * 1000)
    record_checksum(path, file_sha256(path))
    return path


def test_the_checksum_is_sha256(an_archive):
    assert file_sha256(an_archive) == hashlib.sha256(b"scans" * 1000).hexdigest()


def test_an_archive_that_is_what_it_was_is_verified_with_progress(an_archive, monkeypatch):
    monkeypatch.setattr(archive_checksum, "CHUNK_BYTES", 1000)
    steps = []
    assert verify_archive(an_archive, steps.append)
    assert [step.done for step in steps] == [1000, 2000, 3000, 4000, 5000]
    assert steps[0].stage == "check of IXI-T2.tar"


def test_an_archive_without_a_checksum_is_not_verified_and_none_is_made_up(an_archive):
    checksum_path(an_archive).unlink()
    assert not verify_archive(an_archive)
    assert not checksum_path(an_archive).exists()


def test_an_archive_that_changed_is_refused_with_what_to_do(an_archive):
    an_archive.write_bytes(b"other")
    with pytest.raises(InputError, match="download it again, or delete IXI-T2.tar.sha256") as caught:
        verify_archive(an_archive)
    assert caught.value.code == "corrupt_file"


@pytest.mark.parametrize("text", ["", "no checksum", "ABC"])
def test_a_checksum_that_is_none_is_refused(an_archive, text):
    checksum_path(an_archive).write_text(text)
    with pytest.raises(InputError, match="expected a SHA-256"):
        verify_archive(an_archive)
