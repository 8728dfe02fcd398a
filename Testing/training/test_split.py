import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsynth.errors import InputError
from mrsynth_training.split import PARTS, UNUSED, Split, SplitOptions, leave_site_out, split_subjects

# Validation and test part of twelve subjects, as they were once drawn.
KNOWN_SPLIT = (("IXI011",), ("IXI000", "IXI002"))
IXI_SITES = {"Guys": 322, "HH": 184, "IOP": 71}


@pytest.fixture
def ixi():
    """The site of each of 577 subjects."""
    names = [site for site, count in IXI_SITES.items() for _ in range(count)]
    random.Random(5).shuffle(names)
    return {f"IXI{number:03d}": site for number, site in enumerate(names)}


def members(split):
    return [name for part in (*PARTS, UNUSED) for name in split.part(part)]


def share(split, part, site):
    return sum(split.sites[name] == site for name in split.part(part))


def test_ixi_is_split_as_in_the_report(ixi):
    split = split_subjects(ixi, SplitOptions())
    assert [len(split.part(part)) for part in (*PARTS, UNUSED)] == [250, 35, 70, 222]


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(st.text("abc12", min_size=1, max_size=5), st.sampled_from("XYZ"), min_size=3), st.integers(0, 99)
)
def test_a_split_is_a_partition_stratified_by_site_to_within_one_subject(sites, seed):
    split = split_subjects(sites, SplitOptions(seed=seed))
    assert sorted(members(split)) == sorted(sites)
    for site in set(sites.values()):
        for part in PARTS:
            exact = list(sites.values()).count(site) * len(split.part(part)) / len(sites)
            assert abs(share(split, part, site) - exact) < 1


def test_the_same_seed_gives_the_same_split_whatever_the_order(ixi):
    names = list(ixi)
    random.Random(1).shuffle(names)
    assert split_subjects({name: ixi[name] for name in names}, SplitOptions()) == split_subjects(ixi, SplitOptions())


def test_another_seed_gives_another_split(ixi):
    assert split_subjects(ixi, SplitOptions(seed=1)).test != split_subjects(ixi, SplitOptions()).test


def test_a_split_is_the_same_on_every_machine_and_with_every_version():
    sites = {f"IXI{number:03d}": "Guys" if number % 3 else "HH" for number in range(12)}
    split = split_subjects(sites, SplitOptions())
    assert (split.validation, split.test) == KNOWN_SPLIT


def test_leaving_a_site_out_tests_on_all_of_it_and_on_nothing_else(ixi):
    split = leave_site_out(ixi, "HH", SplitOptions())
    assert set(split.test) == {name for name, site in ixi.items() if site == "HH"}
    assert [len(split.part(part)) for part in (*PARTS, UNUSED)] == [250, 35, 184, 108]
    assert sorted(members(split)) == sorted(ixi) and split.left_out_site == "HH"
    assert abs(share(split, "train", "IOP") - 250 * 71 / 393) < 1


def test_a_site_that_nobody_is_of_or_everybody_cannot_be_left_out(ixi):
    for sites, site in ((ixi, "Paris"), (dict.fromkeys("abc", "Paris"), "Paris")):
        with pytest.raises(InputError, match="expected one of several sites to leave out"):
            leave_site_out(sites, site, SplitOptions())


def test_one_subject_cannot_be_split():
    with pytest.raises(InputError, match="expected at least 3 subjects, .* found 1"):
        split_subjects({"P1": ""}, SplitOptions())
    with pytest.raises(InputError, match="expected at least 2 subjects"):
        leave_site_out({"P1": "A", "P2": "B"}, "A", SplitOptions())


def test_an_empty_part_cannot_be_asked_for():
    with pytest.raises(InputError, match=r"found \(250, 0, 70\)"):
        SplitOptions(validation=0)


def test_a_subject_in_two_parts_is_no_split():
    with pytest.raises(InputError, match="expected each of 2 subjects"):
        Split(("a",), ("a",), ("b",), (), {"a": "", "b": ""}, 0)
    with pytest.raises(InputError, match="found none in test"):
        Split(("a",), ("b",), (), (), {"a": "", "b": ""}, 0)


def test_another_part_is_refused():
    with pytest.raises(InputError, match="expected a part"):
        split_subjects(dict.fromkeys("abc", ""), SplitOptions()).part("tests")
