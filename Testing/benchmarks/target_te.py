"""What asking a model for a target echo time is worth: its answer beside its usual one, against the true echo.

``python Testing/benchmarks/target_te.py LABEL_MAPS`` simulates scans of the heads that the shipped models were not
trained on, each with an echo time of its own to ask for, and writes TARGET_TE.md.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from standardized_psnr import standardized_psnr

from mrsynth.models.store import default_store
from mrsynth.models.weights import LoadedModel, load_model
from mrsynth.synthesis import SynthesisOptions, synthesize
from mrsynth.timing import Timing
from mrsynth.volume import Volume
from mrsynth_training.evaluation_cases import stack_affine
from mrsynth_training.label_maps import list_label_maps, read_label_map
from mrsynth_training.simulation import SimulatedPair, simulate

MODELS = ("t2-to-pd", "pd-to-t2")
TRAINED_HEADS = 16
SEED = 950_000
PAGE = Path(__file__).with_name("TARGET_TE.md")
# Of an asked echo time over the usual one, or the reverse: below the first it is near, above the second far.
NEAR, FAR = 1.25, 2.0

HEAD = """# Asking for a target echo time

Each row is the median over simulated scans of heads that the models were not trained on, half of them at IXI's
protocol. Every scan was simulated with one more echo without noise, at an echo time of its own between 6 and 35 ms (PD)
or 60 and 130 ms (T2). PSNR in dB against that echo, whole volume, both standardised, peak maximum - minimum. "Usual":
nothing is asked for. "Asked": the echo time is asked for, TE and TR of the source are unknown. "Told as well": they are
given. `python Testing/benchmarks/target_te.py LABEL_MAPS` writes this page.

| model | echo time asked for over the usual one | scans | usual | asked | told as well |
| --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Row:
    """One scan: how far the echo time is from the usual one (a factor of at least 1), and the PSNR of three answers."""

    factor: float
    usual: float
    asked: float
    told: float


def rows(model: LoadedModel, scans: Sequence[SimulatedPair]) -> Iterator[Row]:
    """Yield what a model makes of each scan."""
    source, target = (contrast.lower() for contrast in (model.card.source_contrast, model.card.target_contrast))
    for scan in scans:
        volume = Volume(getattr(scan, source), stack_affine(scan.geometry))
        wanted = getattr(scan.asked, f"te_{target}_ms")
        known = Timing(getattr(scan.protocol, f"te_{source}_ms"), scan.protocol.tr_ms, wanted)
        answers = (
            decibels(synthesize(volume, model, SynthesisOptions(device="cpu", timing=timing)).volume, scan, target)
            for timing in (Timing(), Timing(target_te_ms=wanted), known)
        )
        ratio = wanted / model.card.timing["usual_target_te_ms"]
        yield Row(max(ratio, 1 / ratio), *answers)


def decibels(synthetic: Volume, scan: SimulatedPair, target: str) -> float:
    """Return the PSNR of a synthetic volume against the echo asked for."""
    return standardized_psnr(synthetic.voxels, getattr(scan, f"{target}_asked"))


def table_rows(name: str, found: Sequence[Row]) -> Iterator[str]:
    """Yield a line for scans whose echo time is near the usual one, further off, and far."""
    limits = ((1.0, NEAR), (NEAR, FAR), (FAR, float("inf")))
    for low, high in limits:
        inside = [row for row in found if low <= row.factor < high]
        if inside:
            medians = (statistics.median(getattr(row, each) for row in inside) for each in ("usual", "asked", "told"))
            span = f"up to {high:g}-fold" if high < FAR + 1 else f"over {low:g}-fold"
            yield " | ".join([f"| {name}", span, str(len(inside)), *(f"{value:.1f}" for value in medians)]) + " |"


def simulated(folder: Path, scans_a_head: int) -> list[SimulatedPair]:
    """Return scans of the heads that were not trained on, at both kinds of protocol in turn."""
    heads = [read_label_map(path) for path in list_label_maps(folder)[TRAINED_HEADS:]]
    work = [(head, SEED + i + 100 * n) for n, head in enumerate(heads) for i in range(scans_a_head)]
    return [simulate(head, seed, ("ixi", "random")[seed % 2]) for head, seed in work]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("label_maps", type=Path)
    parser.add_argument("--scans", type=int, default=12, help="of each head (default: %(default)s)")
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    scans, lines = simulated(options.label_maps, options.scans), []
    for name in MODELS:
        model = load_model(default_store().find(name))
        lines += table_rows(f"`{name}` {model.card.version}", list(rows(model, scans)))
    options.page.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
