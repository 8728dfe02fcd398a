"""Loads a scripted module as Slicer does at its start, and opens its panel."""

import importlib.util
import sys
from pathlib import Path

from slicer_host import pythonqt, scripted_module, uncaught
from slicer_host.installation import install


def loadModule(path: Path) -> object:
    """Register a module, make its panel and enter it.

    Args:
        path: the module file, whose name is the module's.

    Returns:
        The Python widget, as `slicer.modules.<Name>Widget`.

    Raises:
        RuntimeError: the module or its widget class cannot be found.
    """
    install()
    import slicer

    path = Path(path).resolve()
    name = path.stem
    if not path.is_file():
        raise RuntimeError(f"expected a module file, found nothing at {path}")
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    _executed(name, path)
    module = scripted_module.qSlicerScriptedLoadableModule(name, str(path))
    # The module's Python object is kept as Slicer keeps it: with the module.
    module._python = getattr(sys.modules[name], name)(pythonqt.wrap(module))
    module._makeWidget = lambda: _widget(name)
    setattr(slicer.modules, name.lower(), pythonqt.wrap(module))
    application = pythonqt.unwrap(slicer.app)
    application._modules._modules[name] = module
    # In Slicer this comes once, when all modules are there; here each module that is loaded hears it.
    application.startupCompleted.emit()
    uncaught.raiseFirst()
    return showModule(name)


def showModule(name: str) -> object:
    """Enter a module that is loaded, as choosing it in Slicer does."""
    import slicer

    representation = getattr(slicer.modules, name.lower()).widgetRepresentation()
    representation.enter()
    return representation.self()


def unloadModule(name: str) -> None:
    """Leave and clean up a module, as the application does when it ends."""
    import slicer

    manager = pythonqt.unwrap(slicer.app)._modules
    module = manager._modules.pop(name)
    if module._widget is not None:
        module._widget.exit()
        manager.moduleAboutToBeUnloaded.emit(name)
        module._widget.deleteLater()
    for attribute in (name.lower(), f"{name}Widget"):
        if hasattr(slicer.modules, attribute):
            delattr(slicer.modules, attribute)


def _executed(name: str, path: Path) -> None:
    specification = importlib.util.spec_from_file_location(name, path)
    sys.modules[name] = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(sys.modules[name])


def _widget(name: str) -> object:
    import slicer

    widget = scripted_module.qSlicerScriptedLoadableModuleWidget(name)
    widget.reload()
    # Slicer sets the scene after setup(), and a module must stand that.
    widget.setMRMLScene(slicer.mrmlScene)
    return widget
