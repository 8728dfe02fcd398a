"""Runs with figures that were made up, for tests of tables, statistics and pages."""

from pathlib import Path

from epoch_examples import tiny_experiment

from mrsynth.metrics import HEAD, WHOLE_VOLUME, Metrics
from mrsynth_training.epoch_checkpoint import BestEpoch
from mrsynth_training.evaluated_run import EvaluatedRun
from mrsynth_training.evaluation_record import SubjectEvaluation
from mrsynth_training.evaluation_settings import EvaluationSettings
from mrsynth_training.tissue_agreement import TissueAgreement
from mrsynth_training.trained_run import TrainedRun

IMAGES = {"network": 0.0, "linear": -8.0, "map": -4.0, "oracle": -1.0}
DICE = {"network": 0.9, "map": 0.7}


def evaluation_of(name, psnr, arrays="", stride=(8, 8, 8), tissues=True):
    """Figures of a subject; the baselines' PSNR lie below the network's by fixed amounts."""
    metrics, apart = {}, 1e-4 * (sum(map(ord, name)) % 97)  # differences that are all alike would be tied ranks
    for image, offset in IMAGES.items():
        for mask in (WHOLE_VOLUME, HEAD):
            decibels = psnr + offset - (apart if offset else 0)
            metrics[image, mask] = Metrics(mask, 3 - decibels / 20, 0.01, decibels, decibels - 3, 0.9, 0.001)
    agreements = {
        image: tuple(TissueAgreement(tissue, dice, 500.0, 510.0) for tissue in ("WM", "GM", "CSF"))
        for image, dice in DICE.items()
    }
    made_from = {"weights": "w", "stride": list(stride), "voxels": f"{name}{arrays}", "map": "m"}
    return SubjectEvaluation(
        name, "Guys", made_from, (8.0, 5.0), metrics, agreements if tissues else {}, "" if tissues else "no brain"
    )


def a_run_of(name, psnr, direction=("T2", "PD"), stride=(8, 8, 8), arrays="", subjects=None, **changes):
    """A run whose test subjects have these PSNR."""
    experiment = tiny_experiment()
    document = experiment.to_dict() | dict(zip(("source_contrast", "target_contrast"), direction, strict=True))
    experiment = type(experiment).from_dict(document)
    row = {"epoch": 2, "mae": 0.1, "mae_sd": 0.02, "psnr_range": 27.5, "psnr_range_sd": 3.0, "best": 1}
    trained = {"train": ["A", "B"], "validation": ["C"], "preparation": {"slice_step": 3}}
    best = BestEpoch(document, trained, row, {}, None)
    subjects = subjects or [evaluation_of(f"S{n}", value, arrays, stride) for n, value in enumerate(psnr)]
    settings = {
        "weights": "w",
        "epoch": 2,
        "cache": "cache",
        "subjects": tuple(each.subject for each in subjects),
        "sites": {"Guys": len(subjects)},
        "data": "the IXI dataset",
        "simulated": False,
        "split": {"train": 2, "validation": 1, "test": len(subjects), "unused": 0, "seed": 0, "left_out_site": None},
        "preparation": {"slice_step": 3},
        "shape": (224, 224, 32),
        "stride": stride,
        "hardware": "a machine",
        "software": "a version",
        "written": "2026-01-02T03:04:05+00:00",
    }
    run = TrainedRun(Path("runs") / name, experiment, best, "w")
    return EvaluatedRun(run, EvaluationSettings(**settings | changes), tuple(subjects))
