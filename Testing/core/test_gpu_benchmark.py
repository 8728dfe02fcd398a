"""The benchmark of graphics cards: what it finds on a CPU in their place, and that one failure costs one row."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def the_benchmarks_folder(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)


@pytest.fixture
def small_sizes():
    from gpu_trials import Sizes

    scan = (12, 12, 8)
    return Sizes(8, (1, 2), (2,), scan, ((32, 32, 16),), [3] * 8, seconds_each=0.0)


@pytest.fixture
def trials():
    from gpu_trials import Trials

    return Trials(CPU, seconds=1000)


def test_what_fails_is_noted_and_the_rest_goes_on(trials):
    assert trials.attempt("broken", lambda: 1 / 0) is None
    assert trials.attempt("whole", lambda: 7) == 7
    assert trials.failures == ["broken: ZeroDivisionError: division by zero"]


def test_nothing_is_begun_once_the_time_is_over():
    from gpu_trials import Trials

    late, begun = Trials(CPU, seconds=0), []
    assert late.attempt("late", lambda: begun.append(True)) is None
    assert not begun and late.failures == ["late: left out, the time was over"]


@pytest.mark.parametrize(("each", "runs"), [(1.0, 12), (5000.0, 1), (200.0, 4)])
def test_a_run_is_repeated_as_the_time_allows_after_two_that_do_not_count(trials, monkeypatch, each, runs):
    done = []
    monkeypatch.setattr(type(trials), "_once", lambda self, run: done.append(run) or each)
    assert trials.milliseconds(print, seconds=0.01) == each
    assert len(done) == runs


def test_all_ways_agree_with_the_reference(trials, small_sizes):
    from gpu_agreement import agreement

    section = agreement(trials, small_sizes)
    rows = {row[0]: row for row in section.rows}
    networks = {name: row for name, row in rows.items() if not name.startswith("gradients")}
    assert all(row[3] == "yes" for row in networks.values()) and len(networks) == 2 * (9 + 9 + 7) + 2
    gradients = [row for name, row in rows.items() if name.startswith("gradients") and "float32" in name]
    assert len(gradients) == 4 and all(row[3] == "yes" for row in gradients)
    assert [failure.split(":")[0] for failure in trials.failures] == ["short memory"]  # a CPU's cannot be limited


def test_a_way_that_disagrees_is_told_of(trials, small_sizes, monkeypatch):
    import gpu_agreement

    monkeypatch.setattr(gpu_agreement, "ways", lambda generator, device, half: {"zero, float32": lambda x: 0 * x})
    rows = gpu_agreement._ways(trials, gpu_agreement.a_trained_generator([3] * 8), (8, 8, 8), "generator")
    assert [(row[1], row[3]) for row in rows] == [(1.0, "no")]


def test_short_memory_has_to_be_noticed_and_must_not_change_the_answer(trials, small_sizes, monkeypatch):
    import gpu_agreement

    monkeypatch.setattr(gpu_agreement, "_with_spare_memory", lambda device, spare, run: run())
    rows = gpu_agreement._short_memory(trials, small_sizes)
    assert [row[3] for row in rows] == ["no", "no"] and all(row[1] < 1e-5 for row in rows)


def test_every_way_is_timed_and_compared_with_plain_pytorch(trials, small_sizes):
    from gpu_speed import evaluation

    rows = {row[0]: row for row in evaluation(trials, small_sizes).rows}
    assert rows["PyTorch's layers, float32"][2] == 1 and rows["this project, float32"][1] > 0
    assert len(rows) == 9 and all("CUDA graph" in failure for failure in trials.failures)


def test_layers_and_whole_scans_are_timed(trials, small_sizes):
    from gpu_speed import layers, scans

    assert [row[0] for row in layers(trials, small_sizes).rows] == ["1", "2", "4", "5", "6", "8", "9"]
    found = scans(trials, small_sizes).rows
    assert len(found) == 4 and all(row[1] > 0 for row in found) and trials.failures == []


def test_steps_of_training_are_timed_whatever_becomes_of_one(trials, small_sizes, monkeypatch):
    import gpu_training

    def broken(*arguments):
        raise RuntimeError("no such experiment")

    monkeypatch.setattr(gpu_training, "_whole_step", broken)
    rows = {row[0]: row for row in gpu_training.training(trials, small_sizes).rows}
    assert len(rows) == 11 and rows["PyTorch's layers, float32, deterministic"][2] == 1
    assert [failure.split(",")[1] for failure in trials.failures] == [" g1 as it is trained", " g3 as it is trained"]


def test_the_settings_of_pytorch_are_left_as_they_were(trials, small_sizes):
    from gpu_networks import a_trained_generator, patches, ways
    from gpu_training import OURS, PLAIN, SEARCHED, _row, _step

    def settings():
        backend = torch.backends.cudnn
        return backend.benchmark, backend.deterministic, backend.allow_tf32

    before, source = settings(), patches(1, 8, CPU)
    for name, (forward, _) in (OURS | PLAIN).items():
        _row(trials, name, 1, lambda forward=forward: _step(trials, small_sizes, forward, 1), SEARCHED)
        assert settings() == before
    with torch.inference_mode():
        for way in ways(a_trained_generator([3] * 8), CPU, torch.bfloat16).values():
            way(source)
            assert settings() == before


def test_the_file_holds_each_part_that_gave_something(trials, small_sizes, tmp_path):
    from benchmark_gpu import measure
    from document import Section

    def good(trials, sizes):
        return Section("Good", ("what", "s"), [["a", 1.0]])

    def bad(trials, sizes):
        raise ValueError("nothing came of it")

    measure(trials, small_sizes, (good, bad, good), tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_text())
    assert [section["title"] for section in found["sections"]] == ["Good", "Good"]
    assert found["failures"] == ["bad: ValueError: nothing came of it"] and found["machine"]["card"]


def test_it_loads_where_only_pytorch_and_its_like_are_installed_and_asks_for_a_card():
    absent = "".join(f"sys.modules[{name!r}] = None; " for name in ("SimpleITK", "nibabel", "jsonschema", "matplotlib"))
    code = (
        f"import sys, runpy; sys.path[0] = {str(BENCHMARKS)!r}; {absent}import torch; "
        "torch.cuda.is_available = lambda: False; sys.argv = ['benchmark_gpu.py']; "
        f"runpy.run_path({str(BENCHMARKS / 'benchmark_gpu.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "expected a CUDA device, found none" in done.stderr
