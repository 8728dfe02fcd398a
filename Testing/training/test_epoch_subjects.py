import dataclasses

import pytest
from epoch_examples import TRAIN, VALIDATION, prepare, read_subjects, tiny_experiment

from mrsynth.errors import InputError, MissingFile
from mrsynth_training.epoch_subjects import EpochSubjects, read_epoch_subjects


@pytest.fixture
def a_cache(tmp_path):
    return prepare(tmp_path / "cache")


@pytest.fixture
def subjects(a_cache):
    return read_subjects(a_cache)


def test_subjects_are_the_parts_of_the_split(a_cache):
    subjects = read_epoch_subjects(a_cache, a_cache / "split.json")
    expected = {"train": list(TRAIN), "validation": list(VALIDATION), "preparation": {"slice_step": 3}}
    assert subjects.to_dict() == expected
    assert len(subjects.patches(tiny_experiment())) == 3 * 4


def test_a_lost_cache_file_or_split_is_told(a_cache):
    (a_cache / "subject_P4.npy").unlink()
    with pytest.raises(MissingFile, match=r"subject_P4.npy: expected the array"):
        read_epoch_subjects(a_cache, a_cache / "split.json")
    with pytest.raises(MissingFile, match="expected a split"):
        read_epoch_subjects(a_cache, a_cache / "other.json")


def test_one_subject_only_is_refused(subjects):
    with pytest.raises(InputError, match="one subject to train on and another to validate on, found 1 and 0"):
        EpochSubjects(subjects.train[:1], [])
    with pytest.raises(InputError, match="found 0 and 2"):
        EpochSubjects([], subjects.validation)


def test_a_subject_in_both_parts_is_refused(subjects):
    with pytest.raises(InputError, match=r"found \['P0'\] in both"):
        EpochSubjects(subjects.train, subjects.train[:1])


def test_subjects_of_another_plane_are_refused(subjects):
    assert subjects.patches(dataclasses.replace(tiny_experiment(), plane="axial"))
    with pytest.raises(InputError, match="prepared in sagittal slices.*found P0 in axial.*--plane sagittal"):
        subjects.patches(dataclasses.replace(tiny_experiment(), plane="sagittal"))


@pytest.mark.parametrize("part", ["train", "validation"])
def test_subjects_smaller_than_a_patch_are_refused_in_either_part(subjects, part):
    small = [dataclasses.replace(each, voxels=each.voxels[:, :4]) for each in getattr(subjects, part)]
    with pytest.raises(InputError, match="expected a patch that fits"):
        dataclasses.replace(subjects, **{part: small}).patches(tiny_experiment())
