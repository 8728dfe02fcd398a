"""``mrsynth-train evaluate-models``: models beside their baselines, on heads that they have not been trained on."""

import argparse
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrsynth.cli.terminal import Terminal
from mrsynth.errors import InputError
from mrsynth.job_protocol import ExitCode
from mrsynth.progress import Progress, ProgressListener
from mrsynth_training.thread_option import add_threads, use_threads

if TYPE_CHECKING:
    from mrsynth.baselines import IntensityMap
    from mrsynth.models.card import ModelCard
    from mrsynth.models.installed import InstalledModel
    from mrsynth_training.evaluation_cases import EvaluationCase
    from mrsynth_training.model_examination import ModelExamination

# Far from the seeds of training, so that no head is evaluated as it was trained on.
EVALUATION_SEED = 900_000

WHAT = "measure models beside their baselines: figures, lesions, false lesions, uncertainty and tissues"
EPILOG = """\
examples:
  mrsynth-train evaluate-models MODELS/t2-to-pd LABEL_MAPS --scans 2            a look, a minute a scan and model
  mrsynth-train evaluate-models t2-to-pd pd-to-t2 LABEL_MAPS --pairs pairs.csv --output RESULTS --write-card
  mrsynth-train evaluate-models MODELS/mine LABEL_MAPS --training-heads 16      of a model whose card does not say it

A MODEL is a model's folder, or the name of one that `mrsynth models list` has. Scans of the heads that were not trained
on are simulated, healthy and with lesions of many sizes: at IXI's protocol, as clinics acquire them, and further from
what is usual. pairs.csv names real pairs: columns name, T2 and PD, paths relative to it; pairs of one name are
summarised together.

RESULTS gets summary.md and summary.json, figures.csv, lesions.csv, false_lesions.csv, uncertainty.csv and tissues.csv,
and for each model a folder with pictures of every case, of its lesions, and of error beside uncertainty.
"""


def add_command(commands: Any) -> None:
    """Add the command to the parser's sub-commands."""
    layout = {"epilog": EPILOG, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = commands.add_parser("evaluate-models", help=WHAT, description=WHAT[0].upper() + WHAT[1:] + ".", **layout)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="model folder, or the name of an installed model")
    parser.add_argument("label_maps", type=Path, metavar="LABEL_MAPS", help="folder of whole-head label maps")
    parser.add_argument("--pairs", type=Path, help="table of real pairs to measure on as well")
    parser.add_argument("--scans", type=int, default=4, help="scans a head of each kind (default: %(default)s)")
    parser.add_argument(
        "--cache",
        type=Path,
        help="folder of the simulated scans that the models were trained on: its heads are left out, and the baseline "
        "map is fitted to all of them (default: to a few scans of the heads that were trained on)",
    )
    parser.add_argument(
        "--training-heads",
        type=int,
        metavar="N",
        help="the first N label maps by name were trained on (default: what the models' cards say)",
    )
    parser.add_argument("--output", type=Path, metavar="RESULTS", help="folder for tables and pictures")
    parser.add_argument("--write-card", action="store_true", help="write what was found into the models' cards")
    parser.add_argument("--device", default="cpu", help="cpu (default), auto, cuda, cuda:N or mps")
    add_threads(parser)
    parser.set_defaults(command=evaluate_models)


def evaluate_models(options: argparse.Namespace) -> ExitCode:
    """Run the command.

    Raises:
        InputError: If a model, the label maps, the cache or the table of pairs is not as it should be.
        OutputError: If the results or a card cannot be written.
    """
    import torch

    from mrsynth_training.evaluation_cases import KINDS
    from mrsynth_training.named_model import installed_model

    if options.scans < 1:
        raise InputError(f"expected at least one scan a head, found {options.scans}")
    use_threads(options.threads)
    torch.set_flush_denormal(True)  # a CPU is many times slower on numbers too small to matter
    installed, terminal = [installed_model(name) for name in options.models], Terminal()
    labels = model_labels([each.card for each in installed])
    with terminal.progress("evaluate") as show:
        heads, real, maps = _prepared(options, [each.card for each in installed], show)
        examinations = dict(zip(labels, _examinations(installed, maps, options.device), strict=True))
        total = (len(KINDS) * len(heads) * options.scans + len(real)) * len(examinations)
        for done, (label, examination, case) in enumerate(_work(examinations, heads, real, options.scans)):
            show(Progress("cases", done, total, ""))
            _examine(label, examination, case, options.output)
        show(Progress("cases", total, total, ""))
    _deliver(options, dict(zip(labels, installed, strict=True)), examinations, terminal)
    return ExitCode.OK


def model_labels(cards: "Sequence[ModelCard]") -> list[str]:
    """Return a name for each model that no other one has: its own, with its version if need be, or a number."""
    names = [card.name for card in cards]
    if len(set(names)) < len(names):
        names = [f"{card.name}-{card.version}" for card in cards]
    repeated, seen = Counter(names), Counter()
    labels = []
    for name in names:
        seen[name] += 1
        labels.append(name if repeated[name] == 1 else f"{name}-{seen[name]}")
    return labels


def _prepared(
    options: argparse.Namespace, cards: "Sequence[ModelCard]", show: ProgressListener
) -> "tuple[list[Path], list[EvaluationCase], dict[tuple[str, str], IntensityMap]]":
    """Return the heads, the real cases, and the map of each direction.

    What a person may have got wrong is read at once, before minutes are spent on simulating.
    """
    from mrsynth_training.evaluation_cases import real_cases
    from mrsynth_training.held_out_heads import (
        first_heads,
        heads_beside,
        heads_beside_cache,
        scans_of,
        seen_heads,
    )
    from mrsynth_training.pair_cache import read_cache

    real = list(real_cases(options.pairs)) if options.pairs else []
    directions = {(card.source_contrast, card.target_contrast) for card in cards}
    if options.cache:
        pairs = read_cache(options.cache)
        return heads_beside_cache(options.label_maps, pairs), real, _maps(pairs, directions)
    count = options.training_heads
    seen = seen_heads(options.label_maps, cards) if count is None else first_heads(options.label_maps, count)
    heads = heads_beside(options.label_maps, seen)

    def report(done: int, scans: int) -> None:
        show(Progress("training scans for the map", done, scans, ""))

    with scans_of(options.label_maps, seen, report) as pairs:
        return heads, real, _maps(pairs, directions)


def _maps(pairs: Sequence[Any], directions: set[tuple[str, str]]) -> "dict[tuple[str, str], IntensityMap]":
    from mrsynth_training.trained_intensity_map import fit_to_training

    return {direction: fit_to_training(pairs, *direction) for direction in directions}


def _examinations(
    installed: "Sequence[InstalledModel]", maps: "dict[tuple[str, str], IntensityMap]", device: str
) -> "Iterator[ModelExamination]":
    from mrsynth.models.weights import load_model
    from mrsynth_training.model_examination import ModelExamination

    for each in installed:
        direction = (each.card.source_contrast, each.card.target_contrast)
        yield ModelExamination(load_model(each), maps[direction], device)


def _work(
    examinations: "dict[str, ModelExamination]", heads: Sequence[Path], real: "Sequence[EvaluationCase]", scans: int
) -> "Iterator[tuple[str, ModelExamination, EvaluationCase]]":
    """Yield every model with every case; a case is simulated once for all models."""
    from mrsynth_training.evaluation_cases import KINDS, simulated_cases

    simulated = (simulated_cases(heads, kind, scans, EVALUATION_SEED) for kind in KINDS)
    for case in itertools.chain(*simulated, real):
        for label, examination in examinations.items():
            yield label, examination, case


def _examine(label: str, examination: "ModelExamination", case: "EvaluationCase", output: Path | None) -> None:
    examined = examination.examine(case)
    if output is None:
        return
    from mrsynth.atomic_file import make_folder
    from mrsynth_training.evaluation_pictures import write_case_pictures

    folder = output / label
    make_folder(folder)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", case.name)
    write_case_pictures(folder, name, examined, examination.direction)


def _deliver(
    options: argparse.Namespace,
    installed: "dict[str, InstalledModel]",
    examinations: "dict[str, ModelExamination]",
    terminal: Terminal,
) -> None:
    """Tell the results, and write them where they are asked for."""
    from mrsynth_training.evaluation_card import evaluated_card, write_card
    from mrsynth_training.evaluation_results import write_evaluation
    from mrsynth_training.evaluation_text import evaluation_text

    findings = {label: examination.findings for label, examination in examinations.items()}
    cards = {label: evaluated_card(installed[label].card, found) for label, found in findings.items()}
    for label, card in cards.items():
        terminal.say(evaluation_text(card, findings[label].results, whole=False))
        if options.write_card:
            write_card(installed[label].folder, card)
    if options.output:
        write_evaluation(options.output, cards, findings)
