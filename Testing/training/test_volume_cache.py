import json

import numpy as np
import pytest
from ixi_examples import AFFINE, SMALL_SIZE, scan_voxels

from mrsynth.errors import InputError, MissingFile, OutputError
from mrsynth.volume import Volume
from mrsynth_training.preprocessing import PreprocessingOptions, prepare_pair
from mrsynth_training.volume_cache import (
    array_path,
    description_path,
    find_subject,
    forget_subject,
    read_subject,
    write_subject,
)

MADE_FROM = {"subject": "P1", "site": "Guys", "contrasts": ["T2", "PD"], "options": {"seed": 1}}


@pytest.fixture
def a_prepared_pair():
    return prepare_pair(*(Volume(scan_voxels(seed), AFFINE) for seed in (1, 2)), PreprocessingOptions(SMALL_SIZE))


@pytest.fixture
def a_cache(tmp_path, a_prepared_pair):
    """A cache of one subject."""
    write_subject(tmp_path, MADE_FROM, a_prepared_pair)
    return tmp_path


def test_a_subject_comes_back_as_it_was_written_without_being_read_into_memory(a_cache, a_prepared_pair):
    found = read_subject(a_cache, "P1")
    assert isinstance(found.voxels, np.memmap) and not found.voxels.flags.writeable
    np.testing.assert_array_equal(found.voxels, a_prepared_pair.voxels)
    np.testing.assert_array_equal(found.affine, a_prepared_pair.affine)
    assert (found.subject, found.site, found.contrasts) == ("P1", "Guys", ("T2", "PD"))
    assert found.description["scales"][1]["spread"] == a_prepared_pair.scales[1].spread
    assert sorted(path.name for path in a_cache.iterdir()) == ["subject_P1.json", "subject_P1.npy"]


def test_a_channel_is_found_by_its_contrast(a_cache, a_prepared_pair):
    found = read_subject(a_cache, "P1")
    np.testing.assert_array_equal(found.channel("PD"), a_prepared_pair.voxels[1])
    with pytest.raises(InputError, match="expected a contrast of"):
        found.channel("T1")


def test_a_subject_is_found_only_if_it_was_made_from_just_this(a_cache):
    assert find_subject(a_cache, MADE_FROM) is not None
    assert find_subject(a_cache, MADE_FROM | {"options": {"seed": 2}}) is None
    assert find_subject(a_cache, MADE_FROM | {"subject": "P2"}) is None


def test_a_crash_between_the_array_and_its_description_leaves_no_subject(a_cache, a_prepared_pair, monkeypatch):
    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("mrsynth_training.volume_cache.write_json", crash)
    with pytest.raises(KeyboardInterrupt):
        write_subject(a_cache, MADE_FROM, a_prepared_pair)
    assert find_subject(a_cache, MADE_FROM) is None


def test_a_crash_while_the_array_is_written_leaves_no_half_of_one(a_cache, a_prepared_pair, monkeypatch):
    def crash(file, array):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", crash)
    with pytest.raises(KeyboardInterrupt):
        write_subject(a_cache, MADE_FROM, a_prepared_pair)
    assert list(a_cache.iterdir()) == []


def damage_array(cache):
    array_path(cache, "P1").write_bytes(array_path(cache, "P1").read_bytes()[:300])


def another_shape(cache):
    np.save(array_path(cache, "P1"), np.zeros((2, 3, 3, 3), np.float32))


def damage_description(cache):
    description_path(cache, "P1").write_text("{")


def another_format(cache):
    document = json.loads(description_path(cache, "P1").read_text())
    description_path(cache, "P1").write_text(json.dumps(document | {"format": 99}))


@pytest.mark.parametrize("damage", [damage_array, another_shape, damage_description, another_format])
def test_what_is_damaged_is_refused_and_not_found(a_cache, damage):
    damage(a_cache)
    with pytest.raises(InputError, match="expected") as caught:
        read_subject(a_cache, "P1")
    assert caught.value.code == "corrupt_file"
    assert find_subject(a_cache, MADE_FROM) is None


def test_half_a_subject_or_none_is_missing(a_cache):
    array_path(a_cache, "P1").unlink()
    with pytest.raises(MissingFile, match="prepare it again"):
        read_subject(a_cache, "P1")
    with pytest.raises(MissingFile, match="mrsynth-train prepare"):
        read_subject(a_cache, "P2")


def test_a_forgotten_subject_leaves_nothing_and_can_be_forgotten_again(a_cache):
    forget_subject(a_cache, "P1")
    forget_subject(a_cache, "P1")
    assert list(a_cache.iterdir()) == []


def test_a_subject_that_cannot_be_removed_is_an_output_error(a_cache):
    description_path(a_cache, "P1").unlink()
    description_path(a_cache, "P1").mkdir()
    with pytest.raises(OutputError):
        forget_subject(a_cache, "P1")
