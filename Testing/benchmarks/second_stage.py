"""What the second stage of the default models' training is worth: short second stages, with one idea left out each.

``python Testing/benchmarks/second_stage.py LABEL_MAPS STARTS PAIRS FOLDER`` runs the commands that a user has: it
simulates scans, goes on from the models of the first stage in the folder STARTS, and measures what comes out beside
them on heads that were not trained on and on the acquired pairs in the table PAIRS. FOLDER keeps what is finished, so
that the same command goes on where it stopped. It then writes ``second_stage.json`` and ``SECOND_STAGE.md``.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablation_held_out import TRAINING_HEADS
from ablation_page import TITLES, UNMEASURED
from ablation_variants import SEEDS, SHIPPED
from document import Section

from mrsynth_training.checkpoints import CHECKPOINT
from mrsynth_training.evaluation_results import SUMMARY

FIRST_STAGE = "first stage alone"
# What each variant changes of a direction's second stage, as for ``--set``.
VARIANTS: dict[str, dict[str, tuple[str, ...]]] = {
    "t2-to-pd": {
        SHIPPED: (),
        "no wide scans": ("simulation.wide_share=0.0",),
        "no weights of the first stage kept": ("optimization.start_share=0.0",),
    },
    "pd-to-t2": {
        SHIPPED: (),
        "no wide scans": ("simulation.wide_share=0.0",),
        "no weights of the first stage kept": ("optimization.start_share=0.0",),
        "lesions weighed as from T2 to PD": (
            "optimization.lesion_weight=3.0",
            "optimization.faint_weight=0.0",
            "optimization.lesion_patches=0.3",
        ),
    },
}
SCANS, STEPS = 64, 1000
SHORT = (f"simulation.scans={SCANS}", f"optimization.steps={STEPS}")
EVALUATED_SCANS = 1  # a head and kind

# A figure of so much is a PSNR, whose hundredths say nothing.
DECIBELS = 10
RESULTS, PAGE = "second_stage.json", "SECOND_STAGE.md"
SIMULATED = {"ixi protocol": "IXI", "random protocol": "random", "wide variety": "wide"}
HEAD = f"""# The second stage of the default models' training

The first row of a table is the first stage's model. Each other row is two trainings (seeds {SEEDS[0]} and {SEEDS[1]})
that go on from it for {STEPS} steps on {SCANS} simulated scans of heads 1 to 16: as shipped, but for steps and scans,
or with one idea left out. Figures are PSNR in dB (whole volume, range maximum - minimum of the standardised reference)
on simulated scans of heads 17 and 18 at IXI's protocol, as clinics acquire them and of wide variety,
{2 * EVALUATED_SCANS} of each, and on acquired pairs; the share of the visible lesions that are kept and the median of
their contrast over the reference's; false lesions in a healthy head; and the share of the absolute error that lies in
the tenth of the head's voxels with the largest uncertainty. Both seeds are given: what differs by less than they do
says nothing.

`python Testing/benchmarks/second_stage.py LABEL_MAPS STARTS PAIRS FOLDER` writes this page.
"""
FINDINGS = """## What came of each idea

**Wide scans: kept.** With them scans of wide variety gain 0.3 dB (T2 to PD) and 0.5 dB (PD to T2), and the ICBM152
average from T2 to PD gains 1.7 dB, with both seeds. Elsewhere little changes.

**The mean with the weights of the first stage: kept, as a choice.** From PD to T2 it is worth 0.5 dB at IXI's protocol,
0.2 to 0.3 dB at random ones and 0.6 to 0.9 dB on IXI040; scans of wide variety and ICBM152 lose 0.2 to 0.6 dB. From T2
to PD, IXI002 gains 0.1 to 0.2 dB and ICBM152 loses 1.0 to 1.4 dB. Whoever has scans that are far from IXI's is better
off without it (`--set optimization.start_share=0.0`).

**More weight for lesions, most of all for faint ones, from PD to T2: kept, without proof.** One seed keeps 78 instead
of 67 % of the lesions, the other 67 instead of 65 %; of false ones healthy heads get 4.8 either way with one seed and
11.2 instead of 7.7 with the other. The shipped trainings are twelve (T2 to PD) and nine times as long.
"""


@dataclass(frozen=True)
class Bench:
    """Where everything lies.

    Attributes:
        label_maps: Heads, those of training first.
        starts: Folder of the models of the first stage.
        pairs: Table of acquired pairs.
        folder: Of scans, runs, models and results.
    """

    label_maps: Path
    starts: Path
    pairs: Path
    folder: Path

    def simulate(self, direction: str, changes: Sequence[str]) -> Path:
        """Return the folder of a variant's scans; those of both directions and of most variants are the same.

        After a change of scans, steps or variants, begin with another `folder`.
        """
        cache = self.folder / ("usual" if "simulation.wide_share=0.0" in changes else "wide")
        _train("simulate", direction, self.label_maps, cache, "--processes", 2, *_set(changes))
        return cache

    def model(self, direction: str, variant: str, seed: int) -> Path:
        """Return the folder of the model that a variant becomes with a seed."""
        name = name_of(variant, seed)
        models, run = self.folder / direction, self.folder / "runs" / direction / name
        if not (models / name).is_dir():
            changes = VARIANTS[direction][variant]
            cache = self.simulate(direction, changes)
            changed = _set((*changes, f"optimization.seed={seed}"))
            start = self.starts / f"{direction}-stage-1"
            go_on = ["--resume"] if (run / CHECKPOINT).is_file() else ["--start", start]
            _train("fit", direction, cache, run, "--device", "cpu", "--threads", 1, *go_on, *changed)
            _train("export", run, "--models", models, "--name", name)
        return models / name

    def evaluate(self, direction: str) -> dict[str, Any]:
        """Return what `mrsynth-train evaluate-models` finds of all models of a direction, by their names."""
        models = [self.model(direction, variant, seed) for variant in VARIANTS[direction] for seed in SEEDS]
        first, results = self.starts / f"{direction}-stage-1", self.folder / "results" / direction
        summary = results / f"{SUMMARY}.json"
        names = {first.name, *(model.name for model in models)}
        if not summary.is_file() or set(json.loads(summary.read_text(encoding="utf-8"))) != names:
            options = (
                "--training-heads",
                TRAINING_HEADS,
                "--scans",
                EVALUATED_SCANS,
                "--pairs",
                self.pairs,
                "--threads",
                1,
            )
            _train("evaluate-models", first, *models, self.label_maps, "--output", results, *options)
        return json.loads(summary.read_text(encoding="utf-8"))


def name_of(variant: str, seed: int) -> str:
    """Return the name of a variant's model; names of models are in small letters."""
    return f"{variant.lower().replace(' ', '-')}-{seed}"


def _set(changes: Sequence[str]) -> list[str]:
    return [part for change in (*SHORT, *changes) for part in ("--set", change)]


def _train(*arguments: Any) -> None:
    """Run a command of `mrsynth-train`.

    Raises:
        CalledProcessError: If it fails.
    """
    subprocess.run([sys.executable, "-m", "mrsynth_training", *map(str, arguments)], check=True)


def figures_of(entry: dict[str, Any]) -> dict[str, float | None]:
    """Return the columns of one model from its part of a summary; None for what no lesion was visible for."""
    found, known = dict(_psnr(entry)), entry["reliability"]
    lesions = known["lesions"]["table"]["all sizes"]
    found |= {"lesions kept": lesions.get("kept"), "lesion contrast": lesions.get("contrast")}
    found["false lesions"] = known["false_lesions"]["table"]["this model"]["number a head"]["mean"]
    found["worst tenth"] = known["uncertainty"]["table"]["head"]["error in the worst tenth"]["mean"]
    return found


def _psnr(entry: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for figure in entry["figures"]:
        data, metrics = figure["data"], figure["metrics"]
        if figure["mask"] != "whole volume" or "psnr_range" not in metrics or "noise-free" in data:
            continue
        kind = data.removeprefix("simulated, ")
        yield SIMULATED.get(kind, kind), metrics["psnr_range"]["mean"]


def table(direction: str, summary: dict[str, dict[str, float]]) -> Section:
    """Return the table of a direction from the figures of its models, by their names."""
    columns = list(next(iter(summary.values())))
    rows = [[FIRST_STAGE, *(_shown(summary[f"{direction}-stage-1"][column]) for column in columns)]]
    for variant in VARIANTS[direction]:
        seeds = [summary[name_of(variant, seed)] for seed in SEEDS]
        rows.append([variant, *(" / ".join(_shown(seed[column]) for seed in seeds) for column in columns)])
    return Section(TITLES[direction], ("second stage", *columns), rows)


def _shown(figure: float | None) -> str:
    if figure is None:
        return UNMEASURED
    return f"{figure:.1f}" if figure >= DECIBELS else f"{figure:.2f}"


def write_page(folder: Path) -> None:
    """Write ``SECOND_STAGE.md`` from the results in a folder."""
    found = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    tables = [table(direction, found[direction]).markdown() for direction in TITLES if direction in found]
    (folder / PAGE).write_text("\n".join([HEAD, *tables, FINDINGS]), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and measure what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("label_maps", "starts", "pairs", "folder"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--directions", nargs="+", choices=list(TITLES), default=list(TITLES))
    parser.add_argument("--results", type=Path, default=Path(__file__).parent, help="folder of the page")
    options = parser.parse_args(arguments)
    bench = Bench(options.label_maps, options.starts, options.pairs, options.folder)
    results = options.results / RESULTS
    found = json.loads(results.read_text(encoding="utf-8")) if results.is_file() else {}
    for direction in options.directions:
        found[direction] = {name: figures_of(entry) for name, entry in bench.evaluate(direction).items()}
        results.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    write_page(options.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
