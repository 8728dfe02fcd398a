"""The physics both contrasts share: the signal of a long-TR dual spin echo and the tissues it is drawn from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Tissue:
    """Relaxation times (ms) and relative proton density of one tissue at 3 T."""

    t1_ms: float
    t2_ms: float
    pd: float

    def __post_init__(self) -> None:
        if min(self.t1_ms, self.t2_ms, self.pd) <= 0:
            raise ValueError(f"expected positive T1, T2 and PD, found {self}")


@dataclass(frozen=True)
class Protocol:
    """One dual-echo acquisition: repetition time and the two echo times, in ms."""

    tr_ms: float
    te_pd_ms: float
    te_t2_ms: float

    def __post_init__(self) -> None:
        if not 0 < self.te_pd_ms < self.te_t2_ms < self.tr_ms:
            raise ValueError(f"expected 0 < TE of PD < TE of T2 < TR, found {self}")


# Typical values at 3 T, chosen to fit a dual-echo turbo spin echo at TE 8 and 100 ms. Its many pulses saturate protons
# bound in tissue, so the apparent proton density of brain is lower, against fluid, than its water content.
TISSUES: dict[str, Tissue] = {
    "white matter": Tissue(850, 72, 0.60),
    "grey matter": Tissue(1350, 95, 0.72),
    "deep grey matter": Tissue(1150, 80, 0.68),
    "csf": Tissue(4200, 1500, 1.0),
    "fat": Tissue(380, 70, 0.75),
    "muscle": Tissue(1400, 40, 0.80),
    "skin": Tissue(1200, 45, 0.70),
    "cortical bone": Tissue(400, 3, 0.15),
    "marrow": Tissue(500, 60, 0.50),
    "mucosa": Tissue(1600, 110, 0.85),
    "blood": Tissue(1600, 90, 0.30),
    "eye": Tissue(3600, 800, 1.0),
    "dura": Tissue(1000, 35, 0.45),
}

# The IXI study's dual-echo turbo spin echo, as the London sites Guy's and Hammersmith (HH) acquired it.
IXI_GUYS = Protocol(tr_ms=8178, te_pd_ms=8, te_t2_ms=100)
IXI_HAMMERSMITH = Protocol(tr_ms=5726, te_pd_ms=8, te_t2_ms=100)


def signal(pd: ArrayLike, t1_ms: ArrayLike, t2_ms: ArrayLike, tr_ms: float, te_ms: float) -> np.ndarray:
    """Return the spin-echo signal ``PD (1 - exp(-TR/T1)) exp(-TE/T2)`` for 90 degree excitation and TE << TR.

    Args:
        pd: Relative proton density, any shape.
        t1_ms: Longitudinal relaxation time, broadcastable to ``pd``.
        t2_ms: Transverse relaxation time, broadcastable to ``pd``.
        tr_ms: Repetition time.
        te_ms: Echo time.
    """
    return np.asarray(pd) * (1 - np.exp(-tr_ms / np.asarray(t1_ms))) * np.exp(-te_ms / np.asarray(t2_ms))
