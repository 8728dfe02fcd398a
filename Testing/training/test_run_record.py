import dataclasses
import json
import os

import pytest
import torch
from epoch_examples import prepare, read_subjects, shrink_networks, tiny_experiment

from mrsynth.errors import InputError, MissingFile
from mrsynth_training import hardware, run_recording
from mrsynth_training.epoch_trainer import EpochTrainer
from mrsynth_training.hardware import describe_hardware, describe_software
from mrsynth_training.process_group import ProcessGroup
from mrsynth_training.run_options import RunOptions
from mrsynth_training.run_record import RECORD, RunRecord, earlier_record, read_record
from mrsynth_training.run_recording import record_training
from mrsynth_training.training_data import TrainingData

CPU = torch.device("cpu")


@pytest.fixture
def a_record():
    data = TrainingData("three scans", "CC0", True, 3, "any", {"slice_spacing_mm": [1, 2]}, {"kind": "zscore"})
    return RunRecord("train", data, {"licence": "MIT"}, 5, ("a machine",), ("a version",), {"linear": {"mae": 0.5}})


@pytest.fixture
def a_trainer(tmp_path, monkeypatch):
    """A function that makes a trainer in one folder."""
    shrink_networks(monkeypatch)
    subjects = read_subjects(prepare(tmp_path / "cache"))
    return lambda **options: EpochTrainer(tiny_experiment(), subjects, RunOptions(tmp_path / "run", **options))


def test_a_record_survives_the_disk(a_record, tmp_path):
    a_record.write(tmp_path)
    assert read_record(tmp_path) == earlier_record(tmp_path) == a_record


@pytest.mark.parametrize("damage", ["{", "[]", '{"format": 1}', '{"format": 2}', '{"format": 1, "data": {"a": 1}}'])
def test_a_damaged_record_is_told_and_counts_as_none(a_record, tmp_path, damage):
    (tmp_path / RECORD).write_text(damage)
    with pytest.raises(InputError, match="a damaged one|of format 1, found another") as refusal:
        read_record(tmp_path)
    assert refusal.value.code == "corrupt_file"
    assert earlier_record(tmp_path) is None


def test_a_folder_without_a_record_is_told(tmp_path):
    with pytest.raises(MissingFile, match="expected the record of a run, found none"):
        read_record(tmp_path)


def test_a_run_records_its_data_its_baselines_and_what_it_was_computed_on(a_trainer, tmp_path):
    record_training(a_trainer(), {"licence": "MIT"})
    record = read_record(tmp_path / "run")
    assert (record.command, record.batches, record.texts) == ("train", 3, {"licence": "MIT"})
    assert record.data.subjects == 3 and set(record.baselines) == {"linear", "map", "oracle"}
    assert record.hardware == (describe_hardware(CPU),) and record.software == (describe_software(),)


def test_a_record_names_no_person_and_no_place(a_trainer, tmp_path):
    record_training(a_trainer(), {})
    text = (tmp_path / "run" / RECORD).read_text()
    assert not [name for name in ("P0", "P3", str(tmp_path), os.uname().nodename) if name in text]


def test_what_a_run_is_gone_on_with_is_added_and_baselines_are_not_measured_again(a_trainer, tmp_path, monkeypatch):
    first = a_trainer()
    record_training(first, {})
    first.save()
    monkeypatch.setattr(run_recording, "describe_hardware", lambda *_: "another machine")
    monkeypatch.setattr(run_recording, "validation_baselines", lambda *_: pytest.fail("measured again"))
    for _ in range(2):
        record_training(a_trainer(resume=True), {})
    record = read_record(tmp_path / "run")
    assert record.hardware == (describe_hardware(CPU), "another machine") and len(record.software) == 1
    assert record.baselines


def test_only_the_first_of_several_processes_writes_the_record(a_trainer, tmp_path):
    trainer = a_trainer()
    trainer.run = dataclasses.replace(trainer.run, processes=ProcessGroup(1, 2))
    record_training(trainer, {})
    assert not (tmp_path / "run" / RECORD).exists()


def test_hardware_is_told_by_name_and_count(monkeypatch, tmp_path):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Fast CPU 3000\nprocessor\t: 1\n")
    monkeypatch.setattr(hardware, "CPU_DESCRIPTION", tmp_path / "cpuinfo")
    assert describe_hardware(CPU) == "2 threads of Fast CPU 3000"
    assert describe_hardware(CPU, processes=3) == "3 processes, each on 2 threads of Fast CPU 3000"
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "A GPU")
    assert describe_hardware(torch.device("cuda", 0)) == "A GPU"
    assert describe_hardware(torch.device("mps")) == "2 threads of Fast CPU 3000, mps"


def test_a_system_that_tells_no_processor_has_its_kind(monkeypatch, tmp_path):
    monkeypatch.setattr(hardware, "CPU_DESCRIPTION", tmp_path / "none")
    monkeypatch.setattr(hardware.platform, "processor", lambda: "")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert describe_hardware(CPU) == f"1 thread of {hardware.platform.machine()} CPU"
    assert torch.__version__ in describe_software()


def test_a_record_is_json_that_a_report_can_read(a_record, tmp_path):
    a_record.write(tmp_path)
    document = json.loads((tmp_path / RECORD).read_text())
    assert document["data"]["subjects"] == 3 and document["hardware"] == ["a machine"]
