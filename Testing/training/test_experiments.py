import json
from pathlib import Path

import pytest
from small_heads import EXPERIMENT

from mrsynth.errors import InputError, MissingFile
from mrsynth.models.card import read_card
from mrsynth.models.folders import shipped_models_folder
from mrsynth_training.card_texts import read_card_texts
from mrsynth_training.experiments import Experiment, read_experiment, shipped_experiments


def test_an_experiment_survives_json(an_experiment):
    assert Experiment.from_dict(json.loads(json.dumps(an_experiment.to_dict()))) == an_experiment


def test_an_experiment_file_is_read_without_its_texts(an_experiment_file, an_experiment):
    assert read_experiment(an_experiment_file) == an_experiment


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "tiny"\n', "", "missing fields"),
        ("seed = 1\n", "sead = 1\n", "unknown fields"),
        ('target_contrast = "PD"', 'target_contrast = "T1"', "the contrasts T2 and PD"),
        ('target_contrast = "PD"', 'target_contrast = "T2"', "the contrasts T2 and PD"),
        ("steps = 6", "steps = 0", "at least one step"),
        ("steps = 6", "steps = ", "tiny.toml"),
        ("patch = [16, 16, 4]", "patch = [16, 16]", "three patch sizes"),
        ("averaging = 0.9", "averaging = 1.0", "averaging < 1"),
        ("averaging = 0.9", "peak_rate = 0.0", "positive rate"),
        ("scans = 3", "scans = 0", "at least one scan"),
        ("scans = 3", "ixi_share = 1.5\nscans = 3", "a share from 0 to 1"),
        ("[network.configuration]", "[network.settings]", "name and configuration"),
        ("[simulation]", "[simulations]", "simulation"),
        ("[network.configuration]", "[[network.configuration]]", "name and configuration"),
        ("scans = 3", 'scans = "3"', "expected scans as int, found '3'"),
        ("averaging = 0.9", "averaging = true", "expected averaging as float, found True"),
        ("averaging = 0.9", "gradient_weight = -0.2", "weights of at least 0"),
        ("averaging = 0.9", "squared_weight = -0.2", "weights of at least 0"),
        ("averaging = 0.9", 'precision = "float8"', "precision of .*bfloat16"),
        ("patch = [16, 16, 4]", 'patch = ["16", 16, 4]', "three patch sizes"),
        ("[optimization]", "[[optimization]]", "expected a table for OptimizationOptions"),
    ],
)
def test_a_wrong_experiment_file_is_refused_by_name(an_experiment_file, old, new, message):
    assert old in EXPERIMENT
    an_experiment_file.write_text(EXPERIMENT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=message) as refusal:
        read_experiment(an_experiment_file)
    assert str(an_experiment_file) in str(refusal.value)


def test_a_missing_experiment_file_is_refused(tmp_path):
    with pytest.raises(MissingFile, match="an experiment file or a name of.*'pd-to-t2', .*'t2-to-pd'"):
        read_experiment(tmp_path / "none.toml")


def test_the_experiments_behind_the_shipped_models_are_whole_and_go_by_name():
    for name in ("pd-to-t2", "t2-to-pd"):
        path = shipped_experiments()[name]
        assert read_experiment(Path(name)) == read_experiment(path)
        assert read_experiment(path).name == name
        assert read_card_texts(Path(name))["licence"] == "Apache-2.0"


@pytest.mark.parametrize("name", ["g4", "g4-residual-pd-to-t2", "pd-to-t2", "t2-to-pd"])
def test_what_a_shipped_card_says_in_words_is_what_its_experiment_says(name):
    card = read_card(shipped_models_folder() / name)
    said = card.to_dict() | card.training
    for field, text in read_card_texts(Path(name)).items():
        assert " ".join(said[field].split()).startswith(" ".join(text.split())), field
