"""What the panel says and asks in boxes: recorded, and answered as the test has prepared."""

import logging
from dataclasses import dataclass

from PySide6 import QtCore


@dataclass(frozen=True)
class Message:
    """One message box that would have been shown."""

    level: str
    text: str
    title: str
    detail: str


class UnansweredQuestion(RuntimeError):
    """A question for which no answer was prepared: a test would wait for ever."""


shown: list[Message] = []
openedUrls: list[str] = []
_answers: list[bool] = []


def answer(*accepted: bool) -> None:
    """Prepare the answers to the next questions: true for OK, Yes or Retry."""
    _answers.extend(accepted)


def clear() -> None:
    """Forget what was shown, opened and prepared."""
    for remembered in (shown, openedUrls, _answers):
        remembered.clear()


class DesktopServices:
    """QDesktopServices that opens nothing."""

    @staticmethod
    def openUrl(url: QtCore.QUrl) -> bool:
        """Remember the address."""
        openedUrls.append(url.toString())
        return True


def install(util: object) -> None:
    """Let slicer.util's message functions end here instead of in a ctkMessageBox."""
    util._messageDisplay = _display
    util.messageBox = _messageBox
    util.pip_install = util.pip_uninstall = _refusedPip


def _display(
    logLevel: int, text: str, testingReturnValue: object, mainWindowNeeded: bool = False, **details: object
) -> object:
    import slicer

    logging.log(logLevel, text)
    level = logging.getLevelName(logLevel).lower()
    shown.append(Message(level, text, details.get("windowTitle") or "", details.get("detailedText") or ""))
    if testingReturnValue is None:
        return None
    if slicer.app.testingEnabled():
        return testingReturnValue
    if not _answers:
        raise UnansweredQuestion(f"The panel asked a question that the test has no answer for: {text}")
    buttons = details["standardButtons"]
    # Qt's numbers for Ok, Yes and Retry, one of which is in each pair of buttons that slicer.util asks with.
    accepting = next(value for value in (0x400, 0x4000, 0x80000) if buttons & value)
    return accepting if _answers.pop(0) else buttons & ~accepting


def _messageBox(text: str, parent: object = None, **details: object) -> int:
    shown.append(Message("info", text, details.get("windowTitle") or "", details.get("detailedText") or ""))
    return 0x400


def _refusedPip(*arguments: object, **keywords: object) -> None:
    raise RuntimeError(f"pip is not run here: {arguments}. Use slicer.packaging.pip_ensure, which asks the user")
