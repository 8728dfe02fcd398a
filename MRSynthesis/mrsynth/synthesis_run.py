"""Doing a synthesis job: read, check, synthesise, compare, and put all outputs in place at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrsynth.acquired_timing import UsedTiming, used_timing
from mrsynth.contrast import guess_contrast
from mrsynth.errors import Cancelled, InputError
from mrsynth.model_timing import model_timing
from mrsynth.models.store import InstalledModel, ModelStore, default_store
from mrsynth.output_checks import check_absent, check_outputs
from mrsynth.progress import CancelLook, Progress, ProgressListener, ignore, never
from mrsynth.sidecar import Provenance, is_own_output, sidecar_path, write_sidecar
from mrsynth.staged_outputs import StagedOutputs
from mrsynth.synthesis_job import SynthesisJob
from mrsynth.volume import Volume, require_variation
from mrsynth.volume_reading import read_volume
from mrsynth.volume_writing import write_volume

if TYPE_CHECKING:
    from mrsynth.comparison import Comparison
    from mrsynth.models.card import ModelCard
    from mrsynth.models.weights import LoadedModel
    from mrsynth.synthesis import Synthesis


def disregard(warning: str) -> None:
    """Take no note of a warning: it stands in the result and the sidecar anyway."""


@dataclass(frozen=True)
class RunHooks:
    """How a run speaks with whoever started it.

    Attributes:
        progress: Told of each step.
        warning: Told of each warning, as soon as it is known.
        cancelled: Asked between steps whether to stop.
        committing: Gives the context in which outputs are renamed into place, which nothing should interrupt.
    """

    progress: ProgressListener = ignore
    warning: Callable[[str], None] = disregard
    cancelled: CancelLook = never
    committing: Callable[[], AbstractContextManager[Any]] = nullcontext

    def enter(self, stage: str) -> None:
        """Announce a stage of one step, unless the run was asked to stop.

        Raises:
            Cancelled: The run was asked to stop.
        """
        if self.cancelled():
            raise Cancelled("cancelled")
        self.progress(Progress(stage, 0, 1, ""))


@dataclass(frozen=True)
class JobResult:
    """What a run has made.

    Attributes:
        job: What it was asked to do.
        card: Of the model.
        device: Where the network ran.
        precision: In which it computed.
        seconds: What the synthesis took, without reading and writing.
        warnings: Everything a user should know about the result.
        comparison: Against the job's reference, if it has one.
        timing: What the model was told, and where that was from; None if it takes no timing.
    """

    job: SynthesisJob
    card: ModelCard
    device: str
    precision: str
    seconds: float
    warnings: tuple[str, ...]
    comparison: Comparison | None
    timing: UsedTiming | None = None

    def headline(self) -> str:
        """What was made from what, in one line."""
        made = f"{self.card.target_contrast} from {self.job.source.name} by {self.card.name} {self.card.version}"
        return f"{made}, {self.seconds:.1f} s on {self.device}"

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON document."""
        return {
            "run_id": self.job.run_id,
            "synthetic": True,
            "source": str(self.job.source),
            "output": str(self.job.output),
            "uncertainty": None if self.job.uncertainty is None else str(self.job.uncertainty),
            "sidecars": [str(sidecar_path(output)) for output in self.job.outputs],
            "model": {"name": self.card.name, "version": self.card.version, "sha256": self.card.sha256},
            "contrast": self.card.target_contrast,
            "device": self.device,
            "precision": self.precision,
            "seconds": round(self.seconds, 3),
            "warnings": list(self.warnings),
            "timing": None if self.timing is None else self.timing.to_dict(),
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
        }


def run_job(job: SynthesisJob, hooks: RunHooks | None = None, model: LoadedModel | None = None) -> JobResult:
    """Do one job; outputs appear together at the very end, or not at all.

    Args:
        job: What to do.
        hooks: Who to talk to.
        model: The job's model, if it has been loaded already.

    Raises:
        InputError: Something that was given cannot be used.
        OutputError: An output could not be written.
        Cancelled: The run was asked to stop.
    """
    hooks = hooks or RunHooks()
    check_outputs([job])
    installed = None if model else find_model(job)
    hooks.enter("reading")
    source = read_volume(job.source)
    require_variation(source, job.source)
    reference = None if job.reference is None else read_reference(job.reference, source)
    hooks.enter("loading")
    model = model or _load(installed)
    early = _warn(hooks, source_warnings(job.source, source, model.card))
    synthesis = _synthesize(job, source, model, hooks)
    warnings = early + _warn(hooks, synthesis.warnings)
    comparison = None
    if reference is not None:
        hooks.enter("comparing")
        comparison = _compare(synthesis, reference, source)
    result = JobResult(
        job=job,
        card=model.card,
        device=synthesis.device,
        precision=synthesis.precision,
        seconds=synthesis.seconds,
        warnings=warnings,
        comparison=comparison,
        timing=_told(job, source, synthesis),
    )
    hooks.enter("writing")
    _write(result, synthesis, hooks)
    return result


def find_model(job: SynthesisJob) -> InstalledModel:
    """The job's model among the job's own folders, the user's and the shipped ones.

    Raises:
        InputError: ``unknown_model``; ``bad_timing`` if it cannot be asked for the job's target TE.
    """
    found = model_store(job.model_folders).find(job.model)
    model_timing(found.card, job.timing)
    return found


def model_store(folders: tuple[Path, ...]) -> ModelStore:
    """A store that looks into ``folders`` before the user's and the shipped ones."""
    return default_store(folders)


def load_job_model(job: SynthesisJob) -> LoadedModel:
    """Find and load the job's model, for several jobs that share it.

    Raises:
        InputError: It is unknown, or its weights are not what its card says.
    """
    return _load(find_model(job))


def read_reference(path: Path, source: Volume) -> Volume:
    """Read the volume to measure against, and refuse it before the model runs if it could not serve.

    Raises:
        InputError: As ``read_volume``; ``constant``, or ``no_overlap`` if it lies elsewhere than the source.
    """
    from mrsynth.resampling import Lattice, resample_onto

    reference = read_volume(path)
    require_variation(reference, path)
    if not resample_onto(reference, Lattice.of(source)).covered.any():
        raise InputError(
            f"{path}: expected a reference of the source's head, found one that lies elsewhere", "no_overlap"
        )
    return reference


def source_warnings(path: Path, source: Volume, card: ModelCard) -> tuple[str, ...]:
    """Say so if a scan does not look like what the model was trained on, or is none."""
    warnings = []
    if path.is_file() and is_own_output(path):
        warnings.append("the source is synthetic itself")
    seen, _ = guess_contrast(source)
    if seen is not None and seen != card.source_contrast:
        warnings.append(
            f"the scan looks {seen}-weighted, but model {card.name} takes {card.source_contrast}-weighted scans: "
            "the result may mean nothing"
        )
    return tuple(warnings)


def _load(installed: InstalledModel) -> LoadedModel:
    # Here and below: PyTorch takes seconds to import, and a bad input should be told at once.
    from mrsynth.models.weights import load_model

    return load_model(installed)


def _synthesize(job: SynthesisJob, source: Volume, model: LoadedModel, hooks: RunHooks) -> Synthesis:
    from mrsynth.synthesis import SynthesisOptions, synthesize

    timing = used_timing(job.timing, source.timing).timing
    options = SynthesisOptions(job.mode, job.device, job.batch_size, job.uncertainty is not None, timing)
    try:
        return synthesize(source, model, options, hooks.progress, hooks.cancelled)
    except InputError as error:
        if error.code in ("constant", "bad_spacing"):  # which speak of the scan, but do not know its name
            raise InputError(f"{job.source}: {error}", error.code) from error
        raise


def _told(job: SynthesisJob, source: Volume, synthesis: Synthesis) -> UsedTiming | None:
    """What the model was told, and where that was from."""
    if synthesis.timing is None:
        return None
    return replace(used_timing(job.timing, source.timing), timing=synthesis.timing)


def _compare(synthesis: Synthesis, reference: Volume, source: Volume) -> Comparison:
    from mrsynth.comparison import compare_volumes

    return compare_volumes(synthesis.volume, reference, source)


def _warn(hooks: RunHooks, warnings: tuple[str, ...]) -> tuple[str, ...]:
    for warning in warnings:
        hooks.warning(warning)
    return warnings


def _write(result: JobResult, synthesis: Synthesis, hooks: RunHooks) -> None:
    """Write everything aside, then rename it; the sidecars first, so that no image is ever unmarked."""
    job, provenance = result.job, _provenance(result)
    kinds = {job.output: ("synthetic volume", synthesis.volume)}
    if job.uncertainty is not None:
        kinds[job.uncertainty] = ("uncertainty", synthesis.uncertainty)
    with StagedOutputs(job.run_id) as staged:
        for output, (kind, _) in kinds.items():
            write_sidecar(staged.path_for(sidecar_path(output)), output.name, kind, provenance)
        for output, (_, volume) in kinds.items():
            write_volume(volume, staged.path_for(output))
        with hooks.committing():
            if hooks.cancelled():
                raise Cancelled("cancelled")
            check_absent(job)
            staged.commit()


def _provenance(result: JobResult) -> Provenance:
    job, card = result.job, result.card
    return Provenance(
        source=job.source,
        card=card,
        options={
            "mode": job.mode or card.inference["mode"],
            "device": job.device,
            "batch_size": job.batch_size,
            "uncertainty": job.uncertainty is not None,
        },
        device=result.device,
        precision=result.precision,
        seconds=result.seconds,
        warnings=result.warnings,
        comparison=None if result.comparison is None else result.comparison.to_dict(),
        timing=None if result.timing is None else result.timing.to_dict(),
    )
