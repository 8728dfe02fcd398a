import dataclasses

import numpy as np
import pytest

from mrsynth.baselines import IntensityMap
from mrsynth.volume import Volume
from mrsynth_training.evaluation import (
    ESTIMATES,
    LINEAR,
    MASKS,
    NETWORK,
    NOISE_FREE,
    ORACLE,
    TRAINED_MAP,
    CaseResult,
    group_results,
    measure_case,
    summarized_figures,
)
from mrsynth_training.evaluation_cases import EvaluationCase, real_cases, simulated_cases

DIRECTION = ("T2", "PD")
SAME = IntensityMap(np.array([-10.0, 10.0]), np.array([-10.0, 10.0]))


@pytest.fixture(scope="module")
def heads(label_maps):
    return sorted(label_maps.glob("*.nii.gz"))[2:]


def test_a_simulated_case_is_measured_against_the_acquired_echo_and_what_was_asked_for(heads):
    (case,) = simulated_cases(heads, "ixi protocol", 1, 500)
    asked = case.healthy.targets["PD"]
    acquired, noise_free = measure_case(case, DIRECTION, asked, SAME)
    assert (acquired.group, noise_free.group) == (case.group, case.group + NOISE_FREE)
    assert {*acquired.metrics} == {(estimate, mask) for estimate in ESTIMATES for mask in MASKS}
    assert noise_free.metrics[NETWORK, "head"].mae == pytest.approx(0, abs=1e-6)
    assert acquired.metrics[NETWORK, "head"].mae > 0.001


def test_a_real_case_is_measured_against_the_acquired_echo_alone(real_pairs):
    (case,) = real_cases(real_pairs)
    (result,) = measure_case(case, DIRECTION, case.volumes["PD"], SAME)
    assert result.group == "a real head" and result.metrics[NETWORK, "whole volume"].mae == pytest.approx(0, abs=1e-6)


def test_the_map_is_what_it_was_trained_to_be_and_the_oracle_is_at_least_as_good_as_the_linear_fit(heads):
    (case,) = simulated_cases(heads, "ixi protocol", 1, 500)
    results = measure_case(case, DIRECTION, case.volumes["T2"], SAME)
    for result in results:
        metrics = {name: result.metrics[name, "whole volume"].mse for name in ESTIMATES}
        assert metrics[ORACLE] <= metrics[LINEAR] <= metrics[TRAINED_MAP]
        # The map changes nothing here, nor does this network.
        assert metrics[TRAINED_MAP] == pytest.approx(metrics[NETWORK], rel=1e-4)


def test_figures_are_mean_and_deviation_over_the_cases_of_a_group():
    random = np.random.default_rng(0)
    results = []
    for number in range(3):
        pd = random.uniform(0, 100, (20, 20, 8)).astype(np.float32)
        pd[5:15, 5:15] += 400
        case = EvaluationCase("a group", f"case {number}", {c: Volume(pd, np.eye(4)) for c in ("T2", "PD")})
        noisy = Volume(pd + random.normal(0, 20, pd.shape).astype(np.float32), np.eye(4))
        results += measure_case(case, DIRECTION, noisy, SAME)
    assert list(group_results(results)) == ["a group"]
    values = [result.metrics[NETWORK, "head"].psnr_range for result in results]
    found = summarized_figures(results, NETWORK, "head")["psnr_range"]
    assert found == pytest.approx({"mean": np.mean(values), "std": np.std(values, ddof=1)}, abs=1e-4)
    assert summarized_figures(results[:1], NETWORK, "head")["psnr_range"]["std"] == 0


def test_a_figure_that_is_missing_or_infinite_in_one_case_has_no_mean(real_pairs):
    (case,) = real_cases(real_pairs)
    (result,) = measure_case(case, DIRECTION, case.volumes["T2"], SAME)
    metrics = {
        key: dataclasses.replace(each, ssim=None, psnr_range=float("inf")) for key, each in result.metrics.items()
    }
    summary = summarized_figures([result, CaseResult("a real head", "two", metrics)], NETWORK, "head")
    assert "ssim" not in summary and "psnr_range" not in summary and "mae" in summary
