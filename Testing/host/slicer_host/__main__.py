"""Opens a module's panel outside Slicer: `python -m slicer_host PATH_TO_MODULE [--shot FILE.png]`."""

import argparse
import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Open the panel on the display, or where there is none or a picture is asked for, without one."""
    parser = argparse.ArgumentParser(prog="slicer_host", description=__doc__)
    parser.add_argument("module", type=Path, help="the module's Python file")
    parser.add_argument("--shot", type=Path, help="write a picture of the panel to this file and end")
    parser.add_argument("--width", type=int, default=480, help="width of the panel in pixels")
    options = parser.parse_args(arguments)
    hasDisplay = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if hasDisplay and not options.shot:
        # The package asks for no display; Qt knows best which one there is.
        os.environ.pop("QT_QPA_PLATFORM", None)
    import slicer_host

    panel = slicer_host.loadModule(options.module)
    import slicer

    from slicer_host import module_loading

    panel.parent.windowTitle = slicer.modules.__dict__[options.module.stem.lower()].title
    panel.parent.show()
    if options.shot:
        picture(panel.parent, options.shot, options.width)
        code = 0
    else:
        code = slicer.app.exec_()
    module_loading.unloadModule(options.module.stem)
    return code


def picture(widget: object, path: Path, width: int) -> None:
    """Write what a widget shows at its natural height.

    Raises:
        OSError: the picture cannot be written.
    """
    import slicer

    widget.resize(width, 10)
    slicer.app.processEvents()
    widget.resize(width, max(widget.sizeHint.height(), widget.minimumSizeHint.height()))
    slicer.app.processEvents()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not widget.grab().save(str(path)):
        raise OSError(f"the picture cannot be written to {path}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
