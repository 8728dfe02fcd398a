import numpy as np
import pytest

from mrsynth.errors import InputError, MissingFile
from mrsynth_training.paired_dataset import PatchPairs, read_part
from mrsynth_training.preprocessing import PreparedPair
from mrsynth_training.split import SplitOptions, split_subjects
from mrsynth_training.volume_cache import CachedSubject, write_subject

SHAPE = (16, 12, 4)
SUBJECTS = tuple(f"P{number}" for number in range(6))


def write(cache, subject, **fields):
    voxels = np.random.default_rng(int(subject[1])).normal(size=(2, *SHAPE)).astype(np.float32)
    made_from = {"subject": subject, "site": "", "contrasts": ["T2", "PD"], "options": {}} | fields
    write_subject(cache, made_from, PreparedPair(voxels, (), np.eye(4), "axial", SHAPE))
    return voxels


@pytest.fixture
def a_split():
    return split_subjects(dict.fromkeys(SUBJECTS, ""), SplitOptions())


@pytest.fixture
def a_cache(tmp_path):
    for subject in SUBJECTS:
        write(tmp_path, subject)
    return tmp_path


def zeros(shape):
    description = {"subject": "P", "site": "", "contrasts": ["T2", "PD"]}
    return CachedSubject(np.zeros((2, *shape), np.float32), description)


def test_a_part_has_the_subjects_of_the_split_in_order(a_cache, a_split):
    for part in ("train", "validation", "test", "unused"):
        assert tuple(subject.subject for subject in read_part(a_cache, a_split, part)) == a_split.part(part)


def test_subjects_that_were_prepared_in_two_ways_are_not_mixed(a_cache, a_split):
    write(a_cache, a_split.train[-1], contrasts=["PD", "T2"])
    with pytest.raises(InputError, match="expected one preparation for all, found contrasts"):
        read_part(a_cache, a_split, "train")


def test_a_cache_or_a_subject_that_is_not_there_is_missing(a_cache, a_split):
    with pytest.raises(MissingFile, match="expected a cache"):
        read_part(a_cache / "none", a_split, "train")
    (a_cache / f"subject_{a_split.train[0]}.npy").unlink()
    with pytest.raises(MissingFile, match="expected the array"):
        read_part(a_cache, a_split, "train")


def test_the_protocol_has_49_patches_a_subject_and_12250_in_the_train_set():
    subject = zeros((224, 224, 32))
    assert PatchPairs([subject], "T2", "PD").grid == (7, 7, 1)
    assert len(PatchPairs([subject], "T2", "PD")) == 49
    assert len(PatchPairs([subject] * 250, "T2", "PD")) == 12_250


def test_patches_put_together_are_the_subjects(a_cache, a_split):
    subjects = read_part(a_cache, a_split, "train")
    pairs = PatchPairs(subjects, "PD", "T2", (8, 4, 4))
    assert pairs.grid == (2, 3, 1)
    for number, subject in enumerate(subjects):
        patches = [pairs[number * 6 + place] for place in range(6)]
        assert all(patch.shape == (1, 8, 4, 4) and patch.dtype == np.float32 for each in patches for patch in each)
        for role, contrast in enumerate(("PD", "T2")):
            rows = [np.concatenate([patches[3 * i + j][role][0] for j in range(3)], axis=1) for i in range(2)]
            np.testing.assert_array_equal(np.concatenate(rows), subject.channel(contrast))


def test_a_patch_is_a_copy_that_may_be_written_to(a_cache, a_split):
    pairs = PatchPairs(read_part(a_cache, a_split, "test"), "T2", "PD", (8, 4, 4))
    source, _ = pairs[0]
    source[:] = 0
    assert pairs[0][0].any()


def test_a_sequence_ends_where_the_patches_end(a_cache, a_split):
    pairs = PatchPairs(read_part(a_cache, a_split, "test"), "T2", "PD", (16, 12, 4))
    assert len(list(pairs)) == len(pairs) == len(a_split.test)
    with pytest.raises(IndexError, match="expected a patch from 0"):
        pairs[-1]


@pytest.mark.parametrize(
    ("subjects", "contrasts", "patch", "message"),
    [
        ([], ("T2", "PD"), (4, 4, 4), "found no subjects"),
        ([zeros((8, 8, 8)), zeros((8, 8, 4))], ("T2", "PD"), (4, 4, 4), "one shape"),
        ([zeros((8, 8, 8))], ("T2", "PD"), (4, 4, 9), "a patch that fits"),
        ([zeros((8, 8, 8))], ("T2", "PD"), (4, 4, 0), "a patch that fits"),
        ([zeros((8, 8, 8))], ("T2", "T1"), (4, 4, 4), "expected a contrast"),
    ],
)
def test_subjects_that_give_no_patches_are_refused(subjects, contrasts, patch, message):
    with pytest.raises(InputError, match=message):
        PatchPairs(subjects, *contrasts, patch)
