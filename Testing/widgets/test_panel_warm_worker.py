"""The panel's worker stays for the next synthesis, and goes with whatever it was kept for."""

import psutil
import pytest
import slicer_host
from job_witness import isZombie, remaining
from panel_clicks import PATIENCE_S, a_scan, choose, synthesize
from slicer_host import pythonqt
from slicer_host.events import wait_until

import slicer  # isort: skip (the host is there once slicer_host is)
import slicer.packaging  # isort: skip


@pytest.fixture
def a_used_panel(a_panel):
    """A panel after a synthesis; when the test is over no process may be left."""
    before = set(psutil.Process().children(recursive=True))
    # A worker belongs to the environment that it was started in, and pytest notes there where it is.
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("PYTEST_CURRENT_TEST")
        choose(a_panel, a_scan("Ball T2"))
        synthesize(a_panel)
    assert psutil.pid_exists(a_panel.logic.waitingWorker)
    yield a_panel
    if a_panel.logic is not None:
        a_panel.logic.stopAtOnce()
    assert remaining(before) == []


def test_the_next_synthesis_is_done_by_the_process_of_the_last_also_from_another_module(a_used_panel, monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    worker = a_used_panel.logic.waitingWorker
    a_used_panel.exit()
    a_used_panel.enter()
    choose(a_used_panel, a_scan("Other T2"))
    assert synthesize(a_used_panel).GetName() == "Other T2 synthetic PD"
    assert a_used_panel.logic.waitingWorker == worker


def reload(panel):
    panel.onReload()


def quit_(panel):
    pythonqt.unwrap(slicer.app).aboutToQuit.emit()


def install(panel):
    slicer.packaging.pretendedMissing.add("nibabel")
    panel.setupSection.update()
    slicer_host.click(panel.ui.setupButton)


@pytest.mark.parametrize("event", [reload, quit_, install])
def test_on_return_the_worker_is_gone(a_used_panel, event):
    worker = a_used_panel.logic.waitingWorker
    event(a_used_panel)
    assert isZombie(worker)


def test_the_worker_goes_with_the_scene_without_holding_it_up(a_used_panel):
    worker = a_used_panel.logic.waitingWorker
    slicer.mrmlScene.Clear(False)
    assert a_used_panel.logic.waitingWorker == 0
    wait_until(lambda: isZombie(worker), PATIENCE_S)


def test_a_worker_killed_while_it_waits_keeps_nobody_from_the_next_synthesis(a_used_panel):
    psutil.Process(a_used_panel.logic.waitingWorker).kill()
    choose(a_used_panel, a_scan("Other T2"))
    assert synthesize(a_used_panel).GetName() == "Other T2 synthetic PD"
