import argparse
from pathlib import Path

import pytest

from mrsynth.errors import InputError
from mrsynth_training.epoch_experiment import read_epoch_experiment
from mrsynth_training.experiment_changes import add_option, changed
from mrsynth_training.experiments import read_experiment


@pytest.fixture
def a_document():
    return {"name": "tiny", "schedule": {"epochs": 3}}


def test_values_are_replaced_and_added_as_in_toml(a_document):
    changes = ("schedule.epochs = 2", "schedule.patch=[8, 8, 8]", "network.configuration.residual=true")
    assert changed(a_document, changes) == {
        "name": "tiny",
        "schedule": {"epochs": 2, "patch": [8, 8, 8]},
        "network": {"configuration": {"residual": True}},
    }
    assert a_document == {"name": "tiny", "schedule": {"epochs": 3}}


@pytest.mark.parametrize(
    ("text", "value"),
    [("quick", "quick"), ('"a b"', "a b"), ("2\nx = 3", "2\nx = 3"), ("", ""), ("a=b", "a=b"), ("1e-4", 1e-4)],
)
def test_what_is_not_toml_is_text(a_document, text, value):
    assert changed(a_document, [f"name={text}"])["name"] == value


@pytest.mark.parametrize("change", ["schedule.epochs", "=2", ".epochs=2", "schedule.=2", "schedule..epochs=2", ""])
def test_what_is_no_assignment_is_refused(a_document, change):
    with pytest.raises(InputError, match=r"expected a change such as schedule.epochs=2, found"):
        changed(a_document, [change])


def test_a_change_inside_a_value_is_refused(a_document):
    with pytest.raises(InputError, match="inside a table, found 'name.first=a', where name is a value"):
        changed(a_document, ["name.first=a"])


def test_both_kinds_of_experiment_are_changed_before_they_are_checked():
    changes = ["schedule.epochs=2", "network.configuration.filters=[4,4,4,8,8,8,4,4]", "discriminator.dense_units=[8]"]
    experiment = read_epoch_experiment(Path("g3"), changes)
    assert experiment.schedule.epochs == 2 and experiment.discriminator == {"dense_units": [8]}
    assert experiment.network["configuration"] == {"residual": False, "filters": [4, 4, 4, 8, 8, 8, 4, 4]}
    assert read_experiment(Path("t2-to-pd"), ["optimization.steps=5"]).optimization.steps == 5
    with pytest.raises(InputError, match="g3: EpochOptions: expected epochs as int, found 'few'"):
        read_epoch_experiment(Path("g3"), ["schedule.epochs=few"])
    with pytest.raises(InputError, match=r"unknown fields \['epoch'\]"):
        read_epoch_experiment(Path("g3"), ["schedule.epoch=2"])


def test_the_option_may_be_given_more_than_once():
    parser = argparse.ArgumentParser()
    add_option(parser)
    assert parser.parse_args(["--set", "a=1", "--set", "b=2"]).changes == ["a=1", "b=2"]
    assert parser.parse_args([]).changes == []
