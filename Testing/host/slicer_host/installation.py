"""Puts `qt`, `ctk` and what slicer-core leaves out of `slicer` into the process."""

import importlib
import os
import sys
import types

# Submodules of `slicer` that slicer-core lacks, and the doubles that stand in for them.
_SUBMODULES = {
    "parameterNodeWrapper": "parameter_node",
    "ScriptedLoadableModule": "scripted_classes",
    "packaging": "packaging_double",
}
# Further Python modules of Slicer and of the PyTorch extension.
_TOP_LEVEL = {"PyTorchUtils": "pytorch_double", "SampleData": "sample_data_double"}
_installed = False


def install() -> None:
    """Make `import qt, ctk, slicer` work as in Slicer, as far as this host goes; a second call does nothing.

    Raises:
        RuntimeError: PySide6 was imported before this package, so that its enumerations are no integers.
    """
    global _installed
    if _installed:
        return
    import slicer

    from slicer_host import (
        application,
        messages,
        mrml_widgets,
        node_combo_box,
        pythonqt,
        qt_module,
        scene,
        scripted_module,
        uncaught,
    )

    if not issubclass(application.QtCore.Qt.AlignmentFlag, int):
        raise RuntimeError("import slicer_host before PySide6")
    app = application.qSlicerApplication()
    sys.modules["qt"], sys.modules["ctk"] = qt_module.qtModule(), qt_module.CtkModule("ctk")
    slicer.app, slicer.mrmlScene = pythonqt.wrap(app), slicer.vtkMRMLScene()
    for source in (mrml_widgets, node_combo_box, scripted_module):
        for name in (name for name in vars(source) if name.startswith(("qMRML", "qSlicer"))):
            setattr(slicer, name, pythonqt.classOf(getattr(source, name)))
    slicer.modules = types.SimpleNamespace()
    slicer.i18n = sys.modules["slicer.i18n"] = _i18n()
    messages.install(slicer.util)
    uncaught.watch()
    app._logic = scene.prepare(slicer.mrmlScene)
    for name in _SUBMODULES:
        setattr(slicer, name, _submodule(name))
    for name, double in _TOP_LEVEL.items():
        sys.modules[name] = importlib.import_module(f"slicer_host.{double}")
    _installed = True


def _submodule(name: str) -> types.ModuleType:
    """The double of a submodule, or Slicer's own where a copy of Slicer's Python folder is named."""
    import slicer

    folder = os.environ.get("SLICER_HOST_PYTHON", "")
    if folder and name != "packaging":
        if folder not in slicer.__path__:
            slicer.__path__.append(folder)
        return importlib.import_module(f"slicer.{name}")
    sys.modules[f"slicer.{name}"] = module = importlib.import_module(f"slicer_host.{_SUBMODULES[name]}")
    return module


def _i18n() -> types.ModuleType:
    module = types.ModuleType("slicer.i18n")
    module.tr = lambda text: text
    module.translate = lambda context, text: text
    return module
