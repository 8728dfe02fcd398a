import pytest

from mrsynth.errors import InputError, MissingFile
from mrsynth_training.evaluation_record import FOLDER
from mrsynth_training.evaluation_settings import SETTINGS, EvaluationSettings, read_settings, write_settings


@pytest.fixture
def some_settings():
    return EvaluationSettings(
        *("ab" * 32, 3, "cache", ("S1", "S2"), {"Guys": 2}, "scans", False),
        *({"train": 5}, {"slice_step": 3}, (224, 224, 32), (8, 8, 8), "a machine", "a version", "2026-01-01"),
    )


@pytest.fixture
def a_run(tmp_path):
    (tmp_path / FOLDER).mkdir()
    return tmp_path


def test_settings_survive_the_disk(some_settings, a_run):
    write_settings(a_run, some_settings)
    assert read_settings(a_run) == some_settings


def test_a_run_that_was_not_measured_says_which_command_does_it(a_run):
    with pytest.raises(MissingFile, match="run `mrsynth-train evaluate-runs` first"):
        read_settings(a_run)


@pytest.mark.parametrize("damage", ["{", "[]", '{"format": 1}', '{"format": 2}'])
def test_damaged_settings_are_told(a_run, damage):
    (a_run / FOLDER / SETTINGS).write_text(damage)
    with pytest.raises(InputError, match="a damaged file|of format 1, found others"):
        read_settings(a_run)
