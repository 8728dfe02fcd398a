"""Slicer's side: never torch, nothing heavy when a file is loaded, and every visible word can be translated."""

import ast
import re
import subprocess
import sys

import pytest
from source_tree import PROJECT, imported_names, parsed

MODULE = PROJECT / "MRSynthesis"
TRAINING = PROJECT / "MRSynthesisTraining"
FILES = [
    *(MODULE / "MRSynthesis.py", *sorted((MODULE / "MRSynthesisLib").glob("*.py"))),
    *(TRAINING / "MRSynthesisTraining.py", *sorted((TRAINING / "MRSynthesisTrainingLib").glob("*.py"))),
]
NOT_IN_SLICER = {"torch", "nibabel", "skimage", "matplotlib", "jsonschema", "safetensors", "psutil", "tqdm", "nilearn"}
PLAIN_SLICER = """
import importlib, sys
from pathlib import Path

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {missing}:
            raise ModuleNotFoundError(name)

sys.path[:0] = ["Testing/host", "MRSynthesis", "MRSynthesisTraining"]
import slicer_host
slicer_host.install()
sys.meta_path.insert(0, Missing())
import slicer.packaging
slicer.packaging.pretendedMissing.update({missing})
for library in ("MRSynthesis/MRSynthesisLib", "MRSynthesisTraining/MRSynthesisTrainingLib"):
    for path in sorted(Path(library).glob("*.py")):
        importlib.import_module(path.parent.name + "." + path.stem)
importlib.import_module("MRSynthesisTraining")
widget = slicer_host.loadModule(Path({module!r}))
print(widget.ui.setupLabel.text)
"""
VISIBLE = {"text", "toolTip", "windowTitle", "accessibleName", "title", "statusTip", "placeholderText"}
A_WORD = re.compile(r"[A-Za-z]{2,}")


def name_of(path):
    return f"{path.parent.name}-{path.stem}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_slicers_process_never_imports_torch(path):
    assert not {name for name in imported_names(parsed(path)) if name.split(".")[0] in ("torch", "safetensors")}


def test_the_panel_opens_in_a_slicer_where_nothing_was_installed_yet():
    code = PLAIN_SLICER.format(missing=sorted(NOT_IN_SLICER), module=str(MODULE / "MRSynthesis.py"))
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "nibabel" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_what_is_shown_passes_through_the_translator(path):
    bare = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Assign) and any(shows(target) for target in node.targets):
            bare += [each.value for each in literals(node.value) if A_WORD.search(each.value)]
    assert bare == []


def shows(target):
    targets = target.elts if isinstance(target, ast.Tuple) else [target]
    return any(isinstance(each, ast.Attribute) and each.attr in VISIBLE for each in targets)


def literals(node):
    """The strings of an expression that no call of the translator encloses."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("_", "translate"):
        return []
    if isinstance(node, ast.Constant):
        return [node] if isinstance(node.value, str) else []
    return [each for child in ast.iter_child_nodes(node) for each in literals(child)]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_are_short_and_documented(path):
    tree = parsed(path)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    assert path.name == "__init__.py" or ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno + 1 <= 50, node.name
