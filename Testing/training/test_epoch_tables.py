import csv
import io
import math
import sys
import types

import pytest

from mrsynth_training import epoch_tables
from mrsynth_training.epoch_tables import epoch_row, figure_rows, write_tables
from mrsynth_training.event_log import EventLog
from mrsynth_training.validation import SubjectFigures

FIGURES = [SubjectFigures("P0", 0.1, 20.0, 15.0), SubjectFigures("P1", 0.3, 24.0, None)]


@pytest.fixture
def a_row():
    return epoch_row(2, {"generator": 0.5}, FIGURES, best=True)


@pytest.fixture
def without_extras(monkeypatch):
    """As if neither pyarrow nor tensorboard were installed."""
    for module in ("epoch_tables", "event_log"):
        monkeypatch.setattr(f"mrsynth_training.{module}.find_spec", lambda name: None)


def test_an_epochs_row_has_means_and_deviations_over_subjects(a_row):
    expected = {"epoch": 2, "generator_loss": 0.5, "mae": 0.2, "mae_sd": math.sqrt(0.02), "psnr_range": 22.0}
    assert a_row == pytest.approx(expected | {"psnr_range_sd": math.sqrt(8), "best": 1})


def test_one_subject_has_no_deviation_and_a_perfect_one_no_number():
    assert epoch_row(1, {}, FIGURES[:1], best=False)["psnr_range_sd"] == 0
    perfect = SubjectFigures("P2", 0.0, math.inf, None)
    assert math.isnan(epoch_row(1, {}, [*FIGURES, perfect], best=False)["psnr_range_sd"])


def test_tables_are_read_back_as_csv(a_row, tmp_path, without_extras):
    write_tables(tmp_path, [a_row], figure_rows(2, FIGURES))
    with open(tmp_path / "validation.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = {"epoch": "2", "subject": "P1", "mae": "0.3", "psnr_range": "24.0", "psnr_percentile": ""}
    assert len(rows) == 2 and rows[1] == expected
    with open(tmp_path / "epochs.csv", newline="") as file:
        assert [float(row["psnr_range"]) for row in csv.DictReader(file)] == [22.0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epochs.csv", "validation.csv"]


def test_before_the_first_epoch_there_are_no_tables(tmp_path):
    write_tables(tmp_path, [], [])
    assert not list(tmp_path.iterdir())


def test_tables_are_parquet_too_where_pyarrow_is_installed(a_row, tmp_path, monkeypatch):
    written = {}
    arrow, parquet = types.ModuleType("pyarrow"), types.ModuleType("pyarrow.parquet")
    arrow.table = lambda columns: columns
    parquet.write_table = lambda table, file: written.update({len(written): table}) or file.write(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", arrow)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", parquet)
    monkeypatch.setattr(epoch_tables, "find_spec", lambda name: arrow)
    write_tables(tmp_path, [a_row], figure_rows(2, FIGURES))
    assert written[1]["subject"] == ["P0", "P1"] and written[1]["epoch"] == [2, 2]
    assert (tmp_path / "epochs.parquet").read_bytes() == (tmp_path / "validation.parquet").read_bytes() == b"PAR1"


def test_events_are_written_where_tensorboard_is_installed(a_row, tmp_path, monkeypatch):
    told = io.StringIO()

    class Writer:
        def __init__(self, folder, purge_step):
            print(folder, purge_step, file=told)

        def add_scalar(self, name, value, step):
            print(name, value, step, file=told)

        def flush(self):
            print("flush", file=told)

        def close(self):
            print("close", file=told)

    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr("mrsynth_training.event_log.find_spec", lambda name: module)
    log = EventLog(tmp_path, epoch=1)
    log.write(a_row)
    log.close()
    lines = told.getvalue().splitlines()
    assert lines[0] == f"{tmp_path / 'tensorboard'} 2"
    assert "psnr_range 22.0 2" in lines and lines[-2:] == ["flush", "close"]
    assert not [line for line in lines if line.startswith("epoch ")]


def test_without_tensorboard_nothing_is_written(a_row, tmp_path, without_extras):
    log = EventLog(tmp_path, epoch=0)
    log.write(a_row)
    log.close()
    assert not list(tmp_path.iterdir())
