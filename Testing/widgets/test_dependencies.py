"""What is missing is found without importing it, and installed only after asking, PyTorch by its own extension."""

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import slicer_host

slicer_host.install()

import PyTorchUtils  # noqa: E402
import slicer.packaging  # noqa: E402

from MRSynthesisLib import Dependencies  # noqa: E402

PROJECT = Path(__file__).resolve().parents[2]
BROUGHT_BY_OTHERS = {"torch", "torchvision", "numpy", "scipy", "simpleitk"}


@pytest.fixture
def an_installation(monkeypatch):
    """A Slicer that has all packages; the test takes some away."""
    slicer.packaging.reset()
    PyTorchUtils.reset()
    monkeypatch.setattr(metadata, "version", lambda name: "99")
    yield monkeypatch
    slicer.packaging.reset()
    PyTorchUtils.reset()


@pytest.fixture
def without_torch(an_installation):
    """PyTorch is there as soon as its extension has installed it."""
    PyTorchUtils.installed = False
    an_installation.setattr(Dependencies, "hasTorch", lambda: PyTorchUtils.installed)
    return an_installation


def requirements():
    return slicer.packaging.load_requirements(Dependencies.REQUIREMENTS)


def test_nothing_is_missing_where_all_is_installed(an_installation):
    assert Dependencies.missingPackages() == []
    assert Dependencies.ensureInstalled() is True
    assert PyTorchUtils.calls == []


def test_missing_packages_are_named(an_installation):
    slicer.packaging.pretendedMissing.update({"nibabel", "psutil"})
    assert Dependencies.missingPackages() == ["nibabel", "psutil"]


def test_a_package_that_is_too_old_counts_as_missing(an_installation):
    an_installation.setattr(metadata, "version", lambda name: "0.1" if name == "jsonschema" else "99")
    assert Dependencies.missingPackages() == ["jsonschema"]


def test_what_is_missing_is_installed_in_the_name_of_the_panel(an_installation):
    slicer.packaging.pretendedMissing.add("nibabel")
    assert Dependencies.ensureInstalled() is True
    assert slicer.packaging.calls == [("MRSynthesis", ["nibabel>=5.2"])]


def test_a_user_who_declines_packages_gets_none(an_installation):
    slicer.packaging.pretendedMissing.add("nibabel")
    slicer.packaging.outcome = "decline"
    assert Dependencies.ensureInstalled() is False


def test_a_failing_installation_is_told(an_installation):
    slicer.packaging.pretendedMissing.add("nibabel")
    slicer.packaging.outcome = "fail"
    with pytest.raises(subprocess.CalledProcessError):
        Dependencies.ensureInstalled()


def test_only_a_declining_user_is_taken_for_one(an_installation):
    def busy(needed, requester):
        raise RuntimeError("another installation is in progress")

    an_installation.setattr(slicer.packaging, "pip_ensure", busy)
    with pytest.raises(RuntimeError, match="in progress"):
        Dependencies.ensureInstalled()


def test_an_installation_that_was_skipped_is_no_success(an_installation):
    slicer.packaging.pretendedMissing.add("nibabel")
    an_installation.setattr(slicer.packaging, "pip_ensure", lambda needed, requester: None)
    assert Dependencies.ensureInstalled() is False


def test_torch_comes_from_its_extension_which_asks(without_torch):
    assert Dependencies.ensureInstalled() is True
    assert PyTorchUtils.calls == [{"askConfirmation": True, "torchVersionRequirement": ">=2.5"}]


def test_a_user_who_declines_torch_is_not_asked_for_more(without_torch):
    PyTorchUtils.outcome = "decline"
    slicer.packaging.pretendedMissing.add("nibabel")
    assert Dependencies.ensureInstalled() is False
    assert slicer.packaging.calls == []


def test_a_torch_that_could_not_be_installed_is_told(without_torch):
    PyTorchUtils.outcome = "fail"
    with pytest.raises(RuntimeError, match="could not be installed"):
        Dependencies.ensureInstalled()


def test_a_missing_extension_is_named_with_the_way_to_get_it(without_torch):
    without_torch.setitem(sys.modules, "PyTorchUtils", None)
    with pytest.raises(Dependencies.MissingExtension, match=r"PyTorch.*Extensions Manager.*restart"):
        Dependencies.ensureInstalled()


@pytest.mark.parametrize(("version", "found"), [("2.5.1+cu121", True), ("2.13.0", True), ("2.4.1", False)])
def test_torch_must_be_recent_enough(an_installation, version, found):
    an_installation.setattr(metadata, "version", lambda name: version)
    an_installation.setattr(Dependencies.importlib.util, "find_spec", lambda name: name == "torch")
    assert Dependencies.hasTorch() is found


def test_traces_of_a_removed_torch_are_not_taken_for_it(an_installation):
    an_installation.setattr(Dependencies.importlib.util, "find_spec", lambda name: None)
    assert Dependencies.hasTorch() is False


def test_looking_for_packages_imports_none_of_them():
    script = (
        "import sys, slicer_host; slicer_host.install(); from MRSynthesisLib import Dependencies;"
        "Dependencies.missingPackages(); Dependencies.hasTorch();"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    folders = {
        "PYTHONPATH": f"{PROJECT / 'MRSynthesis'}{os.pathsep}{PROJECT / 'Testing' / 'host'}",
        "QT_QPA_PLATFORM": "offscreen",
    }
    run = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | folders, capture_output=True, text=True, check=True
    )
    assert not set(run.stdout.split()) & {
        "torch",
        "nibabel",
        "jsonschema",
        "matplotlib",
        "psutil",
        "safetensors",
        "skimage",
    }


def test_requirements_have_lower_bounds_only_and_leave_slicers_own_packages_alone():
    for requirement in requirements():
        assert [specifier.operator for specifier in requirement.specifier] == [">="], requirement
        assert not requirement.extras and requirement.marker is None
    assert not {requirement.name.lower() for requirement in requirements()} & BROUGHT_BY_OTHERS


def test_the_bounds_are_those_of_the_project():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = {re.match(r"[\w-]+", line).group(): line for line in project["dependencies"]}
    assert {requirement.name: str(requirement) for requirement in requirements()} == {
        requirement.name: known[requirement.name] for requirement in requirements()
    }
    assert known["torch"] == Dependencies.TORCH
