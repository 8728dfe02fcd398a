"""Small scans, models and jobs for tests of the worker and the command line."""

from pathlib import Path

import numpy as np
from model_examples import make_model, make_timed_model

from mrsynth.job_file import JobRequest
from mrsynth.synthesis_job import SynthesisJob
from mrsynth.volume import Volume
from mrsynth.volume_writing import write_volume

SHAPE = (20, 18, 8)
SPACING_MM = (1.0, 1.0, 4.0)


def a_ball(contrast: str = "T2") -> Volume:
    """A ball of tissue in a dark skin, with a core of fluid that is bright in T2 and like the tissue in PD."""
    axes = np.meshgrid(*(np.linspace(-1, 1, size) for size in SHAPE), indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    texture = np.random.default_rng(5).normal(0, 4, SHAPE)
    fluid, tissue, rim = {"T2": (500, 100, 80), "PD": (210, 200, 80)}[contrast]
    voxels = np.where(radius < 0.3, fluid, np.where(radius < 0.85, tissue, rim)) + texture
    return Volume(np.where(radius < 0.9, voxels, 0).astype(np.float32), np.diag([*SPACING_MM, 1.0]))


def a_scan_at(path: Path, contrast: str = "T2") -> Path:
    """Write the ball as a scan."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(a_ball(contrast), path)
    return path


def identity_model_in(place: Path, **changes: object) -> Path:
    """Write a model ``same`` that returns its input, and return the folder of models."""
    identity = {
        "name": "same",
        "network": {"name": "identity", "configuration": {}},
        "normalization": {"kind": "robust", "target_to_source": 1.0},
        "inference": {"mode": "paper", "patch": [8, 8, 4], "stride": [8, 8, 4], "smooth_stride": [4, 4, 2]},
    }
    make_model(place, **identity | changes)
    return place


def timed_model_in(place: Path) -> Path:
    """Make a model beside the identity's that is told the timing; return the folder of both."""
    make_timed_model(identity_model_in(place))
    return place


def a_request_in(folder: Path, **changes: object) -> JobRequest:
    """A run's folder with a job in it, for the model ``same``, a scan and an output in ``folder``."""
    place = folder / "Läufe mit Leerzeichen"
    job = SynthesisJob(
        source=a_scan_at(place / "T2 ü.nii.gz"),
        output=place / "out" / "PD ü.nii.gz",
        model=str(changes.pop("model", "same")),
        model_folders=(place / "models",),
        **{name: changes.pop(name) for name in ("uncertainty", "reference", "force") if name in changes},
    )
    if not (place / "models").exists():
        identity_model_in(place / "models")
    run = place / "run"
    run.mkdir(exist_ok=True)
    job.output.parent.mkdir(exist_ok=True)
    return JobRequest(run, job, **changes)
