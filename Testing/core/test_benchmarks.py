"""The benchmarks count right and write what they counted; how fast anything is, no test asks."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from model_examples import make_model

from mrsynth.models.store import default_store
from mrsynth.models.weights import load_model
from mrsynth.patches import PatchGrid
from mrsynth.presets import figures_of
from mrsynth.volume import Volume

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def the_benchmarks_folder(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)


def test_ways_take_turns_and_are_compared_with_the_best_reference():
    from turns import Timing, Work, compared, in_turns

    order = []
    works = [Work(name, lambda name=name: order.append(name)) for name in "ab"]
    timings = in_turns(works, rounds=2)
    assert order == ["a", "b"] * 3 and {len(found) for found in timings.values()} == {2}
    works = [Work("slow", None, is_reference=True), Work("best", None, is_reference=True), Work("fast", None)]
    timings = {
        "slow": [Timing(9, 9)] * 3,
        "best": [Timing(4, 4), Timing(8, 5), Timing(4, 4)],
        "fast": [Timing(1, 2), Timing(2, 2), Timing(9, 2)],
    }
    rows = {row.name: row for row in compared(works, timings)}
    assert rows["fast"].timing == Timing(2, 2)
    assert (rows["fast"].times_faster, rows["fast"].times_less_work) == (4, 2)
    assert rows["best"].times_faster == 1


def test_a_way_is_timed_by_its_units():
    from turns import Work, in_turns

    (timing,) = in_turns([Work("wait", lambda: time.sleep(0.05), units=5)], rounds=1)["wait"]
    assert 0.01 <= timing.wall < 0.05 and timing.processor < 0.01


def test_a_process_is_measured_with_its_children():
    from processes import measure

    child = "x = bytearray(200_000_000); import time; time.sleep(0.5)"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    found = measure([sys.executable, "-c", script])
    assert found.peak_bytes > 200_000_000 and found.seconds >= 0.5 and found.processor_s > 0


def test_a_process_that_fails_is_told_of_with_its_last_words():
    from processes import measure

    with pytest.raises(RuntimeError, match="ended with 3: no more"):
        measure([sys.executable, "-c", "import sys; sys.stderr.write('no more'); sys.exit(3)"])


def test_results_are_a_table_a_document_and_a_picture(tmp_path):
    from document import Section, write_results
    from machine import machine

    sections = [
        Section("One", ("what", "s"), [["a", 1.23456], ["b", 20]], "A note."),
        Section("Two", ("what", "s"), []),
    ]
    write_results(tmp_path, machine(), sections)
    text = (tmp_path / "RESULTS.md").read_text()
    assert "## One\n\n| what | s |\n| --- | --- |\n| a | 1.23 |\n| b | 20 |\n\nA note.\n" in text
    document = json.loads((tmp_path / "results.json").read_text())
    assert document["sections"][0]["rows"] == [["a", 1.23456], ["b", 20]]
    assert document["machine"]["cores"] >= 1 and document["machine"]["processor"]
    assert (tmp_path / "results.png").read_bytes().startswith(b"\x89PNG")


def test_what_was_found_on_a_gpu_follows_on_the_page_with_what_failed_and_without_kernels(tmp_path):
    from document import Section, write_page, write_results
    from machine import machine

    write_results(tmp_path, machine(), [Section("One", ("what", "s"), [["a", 1.5]])])
    assert "On a GPU" not in (tmp_path / "RESULTS.md").read_text()
    card = {"card": "Card X", "card_memory_gib": 79.2, "cuda": "13.0", "cudnn": 91000}
    tables = [Section("Ways", ("way", "ms"), [["b", 2.5]]), Section("Kernels on a GPU", ("kernel", "ms"), [["c", 3.5]])]
    found = {"machine": machine() | card, "sections": [vars(table) for table in tables], "failures": ["d: broken"]}
    (tmp_path / "results_gpu.json").write_text(json.dumps(found))
    write_page(tmp_path)
    text = (tmp_path / "RESULTS.md").read_text()
    assert (
        text.index("| a | 1.5 |") < text.index("# On a GPU\n") < text.index("## Ways\n") < text.index("- d: broken\n")
    )
    assert "Card X, 79 GiB, CUDA 13.0, cuDNN 91000" in text and "Kernels" not in text
    write_results(tmp_path, machine(), tables)  # measuring the CPU anew leaves the GPU's part in place
    assert (tmp_path / "RESULTS.md").read_text().count("## Ways\n") == 2


def test_the_page_in_the_repository_is_the_one_of_its_results(tmp_path):
    from document import write_page

    for path in BENCHMARKS.glob("results*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    write_page(tmp_path)
    assert (tmp_path / "RESULTS.md").read_text() == (BENCHMARKS / "RESULTS.md").read_text()


def test_a_growing_scan_keeps_the_heads_size_in_plane():
    from benchmark_synthesis import tiled_head

    pytest.importorskip("nilearn")
    head = tiled_head((64, 64, 40))
    assert head.shape == (64, 64, 40)
    np.testing.assert_array_equal(head.voxels[:, :, 32:], head.voxels[:, :, :8])


@pytest.fixture
def a_paper_model(tmp_path):
    inference = {"mode": "paper", "patch": [8, 8, 4], "stride": [2, 2, 2], "smooth_stride": [4, 4, 2]}
    network = {"name": "paper-generator", "configuration": {"filters": [2] * 8}}
    make_model(tmp_path, name="small", network=network, inference=inference)
    return load_model(default_store([tmp_path]).find("small"))


def test_presets_are_measured_against_the_most_exact_one_and_the_figures_fit_a_card(a_paper_model, monkeypatch):
    import benchmark_presets as module

    voxels = np.random.default_rng(0).uniform(50, 100, (12, 12, 6)).astype(np.float32)
    scan = Volume(voxels, np.diag([1.0, 1.0, 4.0, 1.0]))
    monkeypatch.setattr(module, "tiled_head", lambda shape: scan)
    monkeypatch.setattr(module, "SHAPE", scan.shape)
    section = module.preset_section(a_paper_model, [(scan, scan.with_voxels(voxels[::-1].copy()))], rounds=1)
    rows = {row[0]: dict(zip(section.columns, row, strict=True)) for row in section.rows}
    assert list(rows) == ["paper", "standard", "draft"]
    assert rows["paper"]["change dB"] == 0 and rows["paper"]["rms difference / deviation"] == 0
    assert rows["draft"]["rms difference / deviation"] > 0
    assert all(row["s"] > 0 and row["times faster"] > 0 for row in rows.values())
    card = module.card_with_figures(a_paper_model.card, section, "noise, this machine")
    figures = figures_of("draft", card.inference)
    assert figures.note == "noise, this machine"
    assert figures.psnr_change_db == pytest.approx(rows["draft"]["change dB"], abs=1e-3)


def test_a_model_of_patches_is_timed_on_the_pairs_themselves_where_they_have_the_size_that_counts(
    a_paper_model, monkeypatch
):
    import benchmark_presets as module

    scan = Volume(np.random.default_rng(0).uniform(50, 100, (12, 12, 6)).astype(np.float32), np.eye(4))
    looked_at = []
    monkeypatch.setattr(module, "tiled_head", lambda shape: looked_at.append(shape) or scan)
    for size, others in (((12, 12, 6), []), ((12, 12, 8), [(12, 12, 8)])):
        looked_at.clear()
        monkeypatch.setattr(module, "SHAPE", size)
        section = module.preset_section(a_paper_model, [(scan, scan)], rounds=1)
        assert looked_at == others and all(row[1] > 0 for row in section.rows)


def test_ways_of_blending_are_compared_on_the_same_answers(tmp_path, monkeypatch):
    import blending as module

    inference = {"mode": "paper", "patch": [8, 8, 8], "stride": [2, 2, 2], "smooth_stride": [4, 4, 4]}
    network = {"name": "paper-generator", "configuration": {"filters": [2] * 8}}
    make_model(tmp_path, name="cubes", network=network, inference=inference)
    model = load_model(default_store([tmp_path]).find("cubes"))
    monkeypatch.setattr(module, "SHAPE", (20, 20, 8))
    source = np.random.default_rng(0).normal(size=(12, 14, 8)).astype(np.float32)
    grid = PatchGrid(source.shape, (8, 8, 8), (2, 2, 2))
    reference = module._blended(module._answers(model, grid, source), grid, "mean")
    section = module.blending_section(model, source, reference)
    rows = {(way, window): (patches, found, change) for way, window, patches, found, change in section.rows}
    assert rows["all", "mean"][0] == 49 and rows["all", "mean"][1] > 100  # the reference is that very blend
    assert rows["one in two", "mean"][0] == 25 and rows["stride x 3", "smooth"][0] == 9
    assert all(change < 0 for key, (_, _, change) in rows.items() if key != ("all", "mean"))


def test_a_model_of_whole_stacks_is_compared_with_itself(tmp_path, monkeypatch):
    import benchmark_presets as module

    whole = {"mode": "smooth", "patch": None, "stride": None, "smooth_stride": None}
    make_model(tmp_path, inference=whole)
    model = load_model(default_store([tmp_path]).find("tiny"))
    voxels = np.random.default_rng(0).uniform(50, 100, (12, 12, 6)).astype(np.float32)
    scan = Volume(voxels, np.diag([1.0, 1.0, 4.0, 1.0]))
    monkeypatch.setattr(module, "tiled_head", lambda shape: scan)
    section = module.preset_section(model, [(scan, scan)], rounds=1)
    assert [row[0] for row in section.rows] == ["standard", "draft"]
    assert section.rows[0][2] == 1
