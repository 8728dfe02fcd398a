"""What the tests of the panel share: the host, one panel for all of them, and a scene that begins empty."""

from pathlib import Path

import pytest
import slicer_host

slicer_host.install()

import slicer  # noqa: E402 (the host comes first)
import slicer.packaging  # noqa: E402
from compared_pair import a_measured_pair, a_pair  # noqa: E402, F401 (fixtures)
from job_examples import identity_model_in  # noqa: E402
from run_watcher import a_request, a_source, a_watcher  # noqa: E402, F401 (fixtures)
from slicer_host import layout, messages, module_loading, uncaught  # noqa: E402
from warm_jobs import warm_jobs  # noqa: E402, F401 (a fixture)

MODULE = Path(__file__).resolve().parents[2] / "MRSynthesis" / "MRSynthesis.py"


@pytest.fixture
def a_panel(tmp_path, monkeypatch):
    """The module's widget in a scene of its own, with the model ``same`` beside those that ship."""
    monkeypatch.setenv("MRSYNTH_MODELS", str(identity_model_in(tmp_path / "models")))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    manager = layout.openLayoutManager((900, 600))
    slicer.mrmlScene.Clear(False)
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    messages.clear()
    slicer.packaging.reset()
    with module_loading.keptPackages("MRSynthesisLib", "mrsynth"):
        yield slicer_host.loadModule(MODULE)
        slicer.packaging.reset()
        module_loading.unloadModule(MODULE.stem)
    # First, so that a panel which still follows the scene though its widgets are gone is noticed.
    slicer.mrmlScene.Clear(False)
    assert uncaught.taken() == []
