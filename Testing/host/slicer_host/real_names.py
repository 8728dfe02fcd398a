"""What the real PythonQt has: classes, their names, and of what kind each is. The table says where it is from."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path

_TABLE = Path(__file__).parent / "pythonqt_names.json"


@dataclass(frozen=True)
class RealName:
    """One name of a class.

    Attributes:
        kind: ``property``, ``slot`` (any method), ``signal``, ``static`` or ``value`` (a constant or a nested type).
        typeName: What a property reads as in Python; empty where it was not read.
        isWritable: Whether a property can be written, as far as is known; no other kind can.
    """

    kind: str
    typeName: str = ""
    isWritable: bool = False


@functools.cache
def realNames(className: str) -> dict[str, RealName] | None:
    """All names of a class, such as ``qt.QTimer``; None for a class that the table does not have."""
    entry = _classes().get(className)
    if entry is None:
        return None
    names = dict(realNames(entry["like"])) if "like" in entry else {}
    for kind in ("value", "slot", "signal", "static"):
        names |= {name: RealName(kind) for name in entry.get(kind, "").split()}
    for written in entry.get("property", "").split():
        name, _colon, typeName = written.partition(":")
        names[name] = RealName("property", typeName.rstrip("!"), not typeName.endswith("!"))
    return names


def realClasses() -> tuple[str, ...]:
    """The classes of the table."""
    return tuple(_classes())


@functools.cache
def _classes() -> dict[str, dict[str, str]]:
    return json.loads(_TABLE.read_text())["classes"]
