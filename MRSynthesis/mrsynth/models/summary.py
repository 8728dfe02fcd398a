"""A model card as text for a terminal."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mrsynth.models.card import FigureEntry, FindingEntry, Metrics, ModelCard, TimingEntry
from mrsynth.presets import preset_of, preset_text, presets_of

TEXT_WIDTH = 100  # characters of a line
LABEL_WIDTH = 18
THIS_MODEL = "this model"
FINDINGS = {
    "lesions": "Lesions kept",
    "false_lesions": "False lesions",
    "uncertainty": "Uncertainty beside the error",
    "tissues": "Tissues, Dice coefficient",
}


def card_summary(card: ModelCard) -> str:
    """Return what someone should know before using a model: what it is for and not for, how good, made from what."""
    lines = [f"{card.name} {card.version}  {card.title}", ""]
    for label, text in [*_purpose(card), *_making(card), *_files(card)]:
        lines += _labelled(label, text)
    lines += ["", "Figures"]
    lines += _indented(_figures(card.figures)) if card.figures else ["  none were measured"]
    if card.reliability:
        lines += ["", "Reliability", *_indented(_findings(card.reliability))]
    return "\n".join(lines)


def _purpose(card: ModelCard) -> Iterator[tuple[str, str]]:
    yield "Contrast", f"{card.source_contrast} -> {card.target_contrast}"
    yield "Intended use", card.intended_use
    yield "Not for", card.not_for
    yield "Limitations", card.limitations
    yield "Licence", card.licence


def _making(card: ModelCard) -> Iterator[tuple[str, str]]:
    training, grid = card.training, card.grid
    yield "Network", f"{card.network['name']}, intensities {card.normalization['kind']}"
    own = preset_of(None, card.inference)
    for preset in presets_of(card.inference):
        text = preset_text(preset, card.inference)
        yield f"Preset {preset}", f"{text} The model's own." if preset == own else text
    yield "Uncertainty", card.uncertainty_meaning
    plane = f"{grid['plane']} slices" if "plane" in grid else "slices"
    yield (
        "Grid",
        f"pixels of {_range(grid['in_plane_spacing_mm'])} mm, {plane} {_range(grid['slice_spacing_mm'])} mm apart",
    )
    if card.timing is not None:
        yield "Timing", _timing(card.timing)
    kind = "simulated" if training["simulated"] else "acquired"
    yield "Trained on", f"{training['data']} ({kind}, {training['subjects']} subjects, {training['protocol']})"
    yield "Data licence", training["data_licence"]
    hours, seconds = divmod(round(training["seconds"]), 3600)
    yield (
        "Training",
        f"{training['steps']} steps in {hours} h {seconds // 60:02d} min, seed {training['seed']}, "
        f"{training['hardware']}, {training['software']}",
    )


def _timing(timing: TimingEntry) -> str:
    te, tr, target = (_range(timing[name]) for name in ("te_ms", "tr_ms", "target_te_ms"))
    return (
        f"told the source's TE ({te} ms) and TR ({tr} ms), where they are known; made for a target TE of "
        f"{timing['usual_target_te_ms']:g} ms, and can be asked for {target} ms"
    )


def _files(card: ModelCard) -> Iterator[tuple[str, str]]:
    yield "Weights", f"{card.size_bytes / 1e6:.1f} MB, from {card.url or 'the model folder only'}"
    yield "SHA-256", card.sha256


def _range(low_high: Sequence[float]) -> str:
    return " to ".join(f"{value:g}" for value in low_high)


def _labelled(label: str, text: str) -> list[str]:
    wrapped = _wrapped(text, TEXT_WIDTH - LABEL_WIDTH)
    return [
        f"{start:<{LABEL_WIDTH}}{line}" for start, line in zip([label] + [""] * len(wrapped), wrapped, strict=False)
    ]


def _wrapped(text: str, width: int) -> list[str]:
    # Only at spaces: an address or a fingerprint that is cut in two cannot be copied.
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" if line else "" for line in lines]


def _figures(figures: Sequence[FigureEntry]) -> Iterator[str]:
    for index, figure in enumerate(figures):
        if index:
            yield ""
        yield from _wrapped(f"{figure['data']}; mask: {figure['mask']}; range: {figure['range']}", TEXT_WIDTH - 2)
        yield from _indented(_table({THIS_MODEL: figure["metrics"], **figure["baselines"]}))
        yield from _indented(_wrapped(figure["note"], TEXT_WIDTH - 4))


def _findings(reliability: Mapping[str, FindingEntry]) -> Iterator[str]:
    for index, (name, finding) in enumerate(reliability.items()):
        if index:
            yield ""
        scans = f"{finding['scans']} scan{'' if finding['scans'] == 1 else 's'}"
        yield f"{FINDINGS[name]}; {scans}"
        yield from _indented(_table(finding["table"]))
        yield from _indented(_wrapped(finding["definition"], TEXT_WIDTH - 4))


def _table(named: Mapping[str, Metrics]) -> Iterator[str]:
    """Lay out one line for each name, under the names of the metrics."""
    metrics = list(dict.fromkeys(metric for values in named.values() for metric in values))
    rows = [["", *metrics]]
    rows += [[name, *(_cell(values.get(metric)) for metric in metrics)] for name, values in named.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for first, *cells in rows:
        yield "  ".join(
            [first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells, widths[1:], strict=True))]
        ).rstrip()


def _cell(value: float | dict[str, float] | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return f"{value['mean']:.4g} ({value['std']:.2g})"
    return f"{value:.4g}"
