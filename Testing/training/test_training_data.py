import dataclasses

import numpy as np
import pytest
from epoch_examples import prepare, read_subjects, tiny_experiment

from mrsynth.errors import InputError
from mrsynth_training.card_texts import CARD_TEXTS, card_texts, read_card_texts
from mrsynth_training.pair_cache import read_cache
from mrsynth_training.training_data import data_of_pairs, data_of_subjects, target_to_source


@pytest.fixture
def subjects(tmp_path):
    return read_subjects(prepare(tmp_path / "prepared")).train


def with_description(subject, **changes):
    return dataclasses.replace(subject, description=subject.description | changes)


def test_prepared_subjects_are_described_by_origin_preparation_and_grid(subjects):
    data = data_of_subjects(subjects, tiny_experiment())
    assert data.data == "3 subjects of the IXI dataset (brain-development.org)"
    assert (data.data_licence, data.simulated, data.subjects) == ("CC BY-SA 3.0", False, 3)
    expected = "the middle 16 x 16 x 8 voxels of 0.9375 x 0.9375 x 3.75 mm (axial slices, one slice in 3)"
    assert data.protocol.startswith(expected)
    # A tenth below and above the 0.9375 and 3.75 mm of training.
    assert data.grid == {"in_plane_spacing_mm": [0.8438, 1.0312], "slice_spacing_mm": [3.375, 4.125]}


def test_spacings_of_several_scanners_span_the_range(subjects):
    affine = np.diag([1.25, 1.0, 5.0, 1.0]).tolist()
    grid = data_of_subjects([*subjects, with_description(subjects[0], affine=affine)], tiny_experiment()).grid
    assert grid == {"in_plane_spacing_mm": [0.8438, 1.375], "slice_spacing_mm": [3.375, 5.5]}


def test_a_target_is_restored_by_its_usual_mean_and_deviation_over_the_sources_tissue(subjects):
    forward = data_of_subjects(subjects, tiny_experiment()).normalization
    # Target 260 +- 190 above air of 10, source tissue 200; the other way 100 +- 80 above 0, tissue 500.
    assert forward == {"kind": "zscore", "target_mean": 1.25, "target_std": 0.95, "extent_mm": [15.0, 15.0, 30.0]}
    back = dataclasses.replace(tiny_experiment(), source_contrast="PD", target_contrast="T2")
    normalization = data_of_subjects(subjects, back).normalization
    assert (normalization["target_mean"], normalization["target_std"]) == (0.2, 0.16)


def test_the_usual_is_the_median_over_subjects(subjects):
    odd = with_description(subjects[0], scales=[dict.fromkeys(("offset", "spread", "tissue", "floor"), 900.0)] * 2)
    assert data_of_subjects([*subjects, odd], tiny_experiment()).normalization["target_std"] == 0.95


def test_a_plane_of_the_experiment_becomes_that_of_the_grid(subjects):
    sagittal = dataclasses.replace(tiny_experiment(), plane="sagittal")
    assert data_of_subjects(subjects, sagittal).grid["plane"] == "sagittal"


def test_subjects_of_several_origins_name_them_all(subjects):
    mixed = [*subjects, with_description(subjects[0], origin="simulated")]
    data = data_of_subjects(mixed, tiny_experiment())
    assert "the IXI dataset" in data.data and "simulated dual-echo" in data.data
    assert data.data_licence == "that of the label maps; CC BY-SA 3.0" and not data.simulated
    assert data_of_subjects(mixed[-1:], tiny_experiment()).simulated


def test_simulated_scans_are_described_by_their_number_and_their_heads(a_cache, an_experiment):
    pairs = read_cache(a_cache)
    data = data_of_pairs(pairs, an_experiment)
    assert data.data == "3 simulated dual-echo scans of 2 whole-head label maps" and data.simulated
    assert data.normalization == {"kind": "robust", "target_to_source": target_to_source(pairs, an_experiment)}


def test_the_coarsest_scan_says_up_to_which_pixels_a_network_is_used(a_cache, an_experiment):
    pairs = read_cache(a_cache)  # pixels of 3 mm
    assert data_of_pairs(pairs, an_experiment).grid["in_plane_spacing_mm"] == [0.75, 3.0]
    pairs[0].description["geometry"]["pixel_mm"] = 0.9
    assert data_of_pairs(pairs[:1], an_experiment).grid["in_plane_spacing_mm"] == [0.75, 1.25]


def test_pd_is_brighter_than_t2_so_the_ratio_is_above_one(a_cache, an_experiment):
    assert target_to_source(read_cache(a_cache), an_experiment) > 1


def test_a_card_without_words_of_its_own_says_what_holds_for_any_run(subjects):
    data = data_of_subjects(subjects, tiny_experiment())
    texts = card_texts(data, ("PD", "T2"), {})
    assert set(texts) == set(CARD_TEXTS) and all(texts.values())
    assert "T2-weighted image" in texts["intended_use"] and "PD-weighted scan" in texts["intended_use"]
    assert "never seen an acquired one" not in texts["limitations"]
    simulated = card_texts(dataclasses.replace(data, simulated=True), ("PD", "T2"), {"licence": "MIT"})
    assert "never seen an acquired one" in simulated["limitations"] and simulated["licence"] == "MIT"


def test_an_experiments_words_are_read_from_its_file(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('[card]\nlicence = "MIT"\nnot_for = """one\n  two"""\n')
    assert read_card_texts(path) == {"licence": "MIT", "not_for": "one two"}
    path.write_text('name = "own"\n')
    assert read_card_texts(path) == {}


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("card = 3", r"expected a table \[card\], found 3"),
        ('[card]\nlicense = "MIT"', "found license"),
        ("[card]\nlicence = 3", "expected licence in .* as text, found 3"),
    ],
)
def test_words_that_no_card_has_are_refused(tmp_path, card, message):
    (tmp_path / "own.toml").write_text(card)
    with pytest.raises(InputError, match=message):
        read_card_texts(tmp_path / "own.toml")
