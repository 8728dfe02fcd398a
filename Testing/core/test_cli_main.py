"""The command itself: help, version, errors in one line, signals, closed pipes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import mrsynth
from mrsynth.cli import self_check as self_check_command
from mrsynth.cli.interruption import Interruption
from mrsynth.cli.main import main

PACKAGE = Path(__file__).resolve().parents[2] / "MRSynthesis"
COMMANDS = [
    ["synthesize"],
    ["compare"],
    ["models"],
    ["models", "list"],
    ["models", "show"],
    ["models", "add"],
    ["models", "verify"],
    ["self-check"],
    ["demo"],
]


def in_a_process(*arguments, **options):
    environment = os.environ | {"PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-X", "utf8", "-m", "mrsynth.cli.main", *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def failing(monkeypatch, error):
    def fail(options, terminal, interruption):
        raise error

    monkeypatch.setattr(self_check_command, "run", fail)


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out == f"mrsynth {mrsynth.__version__}\n"


@pytest.mark.parametrize("command", [[], *COMMANDS], ids=" ".join)
def test_every_command_has_help(capsys, command):
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0 and "usage: mrsynth" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["synthesize"], ["compare"], ["models"], ["demo"]], ids=" ".join)
def test_help_shows_examples(capsys, command):
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    assert f"examples:\n  mrsynth {command[0]} " in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["synthesize", "a.nii", "b.nii"], ["synthesize", "a", "--model", "x"], ["models"]]
)
def test_a_wrong_command_line_ends_with_one_line_and_exit_code_2(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    errors = capsys.readouterr().err
    assert ended.value.code == 2 and errors.startswith("error: ") and errors.count("\n") == 1


def test_a_defect_of_the_program_is_exit_code_1_and_shows_where(monkeypatch, capsys):
    failing(monkeypatch, KeyError("x"))
    assert main(["self-check", "--json"]) == 1
    shown = capsys.readouterr()
    assert "Traceback" in shown.err
    assert json.loads(shown.out) == {"exit_code": 1, "error": {"code": "internal", "message": "KeyError: 'x'"}}


def test_an_interrupt_is_exit_code_130(monkeypatch, capsys):
    failing(monkeypatch, KeyboardInterrupt())
    assert main(["self-check"]) == 130
    assert capsys.readouterr().err == "cancelled\n"


def test_a_reader_that_went_away_is_no_reason_to_complain(tmp_path):
    process = in_a_process("models", "list", "--models", tmp_path)
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait(timeout=60) == 1 and errors == b""


def test_names_beyond_the_terminals_encoding_are_escaped(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(PACKAGE), "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "mrsynth.cli.main", "models", "list", "--models", str(tmp_path / "ü")]
    (tmp_path / "ü" / "kaputt ö").mkdir(parents=True)
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0 and b"kaputt \\xf6" in done.stderr


def test_a_signal_interrupts_but_not_in_a_shield():
    with Interruption() as interruption:
        with interruption.shielded():
            signal.raise_signal(signal.SIGINT)
        assert interruption.requested()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_handlers_of_others_come_back_and_ignored_signals_stay_ignored():
    earlier = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        before = signal.getsignal(signal.SIGINT)
        with Interruption():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGINT) is not before
        assert signal.getsignal(signal.SIGINT) is before
    finally:
        signal.signal(signal.SIGTERM, earlier)


def test_a_thread_that_may_not_set_handlers_does_without():
    failures = []

    def enter():
        try:
            with Interruption() as interruption:
                assert not interruption.requested()
        except (ValueError, AssertionError) as error:
            failures.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert not failures


def test_the_self_check_prints_versions_or_a_document(capsys):
    assert main(["self-check"]) == 0
    assert "torch" in capsys.readouterr().out
    assert main(["self-check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True


def test_a_self_check_that_fails_is_exit_code_1(monkeypatch, capsys):
    monkeypatch.setattr("mrsynth.self_check.PACKAGES", ("torch", "a-package-that-nobody-has"))
    assert main(["self-check"]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_the_module_of_the_command_can_be_run(tmp_path):
    process = in_a_process("models", "list", "--json", "--models", tmp_path)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "models" in json.loads(output)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signal to one process")
def test_a_signal_is_not_held_up_by_work_that_python_cannot_interrupt():
    # A key derived in minutes is one step of the interpreter without its lock, as a convolution is.
    script = "import hashlib\nfrom mrsynth.cli.interruption import Interruption\nwith Interruption():\n"
    script += "    print('ready', flush=True)\n    hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)"
    environment = os.environ | {"PYTHONPATH": str(PACKAGE)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", script], env=environment, **pipes)
    process.stdout.readline()
    time.sleep(0.5)  # until the step has begun: before it, Python would notice the signal by itself
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=5)
    assert process.returncode == 130 and errors == b"\ncancelled\n"
