"""A wheel carries both packages, the models and experiments that ship and the schema of the cards."""

import configparser
import shutil
import subprocess
import sys
import zipfile

import pytest
from source_tree import PACKAGES, PROJECT

import mrsynth

LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info")


@pytest.fixture(scope="module")
def a_wheel(tmp_path_factory):
    """A wheel that was built from a copy, as building leaves files in the tree; no network, no isolation."""
    copy = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "README.md", "LICENSE.txt"):
        shutil.copy(PROJECT / name, copy)
    for name in ("MRSynthesis", "MRSynthesisTraining"):
        shutil.copytree(PROJECT / name, copy / name, ignore=LEFT_OUT)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(copy / "wheels")]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(copy)], check=True, capture_output=True)
    with zipfile.ZipFile(next((copy / "wheels").glob("*.whl"))) as archive:
        yield archive


def test_a_wheel_carries_every_module_of_both_packages(a_wheel):
    expected = {
        f"{name}/{path.relative_to(folder).as_posix()}"
        for name, folder in PACKAGES.items()
        for path in folder.rglob("*.py")
    }
    assert expected <= set(a_wheel.namelist())


def test_a_wheel_carries_the_schema_and_the_shipped_models(a_wheel):
    models = PROJECT / "MRSynthesis" / "Resources" / "Models"
    files = {path for pattern in ("*/card.json", "*/weights.safetensors") for path in models.glob(pattern)}
    expected = {f"mrsynth/shipped_models/{path.relative_to(models).as_posix()}" for path in files}
    assert {"mrsynth/models/model_card.schema.json"} | expected <= set(a_wheel.namelist())


def test_a_wheel_carries_the_shipped_experiments(a_wheel):
    experiments = {path.name for path in (PROJECT / "MRSynthesisTraining" / "Resources").rglob("*.toml")}
    assert experiments
    assert {f"mrsynth_training/shipped_experiments/{name}" for name in experiments} <= set(a_wheel.namelist())


def test_a_wheel_is_named_after_the_librarys_version_and_carries_the_licence(a_wheel):
    assert f"-{mrsynth.__version__}-py3-none-any" in a_wheel.filename
    assert [name for name in a_wheel.namelist() if name.endswith("licenses/LICENSE.txt")]


def test_a_wheel_brings_both_commands(a_wheel):
    entry_points = configparser.ConfigParser()
    name = next(name for name in a_wheel.namelist() if name.endswith("entry_points.txt"))
    entry_points.read_string(a_wheel.read(name).decode())
    assert set(entry_points["console_scripts"]) == {"mrsynth", "mrsynth-train"}


def test_a_wheel_holds_nothing_else(a_wheel):
    tops = {name.split("/")[0] for name in a_wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
