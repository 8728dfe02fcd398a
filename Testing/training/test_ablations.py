"""Ablations train and measure what they say: short trainings of the default models with one idea left out each."""

import dataclasses
import json
import math
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
import torch

from mrsynth.head import robust_scale
from mrsynth.timing import Timing, TimingRanges
from mrsynth_training.pair_cache import CHANNELS, LESIONS, CachedPair, read_cache, subject_of

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
RANGES = TimingRanges((60.0, 130.0), (1800.0, 10000.0), (6.0, 35.0), 8.0)
KINDS = ("simulated, IXI", "simulated, random")
SIMULATED = {f"{kind}{told}" for kind in KINDS for told in ("", ", TE and TR known")}
WHOLE, ONE_PROTOCOL = "scale from the whole volume, not from the head", "one protocol (IXI's) in training"
TINY = (
    "optimization.batch_size=1",
    "optimization.patch=[16, 16, 8]",
    "network.configuration.widths=[4, 4, 4, 4]",
    "network.configuration.blocks=[1, 1, 1, 1]",
    'optimization.precision="float32"',
)


@pytest.fixture(autouse=True)
def the_benchmarks_folder(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr("ablation_variants.SHORT", TINY)


@pytest.fixture
def scans(tmp_path):
    """A folder of two scans, the first at IXI's protocol, with a lesion each."""
    folder, random = tmp_path / "scans", np.random.default_rng(2)
    folder.mkdir()
    for number, te in enumerate((100, 90.0)):
        voxels = random.uniform(0, 2 + number, (len(CHANNELS), 16, 16, 8)).astype(np.float16)
        voxels[LESIONS] = 0
        voxels[LESIONS, 4:6, 4:6, 4] = 1
        protocol = {"tr_ms": 4000.0, "te_pd_ms": 12.0, "te_t2_ms": te}
        np.save(folder / f"pair_{number}.npy", voxels)
        document = {"scales": {}, "description": {"protocol": protocol, "asked": protocol}}
        (folder / f"pair_{number}.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def a_bench(scans):
    from ablations import Bench

    pairs = read_cache(scans)
    images = {name: np.random.default_rng(1).uniform(0, 5, (16, 16, 1)).astype(np.float32) for name in ("T2", "PD")}
    return Bench(pairs, pairs, [("a slice", images)], 1, torch.device("cpu"))


@pytest.fixture
def a_known_pair():
    """T2 and PD are the same but for their scale; the answer to T2 is brighter by a quarter."""
    t2 = np.zeros((20, 18, 5), np.float16)
    t2[4:16, 4:14] = 1.0
    channels = dict.fromkeys(CHANNELS, t2) | {"pd": 2 * t2, "pd_target": 1.25 * t2, "lesions": np.zeros_like(t2)}
    channels["lesions"][8, 8, 2] = 1
    protocol = {"tr_ms": 4000.0, "te_pd_ms": 12.0, "te_t2_ms": 90.0}
    return CachedPair(np.stack([channels[name] for name in CHANNELS]), {}, {"protocol": protocol})


class Echoing(torch.nn.Module):
    """A network that answers with its source and remembers what it was given."""

    size_multiple = (16, 16, 2)

    def __init__(self):
        super().__init__()
        self.given = []

    def forward(self, x, *told):
        self.given.append((tuple(x.shape), *(each.tolist()[0] for each in told)))
        return x


def a_trainer(network, timing=RANGES):
    experiment = SimpleNamespace(source_contrast="T2", target_contrast="PD", timing=timing)
    return SimpleNamespace(average=network, experiment=experiment, device=torch.device("cpu"))


def test_a_variant_is_trained_and_measured_with_two_seeds(scans, real_pairs, tmp_path, capsys):
    from ablation_variants import SEEDS
    from ablations import main

    path = tmp_path / "records.json"
    options = ("--steps", "3", "--directions", "t2-to-pd", "--device", "cpu", "--only", "as shipped")
    assert main([*map(str, (scans, scans, real_pairs, path)), *options]) == 0
    records = json.loads(path.read_text())
    assert [(each["variant"], each["seed"]) for each in records] == [("as shipped", seed) for seed in SEEDS]
    for record in records:
        assert set(record["figures"]) == SIMULATED | {"a real head", "error in lesions"}
        assert all(math.isfinite(value) for value in record["figures"].values())
    assert records[0]["figures"] != records[1]["figures"]
    assert len(capsys.readouterr().out.splitlines()) == len(records)


def test_only_what_the_records_lack_is_measured(a_bench, tmp_path, monkeypatch):
    from ablations import Bench, run

    made = []

    def a_record(bench, name, direction, seed):
        made.append((name, direction, seed))
        return {"variant": name, "direction": direction, "seed": seed, "steps": bench.steps, "figures": {"a slice": 1}}

    monkeypatch.setattr(Bench, "record", a_record)
    path = tmp_path / "records.json"
    run(a_bench, ["as shipped"], ["t2-to-pd"], path, made.append)
    records = json.loads(path.read_text())
    made.clear()
    run(a_bench, ["as shipped"], ["t2-to-pd"], path, made.append)
    assert made == []
    for lacking in ({"figures": {"another slice": 1}}, {"steps": 2}):
        path.write_text(json.dumps([records[0] | lacking, records[1]]))
        run(a_bench, ["as shipped"], ["t2-to-pd"], path, lambda line: None)
        assert made == [("as shipped", "t2-to-pd", 0)] and json.loads(path.read_text()) == records
        made.clear()
    run(a_bench, ["absolute error alone"], ["pd-to-t2"], path, lambda line: None)
    assert len(json.loads(path.read_text())) == 4


def test_what_is_measured_is_scaled_as_in_training(a_bench, monkeypatch):
    seen = {}

    def note(trainer, held_out, real):
        seen["held out"], seen["real"], seen["trained"] = held_out, real, trainer.sampler.pairs
        return {}

    monkeypatch.setattr("ablations.measure", note)
    a_bench.record(WHOLE, "t2-to-pd", 0)
    for pair in (*seen["held out"], *seen["trained"]):
        assert [float(echo.std(dtype=np.float32)) for echo in pair.voxels[:LESIONS]] == pytest.approx([1] * 6, rel=2e-3)
    assert [float(image.std()) for _, images in seen["real"] for image in images.values()] == pytest.approx([1, 1])
    a_bench.record(ONE_PROTOCOL, "t2-to-pd", 0)
    assert len(seen["trained"]) == 1 and len(seen["held out"]) == 2
    assert [robust_scale(image) for _, images in seen["real"] for image in images.values()] == pytest.approx([1, 1])


def test_targets_at_their_own_te_are_the_acquired_echoes():
    from ablation_variants import acquired_targets

    voxels = np.stack([np.full((2, 2, 2), number, np.float16) for number in range(len(CHANNELS))])
    (pair,) = acquired_targets([CachedPair(voxels, {}, {})])
    assert [CHANNELS[int(channel[0, 0, 0])] for channel in pair.voxels] == ["t2", "pd"] * 3 + ["lesions"]


@pytest.mark.parametrize("direction", ["t2-to-pd", "pd-to-t2"])
def test_a_variant_differs_from_what_is_shipped_in_its_idea_alone(direction):
    from ablation_variants import VARIANTS, experiment_of

    shipped = experiment_of(direction, VARIANTS["as shipped"], 1, 7)
    assert (shipped.optimization.steps, shipped.optimization.seed) == (7, 1) and shipped.timing is not None
    loss = experiment_of(direction, VARIANTS["absolute error alone"], 1, 7)
    weights = {"gradient_weight": 0.0, "squared_weight": 0.0}
    assert loss == dataclasses.replace(shipped, optimization=dataclasses.replace(shipped.optimization, **weights))
    lesions = experiment_of(direction, VARIANTS["no emphasis on lesions"], 1, 7).optimization
    assert lesions == dataclasses.replace(shipped.optimization, lesion_weight=0.0, lesion_patches=0.0)
    untold = experiment_of(direction, VARIANTS["told neither TE nor TR"], 1, 7)
    assert untold.timing is None and untold.network["configuration"]["conditions"] == 0
    assert untold.optimization == shipped.optimization != loss.optimization


@pytest.mark.parametrize("direction", ["t2-to-pd", "pd-to-t2"])
def test_ablations_begin_with_new_weights(direction):
    from ablation_variants import Variant, experiment_of

    assert experiment_of(direction, Variant(), 0, 1).continues == ""


def test_figures_are_of_the_acquired_echo_and_errors_of_the_answer_in_lesions(a_known_pair):
    from ablation_measurement import measure

    real = [("worse", {"T2": np.eye(16, dtype=np.float32)[:, :, None], "PD": np.ones((16, 16, 1), np.float32)})]
    real[0][1]["PD"][:8] = 0
    figures = measure(a_trainer(Echoing()), [a_known_pair], real)
    assert figures["simulated, random"] == figures["simulated, random, TE and TR known"] > 60
    assert figures["error in lesions"] == pytest.approx(0.25 / 1.25)
    assert 0 < figures["worse"] < 10


def test_means_are_over_scans_and_lesions_over_those_that_have_some(a_known_pair):
    from ablation_measurement import measure

    voxels = np.array(a_known_pair.voxels)
    voxels[CHANNELS.index("pd_target")] *= 2
    other = dataclasses.replace(a_known_pair, voxels=voxels)
    healthy = np.array(voxels)
    healthy[LESIONS] = 0
    pairs = [a_known_pair, other, dataclasses.replace(a_known_pair, voxels=healthy)]
    figures = measure(a_trainer(Echoing()), pairs, [])
    assert figures["error in lesions"] == pytest.approx((0.25 / 1.25 + 1.5 / 2.5) / 2, abs=1e-4)


def test_a_network_is_told_the_times_of_its_source_once_and_asked_for_the_usual_target(a_known_pair):
    from ablation_measurement import measure

    network = Echoing()
    measure(a_trainer(network), [a_known_pair], [])
    shape, unknown, known = (1, 1, 32, 32, 6), RANGES.conditions(Timing()), RANGES.conditions(Timing(90.0, 4000.0))
    assert [given[0] for given in network.given] == [shape] * 2
    for given, expected in zip(network.given, (unknown, known), strict=True):
        assert given[1] == pytest.approx(expected, abs=1e-6)
    untold = Echoing()
    measure(a_trainer(untold, timing=None), [a_known_pair], [])
    assert untold.given == [(shape,)] * 2


def test_acquired_pairs_have_one_grid_and_the_median_of_their_tissue_is_one(real_pairs):
    from ablation_measurement import acquired_pairs

    with open(real_pairs, "a", encoding="utf-8") as table:
        table.write("of two grids,T2.nii.gz,other.nii.gz\n")
    nib.save(nib.Nifti1Image(np.ones((8, 8, 4), np.float32), np.eye(4)), real_pairs.parent / "other.nii.gz")
    ((name, images),) = acquired_pairs(real_pairs)
    assert name == "a real head" and images["T2"].shape == images["PD"].shape
    assert [robust_scale(image) for image in images.values()] == pytest.approx([1, 1], rel=1e-3)


def test_held_out_scans_are_of_heads_beyond_those_of_training_by_rounds_at_both_protocols(tmp_path, monkeypatch):
    import ablation_held_out as module

    filled = []
    monkeypatch.setattr(module, "fill_cache", lambda tasks, processes, report: filled.extend(tasks))
    for number in range(1, 19):
        (tmp_path / f"head_{number:02d}.nii.gz").touch()
    assert module.main([str(tmp_path), str(tmp_path / "held")]) == 0
    assert [subject_of(task.label_map) for task in filled] == ["head_17", "head_18"] * 8
    assert [task.kind.protocol for task in filled] == ["ixi", "ixi", "random", "random"] * 4
    assert [task.seed for task in filled] == list(range(700000, 700016))
    assert filled[3].path == tmp_path / "held" / "pair_700003.npy"


@pytest.mark.parametrize("direction", ["t2-to-pd", "pd-to-t2"])
def test_what_was_ablated_is_the_first_stage_whatever_the_shipped_model_goes_on_with(direction, monkeypatch):
    import ablation_variants as module

    monkeypatch.undo()
    monkeypatch.syspath_prepend(BENCHMARKS)
    options = module.experiment_of(direction, module.Variant(), 0, 1000).optimization
    assert (options.batch_size, options.patch, options.peak_rate) == (8, (96, 96, 16), 2.5e-3)
    assert (options.lesion_weight, options.lesion_patches) == (3.0, 0.3)
    assert (options.gradient_weight, options.squared_weight, options.averaging) == (0.2, 0.5, 0.999)
