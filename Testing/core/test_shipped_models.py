"""The models in the box, as a user gets them: verified, small, honest, and better than intensities alone can be."""

from pathlib import Path

import numpy as np
import pytest

from mrsynth.comparison import INTENSITY_MAP, LINEAR, SYNTHETIC, compare_volumes
from mrsynth.demo import lesion_contrast
from mrsynth.demo_head import HeadGrid, build_demo_head
from mrsynth.metrics import WHOLE_VOLUME
from mrsynth.models.folders import shipped_models_folder
from mrsynth.models.store import DEFAULT_MODELS, ModelStore
from mrsynth.models.weights import load_model
from mrsynth.synthesis import SynthesisOptions, synthesize
from mrsynth.volume_reading import read_volume

NAMES = ["pd-to-t2", "t2-to-pd"]
OF_THE_REPORT = ["g4", "g4-residual-pd-to-t2"]
LARGEST_WEIGHTS = dict.fromkeys(NAMES, 12_000_000) | dict.fromkeys(OF_THE_REPORT, 15_000_000)
CPU = SynthesisOptions(device="cpu")
REAL_PAIRS = {
    "IXI040": ("IXI040/IXI040-Guys-0724-T2_slice69.nii.gz", "IXI040/IXI040-Guys-0724-PD_slice69.nii.gz"),
    "IXI002": ("IXI002/ds_IXI002-Guys-0828-T2.nii.gz", "IXI002/ds_IXI002-Guys-0828-PD.nii.gz"),
}


@pytest.fixture(scope="module")
def the_store():
    return ModelStore([shipped_models_folder()], [shipped_models_folder()])


@pytest.fixture(scope="module")
def a_head():
    """Eight slices of the demo head, through the ventricles and their lesions."""
    return build_demo_head(grid=HeadGrid((192, 232, 8)))


@pytest.fixture(scope="module", params=NAMES)
def a_synthesis(request, the_store, a_head):
    """Source, synthetic and reference volume of one direction."""
    model = load_model(the_store.find(request.param))
    volumes = {"T2": a_head.t2, "PD": a_head.pd}
    source, reference = volumes[model.card.source_contrast], volumes[model.card.target_contrast]
    return source, synthesize(source, model, CPU).volume, reference


def test_both_directions_ship_and_nothing_is_broken(the_store):
    assert [model.card.name for model in the_store.list()] == [*NAMES, *OF_THE_REPORT]
    assert {source: the_store.fitting(source)[0].card.name for source in ("T2", "PD")} == DEFAULT_MODELS
    assert not the_store.problems


@pytest.mark.parametrize("name", LARGEST_WEIGHTS)
def test_a_shipped_model_is_small_and_is_what_its_card_says(the_store, name):
    model = the_store.find(name)
    the_store.verify(model)
    assert model.card.size_bytes == model.weights.stat().st_size <= LARGEST_WEIGHTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_card_names_baselines_and_both_ranges_for_simulated_and_real_scans(the_store, name):
    figures = the_store.find(name).card.figures
    assert all(set(figure["baselines"]) == {"linear", "map", "oracle"} for figure in figures)
    for data in ("simulated, ixi protocol", "simulated, random protocol", "real IXI040", "real IXI002"):
        of_data = [figure for figure in figures if figure["data"] == data]
        assert {(figure["mask"], figure["range"][:3]) for figure in of_data} == {
            (mask, span) for mask in ("head", "whole volume") for span in ("max", "0.5")
        }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", ["simulated, ixi protocol", "simulated, random protocol"])
def test_on_simulated_heads_a_model_is_better_than_the_linear_and_the_map_baseline(the_store, name, data):
    figure = next(figure for figure in the_store.find(name).card.figures if figure["data"] == data)
    for baseline in ("linear", "map"):
        assert mean_psnr(figure["metrics"]) > mean_psnr(figure["baselines"][baseline])


def mean_psnr(metrics):
    """The figure, or its mean where the card tells its deviation as well."""
    value = metrics["psnr_range"]
    return value["mean"] if isinstance(value, dict) else value


def test_on_the_demo_head_a_model_is_better_than_the_linear_fit_that_knows_the_answer(a_synthesis):
    source, synthetic, reference = a_synthesis
    comparison = compare_volumes(synthetic, reference, source)
    assert comparison.row(SYNTHETIC, WHOLE_VOLUME).mse < comparison.row(LINEAR, WHOLE_VOLUME).mse
    assert comparison.row(SYNTHETIC, WHOLE_VOLUME).mse < 1.5 * comparison.row(INTENSITY_MAP, WHOLE_VOLUME).mse


def test_lesions_stay_brighter_than_what_surrounds_them(a_synthesis, a_head):
    _, synthetic, _ = a_synthesis
    assert lesion_contrast(synthetic, a_head.lesions) > 1.05


def test_the_result_is_on_the_sources_intensity_scale(a_synthesis, a_head):
    _, synthetic, reference = a_synthesis
    inside = a_head.pd.voxels > 0.3 * np.median(a_head.pd.voxels[a_head.pd.voxels > 200])
    ratio = np.median(synthetic.voxels[inside]) / np.median(reference.voxels[inside])
    assert 0.6 < ratio < 1.6


@pytest.mark.parametrize("case", REAL_PAIRS)
def test_pd_of_a_real_scan_is_two_decibels_better_than_the_linear_fit(case, the_store, real_data: Path):
    source, reference = (read_volume(real_data / "real" / path) for path in REAL_PAIRS[case])
    synthetic = synthesize(source, load_model(the_store.find("t2-to-pd")), CPU).volume
    comparison = compare_volumes(synthetic, reference, source)
    gain = comparison.row(SYNTHETIC, WHOLE_VOLUME).psnr_range - comparison.row(LINEAR, WHOLE_VOLUME).psnr_range
    assert gain > 2
