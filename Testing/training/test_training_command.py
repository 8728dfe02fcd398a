import csv
import signal

import nibabel as nib
import numpy as np
import pytest
from small_heads import EXPERIMENT

from mrsynth.errors import InputError, MissingFile
from mrsynth.models.card import read_card
from mrsynth.models.installed import InstalledModel
from mrsynth.models.store import ModelStore
from mrsynth.models.weights import load_model
from mrsynth.orientation import SliceOrder
from mrsynth.volume import Volume
from mrsynth_training import cli
from mrsynth_training.acquisition import PLANES, SliceGeometry
from mrsynth_training.evaluation import LINEAR, NETWORK, ORACLE, TRAINED_MAP, evaluate_case, results_table
from mrsynth_training.evaluation_cases import EvaluationCase, real_cases, simulated_cases, stack_affine, unseen_heads
from mrsynth_training.export import ExportOptions, export_model, write_figures
from mrsynth_training.interruption import stop_on_signals
from mrsynth_training.pair_cache import read_cache
from mrsynth_training.run_recording import record_fit
from mrsynth_training.trained_intensity_map import fit_to_training
from mrsynth_training.trainer import Trainer
from mrsynth_training.training_data import data_of_pairs


@pytest.fixture
def a_model(an_experiment, a_cache, tmp_path):
    """The folder of an exported model."""
    pairs, run_folder = read_cache(a_cache), tmp_path / "run"
    Trainer(an_experiment, pairs, run_folder).fit(lambda status: None)
    record_fit(run_folder, data_of_pairs(pairs, an_experiment), {})
    return export_model(run_folder, ModelStore([tmp_path / "models"]), ExportOptions()).folder


@pytest.fixture
def real_pairs(tmp_path):
    """A table of one pair of volumes."""
    voxels = np.random.default_rng(0).uniform(0, 50, (24, 24, 6)).astype(np.float32)
    voxels[6:18, 6:18] += 300
    for contrast, image in (("T2", voxels), ("PD", np.sqrt(voxels))):
        nib.save(nib.Nifti1Image(image, np.diag([1, 1, 4, 1])), tmp_path / f"{contrast}.nii.gz")
    table = tmp_path / "pairs.csv"
    table.write_text("name,T2,PD\na real head,T2.nii.gz,PD.nii.gz\n", encoding="utf-8")
    return table


def run(*arguments):
    return cli.main([str(argument) for argument in arguments])


def test_the_four_commands_lead_from_label_maps_to_a_measured_model(
    an_experiment_file, label_maps, real_pairs, tmp_path, capsys
):
    cache, run_folder, models = tmp_path / "cache", tmp_path / "run", tmp_path / "models"
    assert run("simulate", an_experiment_file, label_maps, cache, "--processes", 1) == 0
    assert "3 scans of 2 heads" in capsys.readouterr().out
    assert run("fit", an_experiment_file, cache, run_folder, "--threads", 1) == 0
    assert "6 of 6 steps, finished" in capsys.readouterr().out
    assert run("export", run_folder, "--models", models) == 0
    evaluate = ("evaluate", models / "tiny", cache, label_maps, "--pairs", real_pairs, "--scans", 1)
    assert run(*evaluate, "--csv", tmp_path / "figures.csv", "--write-card") == 0
    table = capsys.readouterr().out
    assert "simulated, ixi protocol | 1" in table and "a real head | 1" in table
    card = read_card(models / "tiny")
    assert {figure["data"] for figure in card.figures} >= {"a real head", "simulated, random protocol"}
    with open(tmp_path / "figures.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 4 * 2
    assert {row["case"] for row in rows} == {"head_3, scan 1", "a real head"}
    load_model(InstalledModel(card, models / "tiny"))


def test_values_of_the_experiment_can_be_changed_for_simulation_and_fit(
    an_experiment_file, label_maps, tmp_path, capsys
):
    change = ("--set", "simulation.scans=2", "--set", "optimization.steps=3")
    assert run("simulate", an_experiment_file, label_maps, tmp_path / "cache", "--processes", 1, *change) == 0
    assert "2 scans of 2 heads" in capsys.readouterr().out
    assert run("fit", an_experiment_file, tmp_path / "cache", tmp_path / "run", *change) == 0
    assert "3 of 3 steps, finished" in capsys.readouterr().out


def test_a_finished_run_is_not_trained_over(an_experiment_file, a_cache, tmp_path, capsys):
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run") == 0
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run") == 2
    assert "holds a run already" in capsys.readouterr().err
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run", "--resume") == 0


def test_a_signal_stops_a_run_that_can_be_resumed(an_experiment_file, a_cache, tmp_path, monkeypatch, capsys):
    step = Trainer._train_step

    def step_and_interrupt(trainer):
        if trainer.step == 2:
            signal.raise_signal(signal.SIGTERM)
        return step(trainer)

    monkeypatch.setattr(Trainer, "_train_step", step_and_interrupt)
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run") == 130
    assert "3 of 6 steps, stopped" in capsys.readouterr().out
    monkeypatch.setattr(Trainer, "_train_step", step)
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run", "--resume") == 0


def test_a_second_signal_is_not_caught():
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stop_on_signals() as stopped:
        signal.raise_signal(signal.SIGINT)
        assert stopped()
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize("command", ["simulate", "fit", "export", "evaluate"])
def test_bad_input_is_one_line_and_exit_code_2(command, an_experiment_file, tmp_path, capsys):
    missing = {
        "simulate": (an_experiment_file, tmp_path / "no maps", tmp_path / "cache"),
        "fit": (an_experiment_file, tmp_path / "no cache", tmp_path / "run"),
        "export": (tmp_path / "run",),
        "evaluate": (tmp_path / "no model", tmp_path / "no cache", tmp_path / "no maps"),
    }
    assert run(command, *missing[command]) == 2
    error = capsys.readouterr().err
    assert error.startswith("mrsynth-train: ") and error.count("\n") == 1


def test_a_failure_that_is_nobodys_input_is_exit_code_1(an_experiment_file, a_cache, tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise RuntimeError("the machine gave up")

    monkeypatch.setattr(Trainer, "fit", fail)
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run") == 1
    assert capsys.readouterr().err.endswith("mrsynth-train: the machine gave up\n")


def test_ctrl_c_before_a_run_is_told_and_exit_code_130(an_experiment_file, tmp_path, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("mrsynth_training.pair_cache.read_cache", interrupt)
    assert run("fit", an_experiment_file, tmp_path, tmp_path / "run") == 130
    assert capsys.readouterr().err == "mrsynth-train: interrupted\n"


def test_half_a_cache_is_not_trained_on(an_experiment_file, a_cache, tmp_path, capsys):
    next(a_cache.glob("*.json")).unlink()
    assert run("fit", an_experiment_file, a_cache, tmp_path / "run") == 2
    assert "expected the experiment's 3 scans, found 2 of them and 0 others" in capsys.readouterr().err


def test_fewer_label_maps_than_the_experiment_says_are_not_simulated(an_experiment_file, label_maps, tmp_path, capsys):
    an_experiment_file.write_text(EXPERIMENT.replace("training_heads = 2", "training_heads = 4"), encoding="utf-8")
    assert run("simulate", an_experiment_file, label_maps, tmp_path / "cache", "--processes", 1) == 2
    assert "expected at least 4 label maps" in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()


def test_a_wrong_table_of_pairs_is_told_before_anything_is_simulated(a_model, a_cache, label_maps, monkeypatch, capsys):
    monkeypatch.setattr("mrsynth_training.evaluation_cases.simulate", lambda *_: pytest.fail("simulated a scan"))
    assert run("evaluate", a_model, a_cache, label_maps, "--pairs", a_model / "none.csv") == 2
    assert "expected a table of pairs" in capsys.readouterr().err


def test_evaluating_needs_heads_that_were_not_trained_on(a_model, a_cache, label_maps, tmp_path, capsys):
    (tmp_path / "two heads").mkdir()
    for path in sorted(label_maps.glob("*.nii.gz"))[:2]:
        (tmp_path / "two heads" / path.name).write_bytes(path.read_bytes())
    assert run("evaluate", a_model, a_cache, tmp_path / "two heads") == 2
    assert "expected heads that were not trained on" in capsys.readouterr().err


def test_heads_are_told_by_name_whatever_their_place_in_the_folder(a_cache, label_maps, tmp_path):
    for old, new in (("head_3", "a_new_head"), ("head_1", "head_1"), ("head_2", "head_2")):
        (tmp_path / f"{new}.nii.gz").write_bytes((label_maps / f"{old}.nii.gz").read_bytes())
    assert [path.name for path in unseen_heads(tmp_path, read_cache(a_cache))] == ["a_new_head.nii.gz"]


def test_figures_are_the_means_over_a_groups_scans(a_model, a_cache, label_maps):
    card, pairs = read_card(a_model), read_cache(a_cache)
    intensity_map = fit_to_training(pairs, "T2", "PD")
    model = load_model(InstalledModel(card, a_model))
    cases = simulated_cases(sorted(label_maps.glob("*.nii.gz"))[2:], "ixi", 2, 500)
    results = [evaluate_case(model, case, intensity_map) for case in cases]
    write_figures(a_model, card, results)
    figures = read_card(a_model).figures
    assert len(figures) == 4  # two masks, two ranges
    expected = np.mean([result.metrics[NETWORK, "whole volume"].psnr_range for result in results])
    assert figures[0]["metrics"]["psnr_range"] == pytest.approx(expected, abs=1e-4)
    assert set(figures[0]["baselines"]) == {LINEAR, TRAINED_MAP, ORACLE}
    assert f"| 2 | {expected:.1f} |" in results_table(results)


def test_the_oracle_is_at_least_as_good_as_the_linear_fit(a_model, a_cache, label_maps):
    model = load_model(InstalledModel(read_card(a_model), a_model))
    case = next(simulated_cases(sorted(label_maps.glob("*.nii.gz"))[2:], "ixi", 1, 500))
    metrics = evaluate_case(model, case, fit_to_training(read_cache(a_cache), "T2", "PD")).metrics
    assert metrics[ORACLE, "whole volume"].mse <= metrics[LINEAR, "whole volume"].mse


@pytest.mark.parametrize("plane", PLANES)
def test_a_simulated_stack_knows_its_place(plane):
    affine = stack_affine(SliceGeometry(plane, 8, 3, pixel_mm=2.0, spacing_mm=5.0, thickness_mm=4.0))
    volume = Volume(np.ones((8, 8, 3), np.float32), affine)
    assert volume.spacing_mm == (2.0, 2.0, 5.0)
    np.testing.assert_allclose(affine @ [3.5, 3.5, 1, 1], [0, 0, 0, 1])


@pytest.mark.parametrize("plane", PLANES)
def test_a_network_sees_a_simulated_stack_as_it_was_trained(plane):
    slices = SliceGeometry(plane, 8, 3, pixel_mm=2.0, spacing_mm=5.0, thickness_mm=4.0)
    order = SliceOrder.of(Volume(np.ones((8, 8, 3), np.float32), stack_affine(slices)))
    stack = np.arange(8 * 8 * 3).reshape(8, 8, 3)
    assert order.plane == plane
    assert np.array_equal(order.to_stack(stack), stack)


def test_real_pairs_are_read_from_beside_their_table(real_pairs):
    (case,) = real_cases(real_pairs)
    assert isinstance(case, EvaluationCase) and case.name == "a real head"
    assert case.volumes["PD"].shape == case.volumes["T2"].shape == (24, 24, 6)


def test_a_table_that_is_missing_or_lacks_a_column_is_refused(tmp_path):
    with pytest.raises(MissingFile):
        list(real_cases(tmp_path / "none.csv"))
    (tmp_path / "bad.csv").write_text("name,T2\n")
    with pytest.raises(InputError, match="expected the columns name, T2, PD"):
        list(real_cases(tmp_path / "bad.csv"))
