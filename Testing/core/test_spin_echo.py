import numpy as np
import pytest

from mrsynth.spin_echo import IXI_GUYS, TISSUES, Protocol, Tissue, signal


def test_the_signal_is_the_spin_echo_equation_worked_by_hand():
    # PD 0.8, TR = T1, TE = T2: 0.8 * (1 - 1/e) / e
    assert signal(0.8, 900.0, 80.0, tr_ms=900.0, te_ms=80.0) == pytest.approx(0.8 * 0.6321206 * 0.3678794, rel=1e-6)


def test_without_protons_there_is_no_signal():
    assert signal(0.0, 900.0, 80.0, tr_ms=5000.0, te_ms=8.0) == 0


def test_a_longer_echo_time_never_brightens_and_a_longer_repetition_never_darkens():
    echoes = signal(0.8, 900.0, 80.0, tr_ms=5000.0, te_ms=np.array([8.0, 50.0, 100.0]))
    repetitions = signal(0.8, 900.0, 80.0, tr_ms=np.array([1000.0, 3000.0, 8000.0]), te_ms=8.0)
    assert np.all(np.diff(echoes) < 0)
    assert np.all(np.diff(repetitions) > 0)


def test_fluid_is_brightest_on_t2_and_grey_matter_above_white_on_pd():
    def echo(name: str, te_ms: float) -> float:
        tissue = TISSUES[name]
        return float(signal(tissue.pd, tissue.t1_ms, tissue.t2_ms, IXI_GUYS.tr_ms, te_ms))

    t2 = {name: echo(name, IXI_GUYS.te_t2_ms) for name in TISSUES}
    assert max(t2, key=t2.get) == "csf"
    assert echo("grey matter", IXI_GUYS.te_pd_ms) > echo("white matter", IXI_GUYS.te_pd_ms)


@pytest.mark.parametrize("times", [(5000, 100, 8), (5000, 0, 100), (90, 8, 100)])
def test_a_protocol_whose_times_are_out_of_order_is_refused(times):
    with pytest.raises(ValueError, match="TE of PD < TE of T2 < TR"):
        Protocol(*times)


def test_a_tissue_without_relaxation_is_refused():
    with pytest.raises(ValueError, match="positive T1, T2 and PD"):
        Tissue(900, 0, 0.7)
