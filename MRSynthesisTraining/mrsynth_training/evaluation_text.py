"""The evaluation of models as Markdown: for a terminal, a README, or a folder of results."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mrsynth.metrics import WHOLE_VOLUME
from mrsynth.models.card import ModelCard
from mrsynth.models.summary import FINDINGS
from mrsynth_training.evaluation import ESTIMATES, MASKS, CaseResult, group_results, summarized_figures

# Figures of the long table, with their decimals.
COLUMNS = {"psnr_range": 1, "psnr_percentile": 1, "mae": 3, "ssim": 3}
TITLES = {
    "psnr_range": "PSNR dB (max-min)",
    "psnr_percentile": "PSNR dB (0.5-99.5 %)",
    "mae": "MAE",
    "ssim": "SSIM",
}
NOT_MEASURED = "-"
NOTES = (
    "Mean (standard deviation) over scans; images standardised over the whole volume. `map` is the best map of one "
    "intensity to another, fitted on training scans; `linear` and `oracle` are fitted on the very pair they are "
    'measured on. "noise-free target" compares with what the network was asked for, the other rows with the other echo '
    "as acquired."
)


def evaluation_text(card: ModelCard, results: Sequence[CaseResult], whole: bool = True) -> str:
    """Return what was measured of one model.

    Args:
        card: Its card, with what was found of its reliability.
        results: Figures of each case.
        whole: Whether every figure in every mask is told, or only the PSNR (range max - min) over the whole volume.
    """
    arrow = f"{card.source_contrast} to {card.target_contrast}"
    lines = [f"## {card.name} {card.version} ({arrow})", "", *_psnr_table(results), "", NOTES]
    if whole:
        lines += ["", *_figures_table(results)]
    for name, finding in (card.reliability or {}).items():
        lines += ["", f"### {FINDINGS[name]}, {finding['scans']} scans", "", *_finding_table(finding["table"])]
        lines += ["", _sentence(finding["definition"])]
    return "\n".join(lines) + "\n"


def _psnr_table(results: Sequence[CaseResult]) -> Iterator[str]:
    yield from _head([TITLES["psnr_range"], "scans", *ESTIMATES])
    for group, members in group_results(results).items():
        cells = (_figure(members, estimate, WHOLE_VOLUME, "psnr_range") for estimate in ESTIMATES)
        yield _row([group, str(len(members)), *cells])


def _figures_table(results: Sequence[CaseResult]) -> Iterator[str]:
    yield from _head(["scans of", "mask", "image", *TITLES.values()])
    for group, members in group_results(results).items():
        for mask in MASKS:
            for estimate in ESTIMATES:
                yield _row([group, mask, estimate, *(_figure(members, estimate, mask, name) for name in COLUMNS)])


def _figure(members: Sequence[CaseResult], estimate: str, mask: str, figure: str) -> str:
    found = summarized_figures(members, estimate, mask).get(figure)
    if found is None:
        return NOT_MEASURED
    mean, deviation = (f"{found[part]:.{COLUMNS[figure]}f}" for part in ("mean", "std"))
    return f"{mean} ({deviation})" if len(members) > 1 else mean


def _finding_table(table: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    columns = list(dict.fromkeys(name for row in table.values() for name in row))
    yield from _head(["", *columns])
    for name, row in table.items():
        yield _row([name, *(_value(row.get(column)) for column in columns)])


def _value(value: float | Mapping[str, float] | None) -> str:
    if value is None:
        return NOT_MEASURED
    if isinstance(value, Mapping):
        return f"{value['mean']:.3g} ({value['std']:.2g})"
    return f"{value:.3g}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _head(titles: Sequence[str]) -> Iterator[str]:
    yield _row(titles)
    yield "|" + "---|" * len(titles)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
