"""``mrsynth synthesize``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrsynth.cli.interruption import Interruption
from mrsynth.cli.terminal import Terminal, table
from mrsynth.errors import Cancelled
from mrsynth.job_protocol import ExitCode, Failure
from mrsynth.presets import MODES, PRESETS
from mrsynth.synthesis_job import SynthesisJob
from mrsynth.timing import Timing

if TYPE_CHECKING:
    from mrsynth.cli.cases import Plan
    from mrsynth.models.weights import LoadedModel
    from mrsynth.synthesis_run import JobResult

EPILOG = """\
examples:
  mrsynth synthesize t2.nii.gz pd.nii.gz --model t2-to-pd
  mrsynth synthesize t2.nii.gz pd.nii.gz --model t2-to-pd --reference acquired-pd.nii.gz
  mrsynth synthesize dicom-series pd.nrrd --model t2-to-pd --uncertainty pd-uncertainty.nrrd
  mrsynth synthesize t2.nii.gz pd.nii.gz --model t2-to-pd --te 90 --tr 4500 --target-te 15
  mrsynth synthesize a.nii.gz b.nii.gz results/ --model t2-to-pd
  mrsynth synthesize folder-of-t2 results --model t2-to-pd --json > results.json

Volumes are NIfTI (.nii, .nii.gz), NRRD or MHA; inputs may also be DICOM folders. The output lies on the input's
grid. Beside each output x.nii.gz a file x.json tells how it was made. Of a folder all scans in it are taken, without
sub-folders unless these are DICOM series, and without what this command made; x.nii.gz then becomes
x-synthetic-PD.nii.gz in the output folder. A case that fails is told and passed over.

Some models take the scan's TE and TR, and can be asked for a target TE ("mrsynth models show NAME" tells). Without
--te and --tr these come from the DICOM series, or from a BIDS sidecar x.json beside x.nii.gz; else they are unknown.

Exit codes: 0 done, 1 failure, 2 bad input, 130 cancelled.
"""


def add_command(commands: Any) -> None:
    """Add the command to the parser's sub-commands."""
    parser = commands.add_parser(
        "synthesize",
        help="synthesise the other contrast of a scan, or of several",
        description="Synthesise a model's target contrast from scans of its source contrast.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "sources", metavar="SOURCE", nargs="+", type=Path, help="volume, DICOM folder, or folder of them"
    )
    parser.add_argument("output", metavar="OUTPUT", help="volume to write, or a folder for several")
    parser.add_argument("--model", required=True, metavar="NAME", help='see "mrsynth models list"')
    parser.add_argument("--reference", type=Path, metavar="VOLUME", help="acquired target; prints metrics against it")
    parser.add_argument(
        "--uncertainty",
        type=Path,
        metavar="FILE",
        help='also write how unsure the result is, in its intensities; "mrsynth models show NAME" tells what that is',
    )
    parser.add_argument(
        *("--preset", "--mode"),
        dest="mode",
        choices=MODES,
        metavar="|".join(PRESETS),
        help='how exact and how fast, see "mrsynth models show NAME" (default: what the card says; smooth: standard)',
    )
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda:N|mps", help="default: auto")
    parser.add_argument(
        "--batch-size", type=int, metavar="N", help="patches at a time (default: what suits the device)"
    )
    parser.add_argument(
        "--models", type=Path, action="append", default=[], metavar="FOLDER", help="look for models here"
    )
    _add_timing(parser)
    parser.add_argument("--force", action="store_true", help="replace outputs that exist")
    parser.add_argument("--json", action="store_true", help="print one JSON document; all else goes to standard error")
    parser.set_defaults(run=run)


def _add_timing(parser: argparse.ArgumentParser) -> None:
    where = "default: from DICOM or a BIDS sidecar, if they are there"
    parser.add_argument("--te", type=float, metavar="MS", help=f"echo time of the scan ({where})")
    parser.add_argument("--tr", type=float, metavar="MS", help=f"repetition time of the scan ({where})")
    parser.add_argument(
        "--target-te", type=float, metavar="MS", help="echo time to synthesise (default: the model's usual one)"
    )


def run(options: argparse.Namespace, terminal: Terminal, interruption: Interruption) -> ExitCode:
    """Do what the options ask for."""
    from mrsynth.cli.cases import plan_jobs
    from mrsynth.output_checks import check_outputs
    from mrsynth.synthesis_run import find_model

    pattern = _pattern(options)
    card = find_model(pattern).card
    plan = plan_jobs(options.sources, options.output, pattern, card.target_contrast)
    check_outputs(plan.jobs)
    if plan.into_folder:
        return _Batch(plan, terminal, interruption).run()
    result = _run_job(plan.jobs[0], terminal, interruption)
    _show(result, terminal)
    terminal.document({"exit_code": int(ExitCode.OK), "cases": [_done(result)]})
    return ExitCode.OK


def _pattern(options: argparse.Namespace) -> SynthesisJob:
    return SynthesisJob(
        source=options.sources[0],
        output=Path(options.output),
        model=options.model,
        uncertainty=options.uncertainty,
        reference=options.reference,
        mode=options.mode,
        device=options.device,
        batch_size=options.batch_size,
        model_folders=tuple(options.models),
        force=options.force,
        timing=Timing(options.te, options.tr, options.target_te),
    )


def _run_job(
    job: SynthesisJob, terminal: Terminal, interruption: Interruption, model: "LoadedModel | None" = None
) -> "JobResult":
    from mrsynth.synthesis_run import RunHooks, run_job

    with terminal.progress(job.source.name) as progress:

        def warn(text: str) -> None:
            progress.clear()
            terminal.warn(f"{job.source.name}: {text}")

        hooks = RunHooks(progress, warn, interruption.requested, interruption.shielded)
        return run_job(job, hooks, model)


class _Batch:
    """Several jobs, one after the other, past those that fail."""

    def __init__(self, plan: "Plan", terminal: Terminal, interruption: Interruption) -> None:
        self._jobs = plan.jobs
        self._terminal = terminal
        self._interruption = interruption
        self._failures: list[Failure] = []
        self._cases: list[dict[str, Any]] = []

    def run(self) -> ExitCode:
        """Do the jobs and tell what became of them."""
        from mrsynth.synthesis_run import load_job_model

        model = load_job_model(self._jobs[0])
        for number, job in enumerate(self._jobs, start=1):
            self._terminal.note(f"[{number}/{len(self._jobs)}] {job.source}")
            try:
                self._do(job, model)
            except (Cancelled, KeyboardInterrupt) as error:
                self._fail(job, Failure.of(error))
                break
            if self._interruption.requested():
                break
        return self._summary()

    def _do(self, job: SynthesisJob, model: "LoadedModel") -> None:
        try:
            result = _run_job(job, self._terminal, self._interruption, model)
        except (ValueError, OSError, RuntimeError, MemoryError) as error:
            self._fail(job, Failure.of(error))
        else:
            if result.timing is not None:
                self._terminal.note(f"{job.source.name}: {result.timing.line()}")
            self._cases.append(_done(result))

    def _fail(self, job: SynthesisJob, failure: Failure) -> None:
        cancelled = failure.exit_code is ExitCode.CANCELLED
        (self._terminal.note if cancelled else self._terminal.error)(failure.message)
        self._failures.append(failure)
        error = {"code": failure.code, "message": failure.message}
        status = "cancelled" if cancelled else "failed"
        self._cases.append({"status": status, "source": str(job.source), "output": str(job.output), "error": error})

    def _summary(self) -> ExitCode:
        rows = [(case["status"], Path(case["source"]).name, _outcome(case)) for case in self._cases]
        self._terminal.say(table(rows, ("status", "source", "output or reason")))
        done = len(self._cases) - len(self._failures)
        self._terminal.say(f"\n{done} of {len(self._jobs)} done")
        code = self._exit_code()
        self._terminal.document({"exit_code": int(code), "cases": self._cases})
        return code

    def _exit_code(self) -> ExitCode:
        codes = {failure.exit_code for failure in self._failures}
        if self._interruption.requested() or ExitCode.CANCELLED in codes:
            return ExitCode.CANCELLED
        # A failure of the program weighs more than one of an input.
        return min(codes, default=ExitCode.OK)


def _outcome(case: dict[str, Any]) -> str:
    return case["error"]["message"] if "error" in case else case["output"]


def _done(result: "JobResult") -> dict[str, Any]:
    return {"status": "done"} | result.to_dict()


def _show(result: "JobResult", terminal: Terminal) -> None:
    terminal.say(result.headline())
    for output in result.job.outputs:
        terminal.say(f"  {output}")
    if result.timing is not None:
        terminal.say(f"  {result.timing.line()}")
    if result.comparison is not None:
        terminal.say(f"\n{result.comparison.to_table()}".rstrip())
