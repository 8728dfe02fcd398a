"""Slicer installs what CMake lists: every file of both packages, and none that is not there."""

import re

import pytest
from source_tree import PROJECT

MODULES = ("MRSynthesis", "MRSynthesisTraining")
INSTALLED_SUFFIXES = {".py", ".json", ".safetensors", ".toml", ".ui", ".png", ".txt"}


def listed_files(module):
    """The paths in the module's CMake lists, which stand one a line."""
    text = (PROJECT / module / "CMakeLists.txt").read_text(encoding="utf-8")
    lists = re.findall(r"set\(\w+_(?:SCRIPTS|RESOURCES)\s([^)]*)\)", text)
    return [line.strip() for block in lists for line in block.splitlines() if line.strip()]


def files_in_tree(module):
    files = (path for path in (PROJECT / module).rglob("*") if path.is_file() and path.suffix in INSTALLED_SUFFIXES)
    names = (path.relative_to(PROJECT / module) for path in files if "__pycache__" not in path.parts)
    return sorted(name.as_posix() for name in names if name.name != "CMakeLists.txt" and ".egg-info" not in str(name))


@pytest.mark.parametrize("module", MODULES)
def test_cmake_lists_the_files_of_the_tree_in_order(module):
    listed = listed_files(module)
    missing = sorted(set(files_in_tree(module)) - set(listed))
    gone = sorted(set(listed) - set(files_in_tree(module)))
    assert (missing, gone) == ([], []), f"{module}/CMakeLists.txt: add {missing}, remove {gone}"
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("module", MODULES)
def test_cmake_lists_no_path_outside_its_module(module):
    assert not [path for path in listed_files(module) if path.startswith((".", "/"))]


def test_the_extension_states_what_slicer_requires():
    text = (PROJECT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert "cmake_minimum_required(VERSION 3.28.0...3.28.0 FATAL_ERROR)" in text
    assert 'set(EXTENSION_DEPENDS "PyTorch")' in text
    assert text.index("find_package(Slicer") < text.index("add_subdirectory(") < text.index("EXTENSION_CPACK")


def test_the_icon_is_128_pixels_square():
    header = (PROJECT / "Resources" / "MRSynthesis.png").read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")) == (128, 128)
