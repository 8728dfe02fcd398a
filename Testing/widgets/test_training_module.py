"""The headless module in the test host: no panel, no PyTorch in this process, its own tests with the real training."""

import importlib.util
import subprocess
import sys
import unittest
from pathlib import Path

import pytest
import slicer_host

slicer_host.install()

import slicer  # noqa: E402
from freed import isFreed  # noqa: E402
from slicer_host import pythonqt, scripted_module  # noqa: E402

PROJECT = Path(__file__).resolve().parents[2]
NAME = "MRSynthesisTraining"
FILE = PROJECT / NAME / f"{NAME}.py"
IN_APPLICATION = (
    "test_a_training_tells_of_its_epochs_and_leaves_its_best_one",
    "test_a_training_that_is_stopped_leaves_a_checkpoint_that_is_gone_on_from",
    "test_what_cannot_be_trained_is_told_in_plain_words",
)


@pytest.fixture
def a_module(monkeypatch):
    """The module as Slicer loads it: its Python module and its object."""
    specification = importlib.util.spec_from_file_location(NAME, FILE)
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, NAME, module)
    monkeypatch.setattr(slicer, "selfTests", {}, raising=False)
    specification.loader.exec_module(module)
    return module, scripted_module.qSlicerScriptedLoadableModule(NAME, str(FILE))


def test_the_module_is_hidden_and_has_no_panel(a_module):
    module, known = a_module
    module.MRSynthesisTraining(pythonqt.wrap(known))
    assert known.hidden and known.dependencies == ["MRSynthesis"] and known.helpText
    # Slicer takes a module without this class for one without a panel.
    assert not hasattr(module, f"{NAME}Widget")
    assert NAME in slicer.selfTests


def test_loading_the_module_imports_no_torch():
    code = (
        "import sys; sys.path[:0] = ['Testing/host', 'MRSynthesis', 'MRSynthesisTraining'];"
        "import slicer_host; slicer_host.install(); import MRSynthesisTraining;"
        "MRSynthesisTraining.MRSynthesisTrainingLogic();"
        "print(sorted(set(sys.modules) & {'torch', 'nibabel', 'tqdm', 'jsonschema', 'psutil', 'safetensors'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_logic_without_a_training_has_nothing_to_stop(a_module):
    logic = a_module[0].MRSynthesisTrainingLogic()
    assert not logic.isRunning and logic.logTail == ""
    logic.stop()
    logic.stopAtOnce()
    assert isFreed(a_module[0].MRSynthesisTrainingLogic)


@pytest.mark.parametrize("name", IN_APPLICATION)
def test_the_tests_of_the_application_pass_in_the_host(name, a_module, monkeypatch):
    from MRSynthesisTrainingLib.TrainingTest import TrainingTest

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    result = unittest.TestResult()
    TrainingTest(name).run(result)
    assert result.wasSuccessful() and not result.skipped, [*result.errors, *result.failures, *result.skipped]


def test_every_test_of_the_application_is_among_these():
    from MRSynthesisTrainingLib.TrainingTest import TrainingTest

    assert set(IN_APPLICATION) == set(unittest.defaultTestLoader.getTestCaseNames(TrainingTest))
