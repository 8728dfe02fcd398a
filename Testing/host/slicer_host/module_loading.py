"""Loads a scripted module as Slicer does at its start, and opens its panel."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slicer_host import pythonqt, pythonqt_signal, scripted_module, uncaught
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
    application = pythonqt.unwrap(slicer.app)
    before = pythonqt_signal.connectionsOf(application)
    module = scripted_module.qSlicerScriptedLoadableModule(name, str(path))
    # The module's Python object is kept as Slicer keeps it: with the module.
    module._python = getattr(sys.modules[name], name)(pythonqt.wrap(module))
    module._makeWidget = lambda: _widget(name)
    setattr(slicer.modules, name.lower(), pythonqt.wrap(module))
    module._connections = [each for each in pythonqt_signal.connectionsOf(application) if each not in before]
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

    application = pythonqt.unwrap(slicer.app)
    application.aboutToQuit.emit()
    manager = application._modules
    module = manager._modules.pop(name)
    # The application keeps whom its signals reach, and the next module must not wake the one that has gone.
    for signal, receiver in module._connections:
        pythonqt_signal.disconnect(application, signal, receiver, None)
    if module._widget is not None:
        module._widget.exit()
        manager.moduleAboutToBeUnloaded.emit(name)
        module._widget.deleteLater()
    for attribute in (name.lower(), f"{name}Widget"):
        if hasattr(slicer.modules, attribute):
            delattr(slicer.modules, attribute)


@contextmanager
def keptPackages(*names: str) -> Iterator[None]:
    """See to it that Python's modules of some packages are the same afterwards, also if a panel was reloaded meanwhile.

    A reload drops the panel's own packages and imports them anew. A test that imported them before would go on with the
    old ones: what it replaces in them, the new panel never meets.

    Args:
        names: packages, such as ``MRSynthesisLib``.
    """
    before = _modulesOf(names)
    try:
        yield
    finally:
        after = _modulesOf(names)
        # A package knows its modules: only with all of them back is it the old one.
        if any(after.get(name) is not module for name, module in before.items()):
            for name in after:
                del sys.modules[name]
            sys.modules.update(before)


def _modulesOf(packages: tuple[str, ...]) -> dict[str, object]:
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] in packages}


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
