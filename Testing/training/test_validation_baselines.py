import math

import numpy as np
import pytest
from epoch_examples import prepare, read_subjects, tiny_experiment

from mrsynth_training.validation_baselines import LINEAR, ORACLE, TRAINED_MAP, summarized, validation_baselines


@pytest.fixture
def subjects(tmp_path):
    return read_subjects(prepare(tmp_path / "prepared"))


def test_the_linear_baseline_is_the_one_numpy_gives(subjects):
    errors = []
    for subject in subjects.validation:
        source, target = (np.array(subject.channel(c), dtype=np.float64).ravel() for c in ("T2", "PD"))
        slope, offset = np.polyfit(source, target, 1)
        errors.append(np.abs(slope * source + offset - target).mean())
    found = validation_baselines(subjects, tiny_experiment())[LINEAR]
    assert found["mae"] == pytest.approx({"mean": np.mean(errors), "std": np.std(errors, ddof=1)}, abs=1e-4)


def test_what_knows_the_answer_is_best_and_any_curve_beats_a_line(subjects):
    baselines = validation_baselines(subjects, tiny_experiment())
    found = {name: each["psnr_range"]["mean"] for name, each in baselines.items()}
    # PD is one and the same curve of T2 in all of these subjects.
    assert found[ORACLE] >= found[TRAINED_MAP] > found[LINEAR] + 3


def test_the_map_is_fitted_on_training_subjects_alone(subjects):
    for subject in subjects.train:
        subject.description["contrasts"].reverse()  # they now teach the inverse
    found = validation_baselines(subjects, tiny_experiment())
    assert found[TRAINED_MAP]["mae"]["mean"] > 2 * found[ORACLE]["mae"]["mean"]


def test_figures_that_are_no_number_for_a_subject_are_left_out():
    rows = [
        {"mae": 0.0, "psnr_range": math.inf, "psnr_percentile": None},
        {"mae": 1.0, "psnr_range": 20.0, "psnr_percentile": 15.0},
    ]
    assert summarized(rows) == {"mae": {"mean": 0.5, "std": pytest.approx(0.7071)}}
    assert summarized(rows[1:])["psnr_range"] == {"mean": 20.0, "std": 0.0}
