"""The house rules of CONTRIBUTING.md, as far as a program can check them."""

import ast
import re

import pytest
from source_tree import PROJECT, module_name, package_files, parsed, python_files

LONGEST_FUNCTION = 50
LONGEST_FILE = 300
MOST_PARAMETERS = 5
VAGUE_NAMES = re.compile(r"(^|_)(utils?|helpers?|managers?|common|misc)(_|$)")
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
PRIVATE_FOLDER = re.compile(r"[\"'(\s]/(wo" + r"rk/|ho" + r"me/\w|Us" + r"ers/\w)")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
TEXT_SUFFIXES = {".py", ".md", ".toml", ".txt", ".json", ".yaml", ".svg", ""}


def relative(path):
    return str(path.relative_to(PROJECT))


def functions(path):
    return [node for node in ast.walk(parsed(path)) if isinstance(node, FUNCTIONS)]


@pytest.mark.parametrize("path", package_files(), ids=module_name)
def test_functions_are_short(path):
    lengths = {node.name: node.end_lineno - node.lineno + 1 for node in functions(path)}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("path", python_files(), ids=relative)
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", package_files(), ids=module_name)
def test_functions_take_few_parameters(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    # A base class of another package may dictate more; such a signature is marked for ruff, too.
    free = [node for node in functions(path) if "noqa: PLR0913" not in lines[node.lineno - 1]]
    counts = {node.name: len(parameters(node)) for node in free}
    assert {name: count for name, count in counts.items() if count > MOST_PARAMETERS} == {}


def parameters(node):
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [argument for argument in every if argument.arg not in ("self", "cls")]


@pytest.mark.parametrize("path", package_files(), ids=module_name)
def test_public_functions_are_typed_and_modules_documented(path):
    tree = parsed(path)
    if path.name != "__init__.py":
        assert ast.get_docstring(tree), "expected a docstring that says what the module is for"
    for node in tree.body:
        if isinstance(node, FUNCTIONS) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
            assert node.returns is not None, node.name
            assert all(argument.annotation for argument in parameters(node)), node.name


@pytest.mark.parametrize("path", package_files(), ids=module_name)
def test_names_come_from_the_field(path):
    assert not VAGUE_NAMES.search(path.stem)
    classes = [node.name for node in ast.walk(parsed(path)) if isinstance(node, ast.ClassDef)]
    assert not [name for name in classes if re.search(r"Utils?|Helper|Manager", name)]


@pytest.mark.parametrize("path", package_files(), ids=module_name)
def test_no_bare_except_no_assert_no_star_import(path):
    for node in ast.walk(parsed(path)):
        assert not isinstance(node, ast.Assert)
        assert not (isinstance(node, ast.ExceptHandler) and node.type is None)
        assert not (isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names))


@pytest.mark.parametrize("path", [p for p in package_files() if p.name == "__init__.py"], ids=module_name)
def test_package_files_are_empty_but_for_the_version(path):
    lines = path.read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if line and not line.startswith("__version__ = ")] == []


def test_test_files_have_names_of_their_own():
    names = [path.name for path in (PROJECT / "Testing").rglob("*.py") if path.name != "conftest.py"]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_nothing_is_left_unfinished_or_tied_to_one_machine():
    for path in text_files():
        text = path.read_text(encoding="utf-8")
        assert not UNFINISHED.search(text), path
        assert not PRIVATE_FOLDER.search(text), path


def text_files():
    top = [path for path in PROJECT.iterdir() if path.is_file() and not path.name.startswith(".coverage")]
    folders = [PROJECT / name for name in (".ci", "MRSynthesis", "MRSynthesisTraining", "Resources", "Testing")]
    inside = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path for path in (*top, *inside) if path.suffix in TEXT_SUFFIXES and "__pycache__" not in path.parts]
