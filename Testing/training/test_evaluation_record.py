import math

import pytest

from mrsynth.errors import InputError, MissingFile
from mrsynth.metrics import HEAD, WHOLE_VOLUME, Metrics
from mrsynth_training.evaluation_record import (
    FOLDER,
    SubjectEvaluation,
    finished_evaluation,
    read_evaluation,
    record_path,
    synthetic_path,
    write_evaluation,
)
from mrsynth_training.tissue_agreement import TissueAgreement


@pytest.fixture
def an_evaluation():
    metrics = {
        ("network", HEAD): Metrics(HEAD, 0.1, 0.02, 30.5, 28.25, 0.9, 0.003),
        ("network", WHOLE_VOLUME): Metrics(WHOLE_VOLUME, 0.0, 0.0, math.inf, None, None, 0.0),
    }
    tissues = {"network": (TissueAgreement("WM", 0.875, 500.0, 510.5), TissueAgreement("CSF", None, 0.0, 0.0))}
    return SubjectEvaluation("S1", "Guys", {"stride": [8, 8, 8]}, (6.5, 4.25), metrics, tissues, "")


@pytest.fixture
def a_run(tmp_path):
    (tmp_path / FOLDER).mkdir()
    return tmp_path


def test_a_record_survives_the_disk_with_infinite_and_missing_figures(an_evaluation, a_run):
    write_evaluation(a_run, an_evaluation)
    assert read_evaluation(a_run, "S1") == an_evaluation


@pytest.mark.parametrize("damage", ["{", "[]", '{"format": 1}', '{"format": 9}', '{"format": 1, "metrics": [{}]}'])
def test_a_damaged_record_of_a_subject_is_told(an_evaluation, a_run, damage):
    record_path(a_run, "S1").write_text(damage)
    with pytest.raises(InputError, match="a damaged file|of format 1, found another") as refusal:
        read_evaluation(a_run, "S1")
    assert refusal.value.code == "corrupt_file"


def test_a_missing_record_says_which_command_makes_it(a_run):
    with pytest.raises(MissingFile, match="subject_S1.json: .*run `mrsynth-train evaluate-runs`"):
        read_evaluation(a_run, "S1")


def test_a_record_counts_as_finished_only_with_its_volume_and_its_making(an_evaluation, a_run):
    write_evaluation(a_run, an_evaluation)
    assert finished_evaluation(a_run, "S1", an_evaluation.made_from) is None
    synthetic_path(a_run, "S1").touch()
    assert finished_evaluation(a_run, "S1", an_evaluation.made_from) == an_evaluation
    assert finished_evaluation(a_run, "S1", {"stride": [4, 8, 8]}) is None
    assert finished_evaluation(a_run, "S2", an_evaluation.made_from) is None
