"""A short command: its text, its end in every way there is, and that nothing of it is left."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest
import slicer_host

slicer_host.install()

from freed import isFreed, turns  # noqa: E402
from job_witness import remaining  # noqa: E402
from slicer_host.events import PATIENCE_S, wait_until  # noqa: E402

from MRSynthesisLib import ChildProcess  # noqa: E402
from MRSynthesisLib import CommandRun as module  # noqa: E402
from MRSynthesisLib.CommandRun import CommandLimits, CommandRun  # noqa: E402
from MRSynthesisLib.WorkerLaunch import WorkerLaunch  # noqa: E402

# As PythonSlicer: the real work is done in a child, whose number is written into a file.
LAUNCHER = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
open(sys.argv[1] + ".part", "w").write(str(child.pid))
import os; os.replace(sys.argv[1] + ".part", sys.argv[1])
sys.exit(abs(child.wait()))
"""
# As a command with something to put away: it says when it can be asked, and takes a moment to end.
TIDY = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (open(sys.argv[1] + "tidy", "w").close(), sys.exit(130)))
open(sys.argv[1] + "ready", "w").close()
time.sleep(120)
"""
STUBBORN = TIDY.replace('lambda *_: (open(sys.argv[1] + "tidy", "w").close(), sys.exit(130))', "signal.SIG_IGN")
posix = pytest.mark.skipif(os.name == "nt", reason="Windows cannot ask a process to end")
# Says a word each time a file is there, and ends after three.
CHATTER = """
import os, sys, time
for word in range(3):
    while not os.path.exists(f"{sys.argv[1]}{word}"): time.sleep(0.01)
    print("on", flush=True)
"""


LONG_BEFORE_ITS_OWN_END_S = 40


class Command:
    """One command, what came of it, and which processes it had."""

    def __init__(self, folder: Path) -> None:
        self.results, self.pidFile = [], folder / "pid"
        self.run: CommandRun | None = None

    def start(self, code: str, program: str = sys.executable, **limits: float) -> CommandRun:
        launch = WorkerLaunch(program, ("-c", code, str(self.pidFile)), dict(os.environ))
        self.run = CommandRun(launch, self.results.append, CommandLimits(**limits))
        self.run.start()
        assert self.results == [] and self.run.isRunning
        return self.run

    def startLauncher(self, **limits: float) -> CommandRun:
        """Start a command with a child, and wait until the child is there."""
        self.start(LAUNCHER, **limits)
        wait_until(self.pidFile.exists)
        return self.run

    def end(self):
        wait_until(lambda: self.results)
        turns(0.1)
        (result,) = self.results
        assert not self.run.isRunning
        return result


@pytest.fixture
def a_command(tmp_path):
    """Afterwards no process is left, neither the command's own nor its child."""
    before = set(psutil.Process().children(recursive=True))
    command = Command(tmp_path)
    yield command
    assert remaining(before, [int(command.pidFile.read_text())] if command.pidFile.exists() else []) == []


def test_a_command_ends_with_its_text_and_its_exit_code(a_command):
    a_command.start("import sys; print('out ü'); print('err ü', file=sys.stderr); sys.exit(3)")
    result = a_command.end()
    assert (result.exitCode, result.output.strip(), result.messages.strip()) == (3, "out ü", "err ü")


def test_a_command_that_asks_something_gets_no_answer(a_command):
    a_command.start("import sys; print(repr(sys.stdin.read()))")
    assert a_command.end().output.strip() == "''"


def test_a_program_that_is_not_there_is_named(a_command):
    a_command.start("", program="no such program")
    result = a_command.end()
    assert result.exitCode == -1 and "no such program could not be started" in result.messages


def test_a_command_that_breaks_down_is_no_success(a_command):
    a_command.start("import os; os.abort()")
    assert a_command.end().exitCode == -1


def test_a_command_runs_once(a_command):
    run = a_command.start("")
    with pytest.raises(RuntimeError, match="not started yet"):
        run.start()
    a_command.end()


def test_a_cancelled_command_ends_with_its_child_and_is_told_once(a_command):
    a_command.startLauncher().cancel()
    a_command.run.cancel()
    assert a_command.results == []
    result = a_command.end()
    assert (result.exitCode, result.messages) == (130, "Cancelled.")


@posix
def test_a_cancelled_command_is_asked_first_so_that_it_can_put_things_away(a_command):
    run = a_command.start(TIDY, graceS=PATIENCE_S)
    wait_until(a_command.pidFile.with_name("pidready").exists)
    run.cancel()
    result = a_command.end()
    assert (result.exitCode, result.messages) == (130, "Cancelled.")
    assert a_command.pidFile.with_name("pidtidy").exists()


@posix
@pytest.mark.parametrize("hasPsutil", [True, False])
def test_a_cancelled_command_that_takes_no_notice_is_ended(a_command, monkeypatch, hasPsutil):
    if not hasPsutil:
        monkeypatch.setitem(sys.modules, "psutil", None)
    run = a_command.start(STUBBORN, graceS=0.3)
    wait_until(a_command.pidFile.with_name("pidready").exists)
    run.cancel()
    assert a_command.end().exitCode == 130
    monkeypatch.undo()


def test_a_command_that_was_done_before_it_could_be_cancelled_is_a_success(a_command):
    run = a_command.start("print('done')")
    wait_until(lambda: run._state == "running")
    run.cancel()
    run._ticker.stop()  # nobody gets round to asking
    result = a_command.end()
    assert (result.exitCode, result.output.strip()) == (0, "done")


def test_a_command_cancelled_right_after_its_start_starts_nothing(a_command):
    a_command.start("import sys; open(sys.argv[1], 'w').write('0')").cancel()
    assert a_command.end().exitCode == 130
    assert not a_command.pidFile.exists()


def test_a_command_that_says_nothing_for_too_long_is_ended_with_its_child(a_command):
    a_command.startLauncher()._limits = CommandLimits(silenceS=0.3)
    result = a_command.end()
    assert result.exitCode == -1 and "said nothing for 0 seconds and was ended" in result.messages


def test_words_keep_a_slow_command_running(a_command):
    """The clock of the limit is moved by hand, so that a slow machine makes no difference."""
    run = a_command.start(CHATTER, silenceS=1.0)
    wait_until(lambda: run._state == "running")
    run._ticker.stop()
    run._waitedS = 0.0
    for word in range(3):
        for _look in range(15):
            run._look()
        assert run._waitedS > 0.7 and run._state == "running"
        a_command.pidFile.with_name(f"pid{word}").touch()
        wait_until(lambda: run._waitedS == 0)
    result = a_command.end()
    assert (result.exitCode, result.output.split()) == (0, ["on"] * 3)


def test_a_command_may_be_silent_for_five_minutes():
    assert CommandLimits().silenceS == 300


def test_a_command_that_will_not_end_is_told_all_the_same(a_command, monkeypatch):
    monkeypatch.setattr(ChildProcess.ChildProcess, "ask", lambda self: None)
    monkeypatch.setattr(ChildProcess.ChildProcess, "kill", lambda self, known=(): None)
    a_command.startLauncher(graceS=0.1, killS=0.2).cancel()
    assert a_command.end().exitCode == 130
    child = psutil.Process(int(a_command.pidFile.read_text()))
    child.parent().kill()
    child.kill()
    turns(0.1)


def test_a_command_stopped_at_once_is_gone_with_its_child_and_says_no_word(a_command):
    run = a_command.startLauncher()
    began = time.monotonic()
    run.stopAtOnce()
    assert time.monotonic() - began < LONG_BEFORE_ITS_OWN_END_S and not run.isRunning
    run.stopAtOnce()
    turns(0.2)
    assert a_command.results == []


def test_a_command_stopped_right_after_its_start_starts_nothing(a_command):
    a_command.start("import sys; open(sys.argv[1], 'w').write('0')").stopAtOnce()
    turns(0.5)
    assert a_command.results == [] and not a_command.pidFile.exists()


@pytest.mark.parametrize("ending", ["told", "not started", "stopped"])
def test_a_command_that_has_ended_is_freed(a_command, ending):
    def ended():
        run = a_command.start("", program="no such program" if ending == "not started" else sys.executable)
        if ending == "stopped":
            run.stopAtOnce()
        else:
            a_command.end()
        a_command.run = None
        return run

    assert isFreed(ended)


def test_an_ended_command_that_is_kept_holds_nobody(a_command):
    class Panel:
        def tell(self, result):
            a_command.results.append(result)

    def panelOfAnEndedCommand():
        panel = Panel()
        launch = WorkerLaunch(sys.executable, ("-c", ""), dict(os.environ))
        a_command.run = CommandRun(launch, panel.tell)
        a_command.run.start()
        a_command.end()
        return panel

    assert isFreed(panelOfAnEndedCommand)


def test_a_command_that_has_ended_leaves_nothing_in_the_application(a_command):
    import slicer

    before = len(slicer.app.moduleManager().children())
    a_command.start("print(1)")
    assert len(slicer.app.moduleManager().children()) > before
    a_command.end()
    assert len(slicer.app.moduleManager().children()) == before
    assert module.CANCELLED == 130
