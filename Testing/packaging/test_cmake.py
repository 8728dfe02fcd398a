"""Slicer installs what CMake lists: every file of both packages, and none that is not there."""

import re
import shutil
import subprocess
import sysconfig

import pytest
from source_tree import PROJECT

PYTHON_SCRIPTS = sysconfig.get_path("scripts")
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


@pytest.fixture(scope="module")
def a_build(tmp_path_factory):
    """The extension configured and installed against a stand-in for Slicer's build system."""
    cmake = shutil.which("cmake", path=PYTHON_SCRIPTS) or shutil.which("cmake")
    build, prefix = tmp_path_factory.mktemp("build"), tmp_path_factory.mktemp("prefix")
    stand_in = PROJECT / "Testing" / "packaging" / "slicer_stand_in"
    for arguments in (
        ["-S", PROJECT, "-B", build, f"-DSlicer_DIR={stand_in}", f"-DCMAKE_INSTALL_PREFIX={prefix}"],
        ["--install", build],
    ):
        done = subprocess.run([cmake, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return build, prefix / "lib" / "Slicer-5.12" / "qt-scripted-modules"


def test_every_file_is_installed_and_no_other(a_build):
    _, installed = a_build
    found = sorted(path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file())
    assert found == sorted(path for module in MODULES for path in files_in_tree(module))


def test_no_loose_file_is_taken_for_a_module(a_build):
    _, installed = a_build
    assert {path.name for path in installed.glob("*.py")} == {f"{module}.py" for module in MODULES}


def test_the_installed_panel_finds_its_files_beside_it(a_build):
    _, installed = a_build
    for path in ("MRSynthesisLib/__init__.py", "mrsynth/worker.py", "Resources/UI/MRSynthesis.ui"):
        assert (installed / path).is_file()


def test_the_tests_inside_the_application_are_registered(a_build):
    build, _ = a_build
    registered = (build / "Testing" / "Python" / "CTestTestfile.cmake").read_text()
    scripts = sorted(path.name for path in (PROJECT / "Testing" / "Python").glob("*.py"))
    assert len(scripts) == 2 and all(script in registered for script in scripts)


def test_the_extension_states_what_slicer_requires():
    text = (PROJECT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert "cmake_minimum_required(VERSION 3.28.0...3.28.0 FATAL_ERROR)" in text
    assert 'set(EXTENSION_DEPENDS "PyTorch")' in text
    assert text.index("find_package(Slicer") < text.index("add_subdirectory(") < text.index("EXTENSION_CPACK")


def test_the_icon_is_128_pixels_square():
    header = (PROJECT / "Resources" / "MRSynthesis.png").read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")) == (128, 128)
