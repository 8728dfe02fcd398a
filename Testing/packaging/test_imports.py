"""Who may import whom: numbers know no network, the library knows no trainer, and nobody here knows Slicer."""

import os
import subprocess
import sys

import pytest
from source_tree import PACKAGES, PROJECT, imported_names, imports_at_load, module_name, package_files, parsed

# Where torch may be imported at load, besides mrsynth.networks; entry points import these inside functions.
TORCH_LAYER = {
    "mrsynth.cancellation",
    "mrsynth.devices",
    "mrsynth.free_memory",
    "mrsynth.memory_fallback",
    "mrsynth.models.weights",
    "mrsynth.pass_progress",
    "mrsynth.precision",
    "mrsynth.self_check",
    "mrsynth.stack_synthesis",
    "mrsynth.synthesis",
    "mrsynth.synthesis_steps",
}
SLICER_MODULES = {"slicer", "qt", "vtk", "ctk", "mrml"}
HEAVY_MODULES = {"torch", "scipy", "skimage", "matplotlib", "nilearn", "SimpleITK", "sklearn", "pandas"}
LIBRARY = [path for path in package_files() if PACKAGES["mrsynth"] in path.parents]


def roots(names):
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", package_files(), ids=module_name)
def test_a_package_never_imports_slicer_or_its_toolkits(path):
    assert not roots(imported_names(parsed(path))) & SLICER_MODULES


@pytest.mark.parametrize("path", LIBRARY, ids=module_name)
def test_the_library_never_imports_the_trainer_or_the_demos_data_package(path):
    assert not roots(imported_names(parsed(path))) & {"mrsynth_training", "nilearn"}


def test_only_the_torch_layer_loads_torch_itself_or_by_way_of_another_module():
    graph = {module_name(path): imports_at_load(path) for path in LIBRARY}
    loading = {"torch"}
    while more := {name for name, imported in graph.items() if loads(imported, loading)} - loading:
        loading |= more
    found = {name for name in loading if not name.startswith("mrsynth.networks.")}
    assert found - {"torch"} <= TORCH_LAYER


def loads(imported, modules):
    return bool((imported | roots(imported)) & modules)


def test_imports_form_no_circle():
    graph = {module_name(path): imports_at_load(path) for path in package_files()}
    remaining = {name: imported & graph.keys() for name, imported in graph.items()}
    while free := {name for name, imported in remaining.items() if not imported & remaining.keys()}:
        remaining = {name: imported for name, imported in remaining.items() if name not in free}
    assert not remaining, f"these import one another: {sorted(remaining)}"


def test_the_command_line_starts_without_heavy_packages():
    script = "import sys, mrsynth.cli.main; print(*{name.split('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", script]
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "MRSynthesis")}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()
    assert not set(found) & HEAVY_MODULES
