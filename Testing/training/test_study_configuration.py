import re

import pytest
from study_figures import a_run_of

from mrsynth_training.evaluated_run import TrainingCourse
from mrsynth_training.run_record import RunRecord
from mrsynth_training.study_configuration import data_table, flattened, machine_table, settings_tables
from mrsynth_training.training_data import TrainingData

EPOCHS = ({"epoch": 1.0, "mae": 0.2, "psnr_range": 25.0}, {"epoch": 2.0, "mae": 0.1, "psnr_range": 27.5})


def text_of(html):
    return " ".join(re.sub("<[^>]*>", " ", html).split())


@pytest.fixture
def a_record():
    data = TrainingData("scans", "CC0", False, 3, "any", {}, {})
    return RunRecord("train", data, {}, 5, ("an H100", "a laptop"), ("PyTorch 2",), {})


def test_nested_settings_become_rows_with_names_in_words():
    assert flattened({"a": 1, "losses": {"gradient_weight": 2, "b": {"c": 3}}}) == {
        "a": 1,
        "losses: gradient weight": 2,
        "losses: b: c": 3,
    }


def test_settings_that_differ_have_a_column_a_run_and_the_others_stand_once():
    runs = [a_run_of("g1", [27.0]), a_run_of("g2", [28.0], direction=("PD", "T2"))]
    text = text_of(settings_tables(runs))
    assert "Setting g1 g2" in text and "source contrast T2 PD" in text
    assert text.index("The same in all runs") < text.index("losses: reconstruction L2")
    assert "schedule: patch 8 \N{MULTIPLICATION SIGN} 8 \N{MULTIPLICATION SIGN} 8" in text


def test_one_run_has_one_table_of_settings():
    text = text_of(settings_tables([a_run_of("g1", [27.0])]))
    assert "same in all runs" not in text and "source contrast T2" in text


def test_data_say_where_scans_are_from_and_how_they_were_split():
    runs = [
        a_run_of("g1", [27.0]),
        a_run_of("g2", [27.0], simulated=True, split={"seed": 4, "left_out_site": "IOP"}, sites={"": 1}),
    ]
    text = text_of(data_table(runs))
    assert "the IXI dataset" in text and "the IXI dataset (simulated, not acquired)" in text
    assert "seed 4, without IOP in training" in text and "site not known: 1" in text
    assert "224 \N{MULTIPLICATION SIGN} 224 \N{MULTIPLICATION SIGN} 32" in text


def test_time_machines_and_versions_are_told_and_what_is_not_known_says_so(a_record):
    runs = [a_run_of("g1", [27.0]), a_run_of("g2", [27.0])]
    courses = {"g1": TrainingCourse(EPOCHS, 7200.0, a_record), "g2": TrainingCourse(EPOCHS, None, None)}
    text = text_of(machine_table(runs, courses, {"g1": 1.25}))
    for said in ("2.0 h", "1.0 h", "1.25 kWh", "an H100; a laptop", "PyTorch 2", "not recorded", "not measured"):
        assert said in text
    assert "2 of 2, best 2" in text and "2026-01-02" in text


def test_names_cannot_become_markup_in_tables():
    runs = [a_run_of("<script>", [27.0], data="<b>evil</b>")]
    assert "<script>" not in data_table(runs) and "<b>evil" not in data_table(runs)
