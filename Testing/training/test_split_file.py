import json

import pytest

from mrsynth.errors import InputError, MissingFile, OutputExists
from mrsynth_training.split import SplitOptions, split_subjects
from mrsynth_training.split_file import named_splits, read_split, write_split, write_splits

SITES = {f"P{number}": "AB"[number % 2] for number in range(12)}


@pytest.fixture
def a_split():
    return split_subjects(SITES, SplitOptions())


def test_a_split_comes_back_as_it_was_written(a_split, tmp_path):
    write_split(a_split, tmp_path / "split.json")
    assert read_split(tmp_path / "split.json") == a_split
    assert json.loads((tmp_path / "split.json").read_text())["train"] == list(a_split.train)


def test_another_split_is_not_replaced_unless_it_is_asked_for(a_split, tmp_path):
    path, other = tmp_path / "split.json", split_subjects(SITES, SplitOptions(seed=1))
    write_split(a_split, path)
    write_split(a_split, path)
    with pytest.raises(OutputExists, match="--new-split"):
        write_split(other, path)
    assert read_split(path) == a_split
    write_split(other, path, replace=True)
    assert read_split(path) == other


def test_each_site_can_be_left_out_in_a_split_of_its_own(tmp_path):
    splits = named_splits(SITES, SplitOptions(), leave_one_site_out=True)
    write_splits(tmp_path, splits)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "split-without-A.json",
        "split-without-B.json",
        "split.json",
    ]
    assert read_split(tmp_path / "split-without-A.json").left_out_site == "A"


def test_no_split_is_written_if_one_may_not_be_replaced(a_split, tmp_path):
    write_split(a_split, tmp_path / "b.json")
    other = split_subjects(SITES, SplitOptions(seed=1))
    with pytest.raises(OutputExists):
        write_splits(tmp_path, {"a.json": other, "b.json": other})
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]


def test_a_site_without_a_plain_name_cannot_be_left_out():
    with pytest.raises(InputError, match="the name of a site"):
        named_splits({"a": "", "b": "X", "c": "X"}, SplitOptions(), leave_one_site_out=True)


def test_a_missing_or_damaged_split_is_told(a_split, tmp_path):
    path = tmp_path / "split.json"
    with pytest.raises(MissingFile, match="mrsynth-train prepare"):
        read_split(path)
    for text in ("{", "[]", "{}", '{"train": 3}'):
        path.write_text(text)
        with pytest.raises(InputError, match="damaged") as caught:
            read_split(path)
        assert caught.value.code == "corrupt_file"
    write_split(a_split, path, replace=True)
    document = json.loads(path.read_text())
    document["test"].append(document["train"][0])
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"split.json: expected each of 12 subjects"):
        read_split(path)
