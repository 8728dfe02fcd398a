"""Progress in a line that a reader takes in at a glance."""

from slicer.i18n import tr as _

from MRSynthesisLib.BackgroundJob import JobProgress

_SHORTEST_SHOWN_S = 1.0


def stageText(stage: str) -> str:
    """Return what to call a stage of the worker; one it does not know is shown as it is."""
    return {
        "starting": _("Starting"),
        "reading": _("Reading the scan"),
        "loading": _("Loading the model"),
        "synthesis": _("Synthesizing"),
        "comparing": _("Comparing with the reference"),
        "writing": _("Writing the result"),
    }.get(stage, stage)


def timeText(seconds: float) -> str:
    """Return a time that is left, to the second below a minute and to the minute above."""
    if seconds < 60:
        return _("{0} s").format(max(1, round(seconds)))
    return _("{0} min {1:02d} s").format(*divmod(round(seconds), 60))


def progressText(progress: JobProgress) -> str:
    """Return stage, percent and time left, as far as they are known."""
    parts = [stageText(progress.stage)]
    if progress.total > 1:
        parts.append(_("{0} %").format(round(100 * progress.fraction)))
    if progress.etaS is not None and progress.etaS >= _SHORTEST_SHOWN_S:
        parts.append(_("about {0} left").format(timeText(progress.etaS)))
    return ", ".join(parts)
