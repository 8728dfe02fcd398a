"""What the documents promise is what the project does."""

import re
import shlex
import shutil
import subprocess
import tomllib

import pytest
from source_tree import PROJECT

import mrsynth
import mrsynth.cli.main
import mrsynth_training.cli


def text_of(name):
    return (PROJECT / name).read_text(encoding="utf-8")


def shell_commands(name):
    """Commands in the document's shell blocks, one a line."""
    blocks = re.findall(r"```sh\n(.*?)```", text_of(name), flags=re.DOTALL)
    return [line.split("#")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture
def constraints():
    lines = (line for line in text_of("constraints.txt").splitlines() if not line.startswith("#"))
    return dict(line.split("==") for line in lines)


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_readmes_two_commands_are_what_ci_runs(command):
    assert command in shell_commands("README.md")
    assert command in text_of(".ci/run").splitlines()


def test_the_readme_uses_no_option_that_the_makefile_lacks():
    options = set(re.findall(r"\b([A-Z]+)=", " ".join(c for c in shell_commands("README.md") if c.startswith("make"))))
    assert options <= {"SCAN", "MODEL", "REFERENCE", "OUTPUT", "PYTHON"}
    assert all(f"$({option})" in text_of("Makefile") for option in options)


@pytest.mark.parametrize("program", [mrsynth.cli.main, mrsynth_training.cli], ids=["mrsynth", "mrsynth-train"])
def test_the_readmes_commands_are_ones_the_program_takes(program):
    parser = program.command_parser()
    commands = [shlex.split(line) for line in shell_commands("README.md")]
    commands = [arguments for name, *arguments in commands if name == parser.prog]
    assert len(commands) >= 4
    for arguments in commands:
        parser.parse_args(arguments)  # leaves the process where it finds an argument that it does not know


def test_the_readme_is_plain_that_this_is_no_medical_device():
    assert "not a medical device" in text_of("README.md")


def test_every_dependency_has_one_exact_version(constraints):
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    required = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    names = {re.match(r"[\w-]+", each).group().lower() for each in required}
    assert names <= {name.lower() for name in constraints}
    assert constraints["torch"] == "2.13.0"


def test_the_changelog_begins_with_this_version_or_what_comes_after():
    headings = re.findall(r"^## \[([^]]+)\]", text_of("CHANGELOG.md"), flags=re.MULTILINE)
    assert headings[0] in ("Unreleased", mrsynth.__version__)


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make, which Windows has none of")
def test_an_older_python_is_named_before_anything_is_installed(tmp_path):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text(text_of(name), encoding="utf-8")
    old = tmp_path / "old-python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n', encoding="utf-8")
    old.chmod(0o755)
    run = subprocess.run(["make", "demo", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode != 0
    assert "expected Python 3.11 or newer, found Python 3.9.2" in run.stderr
    assert not (tmp_path / ".venv").exists()
