"""How an input, an output or a run can be refused, each way with a code that survives the process boundary."""


class InputError(ValueError):
    """What the user gave cannot be used; the message says what was expected and what was found.

    Attributes:
        code: A stable word for programs, such as ``"not_3d"`` or ``"unknown_model"``.
    """

    def __init__(self, message: str, code: str = "bad_input") -> None:
        super().__init__(message)
        self.code = code


class MissingFile(InputError, FileNotFoundError):
    """A file or folder that was named does not exist."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="missing_file")


class OutputExists(InputError, FileExistsError):
    """The output is there already and nobody asked to overwrite it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="output_exists")


class OutputError(OSError):
    """The output could not be written; nothing was left under its name.

    Attributes:
        code: ``"output_unwritable"`` or ``"disk_full"``.
    """

    def __init__(self, message: str, code: str = "output_unwritable") -> None:
        super().__init__(message)
        self.code = code


class Cancelled(Exception):
    """The run was asked to stop, and did so without leaving a result."""
