"""The page of a report: what the synthetic image is, how near it comes to the acquired one, and how it was made."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from mrsynth.comparison import INTENSITY_MAP, LINEAR, SYNTHETIC
from mrsynth.comparison_display import figures_in_words
from mrsynth.html_document import document, figure
from mrsynth.metrics import HEAD, WHOLE_VOLUME
from mrsynth.sidecar import software_versions

if TYPE_CHECKING:
    from mrsynth.comparison import Comparison
    from mrsynth.comparison_report import Report

_IMAGES = {SYNTHETIC: "Synthetic", LINEAR: "Source, rescaled", INTENSITY_MAP: "Source, intensity map"}
_MASKS = {HEAD: "Inside the head", WHOLE_VOLUME: "Whole volume"}
_COLUMNS = (
    ("MAE", "SD, lower is better"),
    ("MSE", "SD², lower is better"),
    ("PSNR", "dB, range max−min"),
    ("PSNR", "dB, range 0.5–99.5 %"),
    ("SSIM", "1 is identical"),
    ("Gradient difference", "SD², lower is better"),
)


def page(report: Report, picture_png: bytes, chart_png: bytes) -> str:
    """The whole page as HTML.

    Args:
        report: What to say.
        picture_png: The comparison's picture.
        chart_png: The figures slice by slice.
    """
    images = report.images
    title = f"Synthetic {images.contrast or 'image'} beside the acquired reference"
    parts = (
        f"<h1>{escape(title)}</h1>",
        f'<p class="quiet">{escape(images.synthetic)} against {escape(images.reference)}, '
        f"report of {escape(_time(report.written))}</p>",
        _banner(report),
        _warnings(report.warnings),
        "<h2>Images</h2>",
        figure(picture_png, _picture_text(report), "Source, synthetic, reference and their differences in planes"),
        f'<section class="keep"><h2>How the synthetic image was made</h2>{_origin(report)}</section>',
        f'<section class="keep"><h2>Figures</h2>{_figures(report.comparison)}{_notes(report.comparison)}</section>',
        '<section class="keep"><h2>Slice by slice</h2>',
        figure(chart_png, "Inside the head, from one end of the scan to the other.", "Error and PSNR of each slice"),
        "</section>",
    )
    return document(title, "\n".join(part for part in parts if part))


def _banner(report: Report) -> str:
    origin = f"It was computed from {escape(report.images.source)} by a network." if report.images.source else ""
    return (
        f'<div class="banner"><strong>SYNTHETIC IMAGE: not acquired, not for diagnosis</strong>'
        f"<p>{escape(report.images.synthetic)} was not acquired by a scanner. {origin} It may show what is not there "
        "and miss what is. Research use only.</p></div>"
    )


def _warnings(warnings: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(warning[:1].upper() + warning[1:])}</li>" for warning in warnings)
    return f'<div class="warnings"><p><b>Before reading the figures</b></p><ul>{items}</ul></div>' if items else ""


def _picture_text(report: Report) -> str:
    return (
        f"Synthetic ({escape(report.images.synthetic)}) and reference ({escape(report.images.reference)}) in one "
        "window, each in its own standard deviations (SD). Difference: blue where the synthetic image is darker than "
        "the reference, red where it is brighter. Gradient difference: edges that are too weak or too strong. The "
        "patient's right is on the left."
    )


def _figures(comparison: Comparison) -> str:
    heads = "".join(f'<th scope="col">{name}<small>{note}</small></th>' for name, note in _COLUMNS)
    rows = []
    for mask, words in _MASKS.items():
        rows.append(f'<tr class="mask"><th scope="rowgroup" colspan="{len(_COLUMNS) + 1}">{words}</th></tr>')
        for row in comparison.rows:
            if row.metrics.mask == mask:
                kind = ' class="synthetic"' if row.image == SYNTHETIC else ""
                cells = "".join(f"<td>{cell}</td>" for cell in figures_in_words(row.metrics))
                rows.append(f'<tr{kind}><th scope="row">{_IMAGES[row.image]}</th>{cells}</tr>')
    return (
        f'<div class="scroll"><table class="figures"><thead><tr><th scope="col">Image</th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _notes(comparison: Comparison) -> str:
    notes = [
        "MAE: mean absolute error. MSE: mean squared error. PSNR: peak signal-to-noise ratio. SSIM: structural "
        "similarity. Gradient difference: mean squared difference of the gradients' magnitudes within slices.",
        f"Measured on {comparison.grid}. SD: standard deviation of the whole volume, of each image its own. Peaks of "
        f"PSNR: {comparison.reference_range:.2f} SD (max−min of the reference) and "
        f"{comparison.reference_percentile_range:.2f} SD (its 0.5–99.5 % span).",
    ]
    if any(row.image != SYNTHETIC for row in comparison.rows):
        notes.append(
            "The source is shown as it would do without a network: rescaled (best scale and offset) and after the best "
            "map of one intensity to another. Both were fitted to this very reference and so know the answer; a "
            "synthetic image that is no better than they are has added nothing."
        )
    return "".join(f'<p class="quiet">{escape(note)}</p>' for note in notes)


def _origin(report: Report) -> str:
    images, origin = report.images, report.origin
    model = " ".join(
        part for part in (origin.model, origin.model_version and f"version {origin.model_version}") if part
    )
    rows = {
        "Synthetic image": images.synthetic + (f" ({images.contrast}-weighted)" if images.contrast else ""),
        "Made from": images.source,
        "Reference (acquired)": images.reference,
        "Model": model,
        "SHA-256 of the weights": origin.weights_sha256,
        "Made on": _time(origin.created),
        "Run": origin.run_id,
        "Options": ", ".join(f"{name}: {value}" for name, value in origin.options.items()),
        "Software of this report": ", ".join(f"{name} {version}" for name, version in software_versions().items()),
    }
    cells = (
        f'<tr><th scope="row">{name}</th><td>{escape(value or "not recorded")}</td></tr>'
        for name, value in rows.items()
    )
    return f'<table class="origin"><tbody>{"".join(cells)}</tbody></table>'


def _time(iso: str) -> str:
    """``2026-08-01T12:00:00+00:00`` as people write it."""
    return iso.replace("T", " ").replace("+00:00", " UTC")
