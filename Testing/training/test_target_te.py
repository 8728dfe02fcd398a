"""The page about asking for a target echo time says what the models made of the scans."""

import sys
from pathlib import Path

import pytest
from model_examples import make_timed_model
from small_heads import SMALL_SLICES, small_head

from mrsynth.models.installed import InstalledModel
from mrsynth.models.weights import load_model
from mrsynth.volume import Volume
from mrsynth_training.evaluation_cases import stack_affine
from mrsynth_training.simulation import simulate


@pytest.fixture
def target_te(monkeypatch):
    """The benchmark's module."""
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[1] / "benchmarks")
    import target_te

    yield target_te
    sys.modules.pop("target_te", None)


def test_the_true_echo_and_nothing_else_scores_without_limit(target_te):
    scan = simulate(small_head(), 3, "random", SMALL_SLICES)
    affine = stack_affine(scan.geometry)
    assert target_te.decibels(Volume(3 * scan.pd_asked + 7, affine), scan, "pd") > 80
    assert target_te.decibels(Volume(scan.t2_asked, affine), scan, "pd") < 40


def test_each_scan_is_asked_for_its_own_echo_time(target_te, tmp_path):
    model = load_model(InstalledModel(make_timed_model(tmp_path), tmp_path / "timed"))
    scans = [simulate(small_head(), seed, "random", SMALL_SLICES) for seed in (1, 2)]
    found = list(target_te.rows(model, scans))
    usual = model.card.timing["usual_target_te_ms"]
    for row, scan in zip(found, scans, strict=True):
        wanted = scan.asked.te_pd_ms
        assert row.factor == pytest.approx(max(wanted / usual, usual / wanted))
        assert len({row.usual, row.asked, row.told}) == 3


def test_scans_are_summed_up_by_how_far_their_echo_time_is_from_the_usual_one(target_te):
    rows = [target_te.Row(1.1, 30, 31, 32), target_te.Row(1.5, 20, 24, 25), target_te.Row(1.9, 22, 26, 27)]
    assert list(target_te.table_rows("a model", rows)) == [
        "| a model | up to 1.25-fold | 1 | 30.0 | 31.0 | 32.0 |",
        "| a model | up to 2-fold | 2 | 21.0 | 25.0 | 26.0 |",
    ]
