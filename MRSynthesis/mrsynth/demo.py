"""The demo: each contrast synthesised from the other, on a simulated head or a user's scan, with pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from mrsynth.atomic_file import make_folder, write_bytes
from mrsynth.contrast import guess_contrast
from mrsynth.demo_head import DemoHead, build_demo_head
from mrsynth.errors import InputError
from mrsynth.json_file import write_json
from mrsynth.models.store import DEFAULT_MODELS
from mrsynth.picture import write_comparison_picture
from mrsynth.progress import CancelLook, Progress, ProgressListener, ignore, never
from mrsynth.synthesis_job import SynthesisJob
from mrsynth.synthesis_run import JobResult, RunHooks, model_store, run_job
from mrsynth.volume import Volume, volume_stem
from mrsynth.volume_reading import read_volume
from mrsynth.volume_writing import write_volume

SURROUNDINGS_VOXELS = 4  # a lesion is compared with what lies this near in its slice


@dataclass(frozen=True)
class DemoSetting:
    """Where a demo writes, who hears of it, and which models it may use.

    Attributes:
        folder: For everything that is written; made if only that is missing.
        progress: Told of each step.
        cancelled: Asked between steps whether to stop.
        model_folders: Folders to look for models in, before the user's and the shipped ones.
    """

    folder: Path
    progress: ProgressListener = ignore
    cancelled: CancelLook = never
    model_folders: tuple[Path, ...] = ()


@dataclass(frozen=True)
class DemoOutcome:
    """One synthesis of the demo and the files about it.

    Attributes:
        job: What was done.
        picture: Source, synthetic and, with a reference, the differences in three planes.
        metrics: The JSON file with the figures; None without a reference. The same figures lie beside it as CSV.
        lesion_contrast: Of the simulated head's lesions, in the synthetic and in the reference volume.
    """

    job: JobResult
    picture: Path
    metrics: Path | None
    lesion_contrast: dict[str, float] | None = None


@dataclass(frozen=True)
class DemoResult:
    """What a demo has made, one outcome for each synthetic volume."""

    folder: Path
    outcomes: tuple[DemoOutcome, ...]


def run_demo(
    output_folder: Path,
    progress: ProgressListener = ignore,
    cancelled: CancelLook = never,
    model_folders: tuple[Path, ...] = (),
) -> DemoResult:
    """Build a head, synthesise PD from its T2 and T2 from its PD, and compare both with the truth.

    Files of an earlier demo in the folder are replaced.

    Raises:
        InputError: nilearn is not installed, or a model is missing.
        OutputError: The folder cannot be written.
        Cancelled: The run was asked to stop.
    """
    setting = DemoSetting(Path(output_folder), progress, cancelled, model_folders)
    head, paths = write_demo_head(setting)
    outcomes = []
    for target, source in (("PD", "T2"), ("T2", "PD")):
        output = setting.folder / f"synthetic-{target}.nii.gz"
        job = SynthesisJob(
            paths[source],
            output,
            DEFAULT_MODELS[source],
            reference=paths[target],
            model_folders=setting.model_folders,
            force=True,
        )
        outcomes.append(_run_case(job, setting, head))
    return DemoResult(setting.folder, tuple(outcomes))


def write_demo_head(setting: DemoSetting) -> tuple[DemoHead, dict[str, Path]]:
    """Build a head and write its T2 and its PD; return the head and the files by contrast. Raises as `run_demo`."""
    make_folder(setting.folder)
    RunHooks(setting.progress, cancelled=setting.cancelled).enter("building a head")
    head = build_demo_head()
    paths = {contrast: setting.folder / f"{contrast}.nii.gz" for contrast in DEFAULT_MODELS}
    for contrast, volume in (("T2", head.t2), ("PD", head.pd)):
        write_volume(volume, paths[contrast])
    return head, paths


def run_scan_demo(
    scan: Path, setting: DemoSetting, model: str | None = None, reference: Path | None = None
) -> DemoResult:
    """Synthesise the other contrast of a real scan.

    Args:
        scan: A volume file or a DICOM series folder.
        setting: Where to write to; the synthetic volume's name is made from the scan's.
        model: Name of a model; without one, the contrast is guessed from the scan's intensities.
        reference: An acquired volume of the target contrast to compare with.

    Raises:
        InputError: The scan cannot be used, its contrast cannot be guessed, or the model is unknown.
        OutputError: The folder cannot be written.
        Cancelled: The run was asked to stop.
    """
    name = model or _model_for(scan, setting)
    card = model_store(setting.model_folders).find(name).card
    make_folder(setting.folder)
    output = setting.folder / f"{volume_stem(scan)}-synthetic-{card.target_contrast}.nii.gz"
    job = SynthesisJob(Path(scan), output, name, reference=reference, model_folders=setting.model_folders, force=True)
    return DemoResult(setting.folder, (_run_case(job, setting),))


def lesion_contrast(volume: Volume, lesions: np.ndarray) -> float:
    """Return how much brighter lesions are than their surroundings in the same slices: the ratio of the medians.

    Args:
        volume: Axes (i, j, slice).
        lesions: Boolean array of the same shape.
    """
    in_plane = np.ones((3, 3, 1), dtype=bool)
    near = ndimage.binary_dilation(lesions, in_plane, iterations=SURROUNDINGS_VOXELS)
    border = ndimage.binary_dilation(lesions, in_plane, iterations=1)  # partly lesion, partly not
    return float(np.median(volume.voxels[lesions]) / np.median(volume.voxels[near & ~border]))


def _model_for(scan: Path, setting: DemoSetting) -> str:
    """Choose the shipped model for a scan from a guess at its contrast."""
    contrast, _ = guess_contrast(read_volume(scan))
    if contrast is None:
        names = ", ".join(model.card.name for model in model_store(setting.model_folders).list())
        raise InputError(
            f"{scan}: expected a T2 or PD scan, could not tell which; name a model ({names})", "unknown_model"
        )
    return DEFAULT_MODELS[contrast]


def _run_case(job: SynthesisJob, setting: DemoSetting, head: DemoHead | None = None) -> DemoOutcome:
    """Do one synthesis and write its picture and figures beside the volume."""
    result = run_job(job, RunHooks(setting.progress, cancelled=setting.cancelled))
    RunHooks(setting.progress, cancelled=setting.cancelled).enter("drawing")
    stem = job.output.with_name(volume_stem(job.output))
    source, synthetic = read_volume(job.source), read_volume(job.output)
    reference = None if job.reference is None else read_volume(job.reference)
    picture = stem.with_name(f"{stem.name}.png")
    write_comparison_picture(picture, source, synthetic, reference)
    contrast = None
    if head is not None:
        contrast = {
            "synthetic": lesion_contrast(synthetic, head.lesions),
            "reference": lesion_contrast(reference, head.lesions),
        }
    metrics = _write_figures(stem, result, contrast)
    setting.progress(Progress("drawing", 1, 1, ""))
    return DemoOutcome(result, picture, metrics, contrast)


def _write_figures(stem: Path, result: JobResult, contrast: dict[str, float] | None) -> Path | None:
    if result.comparison is None:
        return None
    metrics = stem.with_name(f"{stem.name}-metrics.json")
    extra = {} if contrast is None else {"lesion_contrast": contrast}
    write_json(metrics, result.comparison.to_dict() | extra)
    write_bytes(metrics.with_suffix(".csv"), result.comparison.to_csv().encode())
    return metrics
