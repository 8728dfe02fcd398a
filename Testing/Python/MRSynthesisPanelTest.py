"""For ``slicer_add_python_unittest``: the panel's own tests, inside the application."""

from MRSynthesisLib.PanelTest import PanelTest

__all__ = ["PanelTest"]
