"""Figures of a study as people read them: digits, means and deviations, names of figures and methods."""

from collections.abc import Sequence

from mrsynth.metrics import HEAD, WHOLE_VOLUME, Metrics
from mrsynth_training.evaluation import NETWORK
from mrsynth_training.paired_statistics import Summary, summarize
from mrsynth_training.validation_baselines import LINEAR, ORACLE, TRAINED_MAP

NOT_KNOWN = "\N{EN DASH}"
DIGITS = {"mae": 3, "psnr_range": 2, "psnr_percentile": 2, "ssim": 3, "gradient_difference": 4, "dice": 3}
FIGURE_NAMES = {
    "mae": "MAE",
    "psnr_range": "PSNR",
    "psnr_percentile": "PSNR",
    "ssim": "SSIM",
    "gradient_difference": "Gradient difference",
}
FIGURE_NOTES = {
    "mae": "SD, lower is better",
    "psnr_range": "dB, range max\N{MINUS SIGN}min",
    "psnr_percentile": "dB, range 0.5\N{EN DASH}99.5 %",
    "ssim": "1 is identical",
    "gradient_difference": "SD\N{SUPERSCRIPT TWO}, lower is better",
}
MASK_NAMES = {WHOLE_VOLUME: "Whole volume", HEAD: "Inside the head"}
IMAGE_NAMES = {
    NETWORK: "network",
    LINEAR: "Source, rescaled (oracle)",
    TRAINED_MAP: "Source, intensity map of the training subjects",
    ORACLE: "Source, best intensity map (oracle)",
}


def number(value: float | None, digits: int) -> str:
    """Return a number with so many decimals and a true minus sign, or a dash."""
    return NOT_KNOWN if value is None else f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def with_deviation(summary: Summary, digits: int) -> str:
    """Return ``mean (standard deviation)`` as the report writes it; of one subject the mean alone."""
    mean = number(summary.mean, digits)
    return mean if summary.deviation is None else f"{mean} ({number(summary.deviation, digits)})"


def mean_and_deviation(metrics: Sequence[Metrics], figure: str) -> str:
    """Return ``mean (standard deviation)`` of a figure over subjects."""
    return with_deviation(summarize([getattr(each, figure) for each in metrics]), DIGITS[figure])


def probability(p: float | None) -> str:
    """Return a p-value as tables have it."""
    if p is None:
        return NOT_KNOWN
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def direction_in_words(direction: tuple[str, str]) -> str:
    """Return ``T2 -> PD`` with a true arrow."""
    return " \N{RIGHTWARDS ARROW} ".join(direction)


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them: ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def duration(seconds: float | None) -> str:
    """Return a time as tables have it: ``12 s``, ``5.5 min``, ``3.2 h``."""
    if seconds is None:
        return NOT_KNOWN
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
