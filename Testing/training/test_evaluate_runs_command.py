import csv
import shutil
import signal

import pytest
from epoch_examples import shrink_networks
from study_examples import TEST, prepare_heads, train_run

from mrsynth_training import cli
from mrsynth_training.evaluation_record import read_evaluation

TABLES = {"subjects.csv", "summary.csv", "comparisons.csv", "tissues.csv"}


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    shrink_networks(monkeypatch)


@pytest.fixture(scope="module")
def trained_runs(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        shrink_networks(patch)
        folder = tmp_path_factory.mktemp("trained")
        cache = prepare_heads(folder / "cache")
        for name, seed in (("one", 0), ("two", 1)):
            train_run(cache, folder / name, seed=seed)
        return folder


@pytest.fixture
def two_runs(trained_runs, tmp_path):
    shutil.copytree(trained_runs, tmp_path, dirs_exist_ok=True)
    return [tmp_path / "one", tmp_path / "two"]


@pytest.fixture
def evaluate(tmp_path):
    def run(*arguments):
        options = ["--stride", "8", "8", "4", "--device", "cpu", "--threads", "1"]
        return cli.main(["evaluate-runs", str(tmp_path / "cache"), *map(str, arguments), *options])

    return run


def test_runs_are_measured_and_summarised_with_their_baselines(two_runs, evaluate, tmp_path, capsys):
    assert evaluate(*two_runs, "--output", tmp_path / "tables") == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0].split()[:3] == ["run", "image", "MAE"]
    assert [line.split()[:2] for line in lines[2:10]] == [
        [run, image] for run in ("one", "two") for image in ("network", "linear", "map", "oracle")
    ]
    assert "Test subjects: 3; mean (standard deviation), whole volume, standardised units." in said.out
    assert "evaluate: test subjects on cpu" in said.err and "100%" in said.err
    for folder in (tmp_path / "tables", tmp_path / "one" / "test", tmp_path / "two" / "test"):
        assert {path.name for path in folder.iterdir()} >= TABLES


def test_the_printed_mean_is_that_of_the_table(two_runs, evaluate, tmp_path, capsys):
    evaluate(two_runs[0])
    values = [read_evaluation(two_runs[0], name).metrics["network", "whole volume"].psnr_range for name in TEST]
    assert f"{sum(values) / 3:.2f} (" in capsys.readouterr().out
    with open(two_runs[0] / "test" / "summary.csv", encoding="utf-8", newline="") as file:
        row = next(
            r
            for r in csv.DictReader(file)
            if (r["image"], r["mask"], r["figure"]) == ("network", "whole volume", "psnr_range")
        )
    assert float(row["mean"]) == pytest.approx(sum(values) / 3)


def test_a_signal_ends_an_evaluation_that_goes_on_from_there(two_runs, evaluate, monkeypatch, capsys):
    from mrsynth_training import run_evaluation

    write, written = run_evaluation.write_evaluation, []

    def interrupt(run, evaluation):
        write(run, evaluation)
        written.append(evaluation.subject)
        if len(written) == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(run_evaluation, "write_evaluation", interrupt)
    assert evaluate(two_runs[0]) == 130
    assert "interrupted; subjects that are finished are kept" in capsys.readouterr().err
    assert evaluate(two_runs[0]) == 0
    assert written == ["H3", "H4", "H5"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nowhere"], "nowhere: expected the folder of a run"),
        (["cache"], "cache: expected a run with at least one finished epoch"),
        (["one", "one"], "different names"),
        (["one", "--split", "nothing.json"], "nothing.json: expected a split"),
        (["one", "--stride", "9", "9", "9"], "expected a stride"),
        (["one", "--device", "quantum"], "expected a device"),
    ],
)
def test_wrong_input_to_evaluate_runs_is_one_line_and_exit_code_2(
    two_runs, tmp_path, monkeypatch, capsys, arguments, expected
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["evaluate-runs", "cache", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("mrsynth-train: ") and error.count("\n") == 1 and expected in error


def test_an_output_that_cannot_be_written_is_told(two_runs, evaluate, tmp_path, capsys):
    (tmp_path / "tables").write_text("a file")
    assert evaluate(two_runs[0], "--output", tmp_path / "tables") == 2
    assert "expected a folder to write to, found a file" in capsys.readouterr().err
