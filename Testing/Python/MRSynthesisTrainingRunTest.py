"""For ``slicer_add_python_unittest``: the training module's own tests, inside the application."""

from MRSynthesisTrainingLib.TrainingTest import TrainingTest

__all__ = ["TrainingTest"]
