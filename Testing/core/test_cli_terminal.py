"""What is shown on a terminal, and in a file that stands for one."""

import io

import pytest

from mrsynth.cli.terminal import Terminal, duration, table
from mrsynth.progress import Progress


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def lines_for(total, steps, monkeypatch, seconds_a_step=0.0):
    now = [100.0]
    monkeypatch.setattr("mrsynth.cli.terminal.time.monotonic", lambda: now[0])
    errors = io.StringIO()
    with Terminal(errors=errors).progress("scan") as progress:
        for done in steps:
            progress(Progress("synthesis", done, total, "cpu"))
            now[0] += seconds_a_step
    return errors.getvalue().splitlines()


def test_plain_progress_comes_every_few_percent_with_first_and_last(monkeypatch):
    lines = lines_for(1000, range(1001), monkeypatch, seconds_a_step=1.0)
    assert 15 <= len(lines) <= 22
    assert lines[0] == "scan: synthesis on cpu   0%" and lines[-1] == "scan: synthesis on cpu 100%"
    assert "left" in lines[3]


def test_a_short_stage_has_its_first_and_last_line_only(monkeypatch):
    assert len(lines_for(100, range(101), monkeypatch)) == 2


def test_a_stage_of_one_step_is_one_line(monkeypatch):
    assert lines_for(1, [0, 1], monkeypatch) == ["scan: synthesis on cpu"]


def test_a_stage_without_a_device_names_none():
    errors = io.StringIO()
    Terminal(errors=errors).progress("scan")(Progress("reading", 0, 1, ""))
    assert errors.getvalue() == "scan: reading\n"


def test_a_terminal_shows_a_bar_and_takes_it_away():
    screen = Screen()
    with Terminal(errors=screen).progress("scan") as progress:
        progress(Progress("reading", 0, 1, ""))
        for done in range(5):
            progress(Progress("synthesis", done, 4, "cpu"))
        progress(Progress("writing", 0, 1, ""))
    shown = screen.getvalue()
    assert "scan: reading ..." in shown and "scan: synthesis on cpu   0% |" in shown
    assert shown.endswith("\r") and "\n" not in shown


def test_a_bar_begins_again_when_the_total_changes():
    screen = Screen()
    with Terminal(errors=screen).progress("scan") as progress:
        progress(Progress("synthesis", 3, 4, "cpu"))
        progress(Progress("synthesis", 3, 30, "cpu"))
    assert "10%" in screen.getvalue()


@pytest.mark.parametrize(("no_colour", "coloured"), [(None, True), ("1", False)])
def test_labels_are_coloured_on_a_terminal_only(monkeypatch, no_colour, coloured):
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_colour:
        monkeypatch.setenv("NO_COLOR", no_colour)
    screen, file = Screen(), io.StringIO()
    Terminal(errors=screen).warn("x")
    Terminal(errors=file).error("x")
    assert ("\033[" in screen.getvalue()) is coloured
    assert file.getvalue() == "error: x\n"


def test_text_gives_way_to_a_document_where_one_is_wanted():
    text, document = io.StringIO(), io.StringIO()
    for terminal in (Terminal(output=text), Terminal(as_json=True, output=document)):
        terminal.say("words")
        terminal.document({"a": 1})
    assert text.getvalue() == "words\n" and document.getvalue() == '{\n  "a": 1\n}\n'


@pytest.mark.parametrize(("answer", "agreed"), [("y\n", True), ("Yes\n", True), ("\n", False), ("n\n", False)])
def test_only_a_yes_is_one(monkeypatch, answer, agreed):
    keyboard = Screen(answer)
    monkeypatch.setattr("sys.stdin", keyboard)
    assert Terminal(errors=io.StringIO()).confirm("Really?") is agreed


def test_where_nobody_can_answer_the_answer_is_no(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    errors = io.StringIO()
    assert Terminal(errors=errors).confirm("Really?") is False
    assert "--yes" in errors.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (65, "1 min 05 s"), (3599, "59 min 59 s"), (7380, "2 h 03 min")],
)
def test_durations_are_told_in_words(seconds, words):
    assert duration(seconds) == words


def test_columns_are_aligned():
    assert table([("long name", "1"), ("b", "22")], ("name", "n")).splitlines() == [
        "name       n",
        "---------  --",
        "long name  1",
        "b          22",
    ]
