"""How far a synthesis is, in patches or, where one patch is the whole scan, in hundredths of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from mrsynth.cancellation import stop_if
from mrsynth.memory_fallback import PatchPredictor
from mrsynth.pass_progress import followed_passes
from mrsynth.progress import CancelLook, Progress, ProgressListener

STAGE = "synthesis"
PARTS_OF_A_PASS = 100


class SynthesisSteps:
    """Counts what is done, tells the listener, and looks whether to stop.

    Args:
        predictor: Knows the device.
        progress: Told of each step.
        cancelled: Asked after each batch.
    """

    def __init__(self, predictor: PatchPredictor, progress: ProgressListener, cancelled: CancelLook) -> None:
        self._predictor = predictor
        self._progress = progress
        self._cancelled = cancelled
        self._parts = 1
        self._done, self._total, self._told = 0, 1, -1

    @contextmanager
    def followed(self, network: nn.Module, patches: int, within: bool) -> Iterator[None]:
        """Begin to count; while the context lasts, the network's passes are told of.

        Args:
            network: In evaluation.
            patches: How many will go through it.
            within: Whether a pass takes long enough to be told of from within.

        Raises:
            Cancelled: If the run was asked to stop.
        """
        self._parts = PARTS_OF_A_PASS if within else 1
        self._total = patches * self._parts
        self(0)
        if not within:
            yield
            return
        with followed_passes(network, self._within):
            yield

    def __call__(self, patches: int) -> None:
        """Take note of patches that are done.

        Raises:
            Cancelled: If the run was asked to stop.
        """
        self._done += patches * self._parts
        self._tell(self._done)
        stop_if(self._cancelled)

    def _within(self, fraction: float) -> None:
        # The whole pass is done only when its result is there.
        self._tell(self._done + min(int(fraction * self._parts), self._parts - 1))

    def _tell(self, done: int) -> None:
        # A pass that is made again, on less memory, does not take back what was told.
        if done > self._told:
            self._told = done
            self._progress(Progress(STAGE, done, self._total, str(self._predictor.device)))
