import csv
import io
import math
import statistics

import numpy as np
import pytest
from scipy import stats
from study_figures import a_run_of, evaluation_of

from mrsynth_training.study_comparisons import comparable_groups, compare_runs
from mrsynth_training.study_tables import (
    COMPARISONS,
    SUBJECTS,
    SUMMARY,
    TISSUE_TABLE,
    dice_of,
    study_tables,
    tissue_summary,
    write_study_tables,
)

G1, G2 = [27.0, 28.5, 26.1, 30.2], [27.9, 29.0, 27.7, 30.9]


@pytest.fixture
def two_runs():
    return [a_run_of("g1", G1), a_run_of("g2", G2)]


def rows(tables, name):
    return list(csv.DictReader(io.StringIO(tables[name].decode())))


def test_the_table_of_subjects_says_run_direction_image_mask_and_range_of_each_figure(two_runs):
    found = rows(study_tables(two_runs), SUBJECTS)
    assert len(found) == 2 * 4 * 4 * 2
    row = next(r for r in found if (r["run"], r["subject"], r["image"], r["mask"]) == ("g2", "S1", "network", "head"))
    assert (row["source"], row["target"], row["site"]) == ("T2", "PD", "Guys")
    assert float(row["psnr_range"]) == 29.0 and float(row["psnr_percentile"]) == 26.0
    assert (float(row["reference_range"]), float(row["reference_percentile_range"])) == (8.0, 5.0)


def test_the_summary_has_mean_and_deviation_over_subjects(two_runs):
    found = rows(study_tables(two_runs), SUMMARY)
    row = next(
        r
        for r in found
        if (r["run"], r["image"], r["mask"], r["figure"]) == ("g1", "network", "whole volume", "psnr_range")
    )
    assert (row["subjects"], float(row["mean"])) == ("4", pytest.approx(np.mean(G1)))
    assert float(row["sd"]) == pytest.approx(np.std(G1, ddof=1))
    assert float(row["median"]) == statistics.median(G1)


def test_every_two_runs_are_compared_and_each_with_its_map(two_runs):
    found = rows(study_tables(two_runs), COMPARISONS)
    chosen = [r for r in found if (r["mask"], r["figure"]) == ("whole volume", "psnr_range")]
    assert [(r["first"], r["second"]) for r in chosen] == [
        *(("g1", "g2"), ("g1", "map of g1"), ("g2", "map of g2")),
    ]
    between = chosen[0]
    assert float(between["mean_difference"]) == pytest.approx(np.mean(np.subtract(G1, G2)))
    interval = stats.ttest_rel(G1, G2).confidence_interval()
    assert (float(between["low_95"]), float(between["high_95"])) == pytest.approx((interval.low, interval.high))
    p_values = sorted(float(r["p"]) for r in chosen)
    adjusted = sorted(float(r["p_holm"]) for r in chosen)
    assert adjusted[0] == pytest.approx(min(1, 3 * p_values[0]))


def test_better_is_less_for_errors_and_more_for_the_others(two_runs):
    compared = {(each.mask, each.figure): each for each in compare_runs(two_runs) if each.second == "g2"}
    assert compared["head", "psnr_range"].first_is_better is False
    assert compared["head", "mae"].first_is_better is False  # its error is larger
    assert compared["head", "ssim"].first_is_better is None  # alike


def test_runs_of_other_directions_subjects_or_strides_are_not_compared(two_runs):
    back = a_run_of("back", G1, direction=("PD", "T2"))
    coarse = a_run_of("coarse", G1, stride=(16, 16, 16))
    fewer = a_run_of("fewer", G1[:3])
    others = a_run_of("others", G1, arrays="other")
    groups = comparable_groups([*two_runs, back, coarse, fewer, others])
    assert [[run.name for run in group] for group in groups] == [
        ["g1", "g2"],
        ["back"],
        ["coarse"],
        ["fewer"],
        ["others"],
    ]
    pairs = {(each.first, each.second) for each in compare_runs([two_runs[0], back])}
    assert pairs == {("g1", None), ("back", None)}


def test_one_subject_gives_a_table_without_deviations_and_tests():
    tables = study_tables([a_run_of("g1", G1[:1]), a_run_of("g2", G2[:1])])
    assert {r["sd"] for r in rows(tables, SUMMARY)} == {""}
    assert {r["p_holm"] for r in rows(tables, COMPARISONS)} == {""}


def test_a_perfect_network_is_written_as_infinite(two_runs):
    found = study_tables([a_run_of("g1", [math.inf, 20.0])])
    assert "inf" in {r["psnr_range"] for r in rows(found, SUBJECTS)}
    chosen = [r for r in rows(found, SUMMARY) if (r["image"], r["figure"]) == ("network", "psnr_range")]
    assert {r["mean"] for r in chosen} == {""}


def test_the_table_of_tissues_has_a_row_for_each_and_says_why_there_is_none(two_runs):
    found = rows(study_tables(two_runs), TISSUE_TABLE)
    assert len(found) == 2 * 4 * 2 * 3
    assert {r["tissue"] for r in found} == {"WM", "GM", "CSF"}
    without = a_run_of("g1", G1, subjects=[evaluation_of("S0", 27.0, tissues=False)])
    assert [r["note"] for r in rows(study_tables([without]), TISSUE_TABLE)] == ["no brain"]


def test_dice_is_summarised_over_the_subjects_with_tissues(two_runs):
    assert dice_of(two_runs[0], "network", "WM") == [0.9, 0.9, 0.9, 0.9]
    assert tissue_summary(two_runs[0], "map")["CSF"].mean == pytest.approx(0.7)
    mixed = a_run_of("g", G1, subjects=[evaluation_of("S0", 1.0, tissues=False), evaluation_of("S1", 1.0)])
    assert tissue_summary(mixed, "network")["WM"].subjects == 1


def test_tables_are_written_as_files(two_runs, tmp_path):
    write_study_tables(tmp_path / "new", two_runs)
    assert {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()} == study_tables(two_runs)
