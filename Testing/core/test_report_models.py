"""The original report's networks in the box: whole, plain about how good they are, and measured on unseen heads."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from paper_generator_examples import TOLERANCE, a_source, layer_by_layer, relative_error

from mrsynth.demo_head import HeadGrid, build_demo_head
from mrsynth.models.folders import shipped_models_folder
from mrsynth.models.store import ModelStore
from mrsynth.models.weights import load_model
from mrsynth.networks.parameter_count import count_parameters
from mrsynth.presets import figures_of
from mrsynth.synthesis import SynthesisOptions, synthesize

NAMES = ("g4", "g4-residual-pd-to-t2")
STUDY = Path(__file__).resolve().parents[1] / "benchmarks" / "study"
TEST_HEADS = {f"training_seg_{number}" for number in ("04", "05", "16", "18")}


@pytest.fixture(params=NAMES)
def a_model(request):
    return ModelStore([shipped_models_folder()], [shipped_models_folder()]).find(request.param)


@pytest.fixture(scope="module")
def a_piece():
    """Of the demo head, no larger than one patch: a model of patches takes seconds for more."""
    return build_demo_head(grid=HeadGrid((32, 32, 32)))


@pytest.fixture(scope="module")
def the_study():
    with (STUDY / "summary.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_network_of_the_report_is_the_whole_one(a_model):
    assert count_parameters(load_model(a_model).network).total == 3_639_296


def test_its_fast_way_gives_what_its_trained_layers_give(a_model):
    network, source = load_model(a_model).network, a_source((1, 32, 32, 32))
    with torch.inference_mode():
        assert 0 < relative_error(network(source), layer_by_layer(network, source)) < TOLERANCE


def test_its_answer_to_a_piece_of_a_head_goes_with_the_truth(a_model, a_piece):
    volumes = {"T2": a_piece.t2, "PD": a_piece.pd}
    source, reference = volumes[a_model.card.source_contrast], volumes[a_model.card.target_contrast]
    synthetic = synthesize(source, load_model(a_model), SynthesisOptions("draft", device="cpu")).volume
    assert np.corrcoef(synthetic.voxels.ravel(), reference.voxels.ravel())[0, 1] > 0.6


def test_the_cards_figures_are_those_of_the_study(a_model, the_study):
    figures = [figure for figure in a_model.card.figures if figure["data"].startswith("test subjects")]
    assert {(figure["mask"], figure["range"][:3]) for figure in figures} == {
        (mask, span) for mask in ("head", "whole volume") for span in ("max", "0.5")
    }
    for figure in figures:
        for image, metrics in (("network", figure["metrics"]), *figure["baselines"].items()):
            for name, found in metrics.items():
                key = (a_model.card.name, image, figure["mask"], name)
                (row,) = (r for r in the_study if (r["run"], r["image"], r["mask"], r["figure"]) == key)
                expected = {"mean": float(row["mean"]), "std": float(row["sd"])}
                assert found == pytest.approx(expected, abs=1e-4)


def test_a_card_says_plainly_that_the_model_is_poor_and_names_the_better_one(a_model):
    card, default = a_model.card, {"T2": "t2-to-pd", "PD": "pd-to-t2"}[a_model.card.source_contrast]
    assert card.limitations.startswith("It is a poor model.") and "intensity map" in card.limitations
    assert default in card.intended_use and "for comparison" in card.title
    figure = card.figures[0]
    gain = figure["metrics"]["psnr_range"]["mean"] - figure["baselines"]["map"]["psnr_range"]["mean"]
    assert gain < 0.1


def test_a_card_names_the_heads_that_were_seen_and_is_measured_on_others(a_model):
    training = a_model.card.training
    seen = set(training["configuration"]["heads"])
    assert len(seen) == 14 and not seen & TEST_HEADS
    assert all(f"{head[-2:]}," in training["data"] or f"{head[-2:]} " in training["data"] for head in TEST_HEADS)


def test_the_standard_preset_is_fifteen_times_faster_than_plain_pytorch_at_a_tenth_of_a_decibel(a_model):
    inference = a_model.card.inference
    paper, standard, draft = (figures_of(preset, inference) for preset in ("paper", "standard", "draft"))
    assert paper.psnr_change_db == 0 and paper.times_faster >= 4.5
    assert standard.times_faster >= 15 and abs(standard.psnr_change_db) <= 0.1
    assert draft.times_faster > standard.times_faster
