"""Makes `slicer_host/pythonqt_names.json` from a reading of the running application.

    python Testing/host/make_pythonqt_names.py names.json

The reading has, for each class, the names that Python finds and of what kind each is, and for some objects what each
name reads as and whether it can be written. Most names are inherited: the table keeps for each class what it has beyond
another one, `like`. A property is written as `name`, `name:type` or `name:type!`, the last for one that is read-only.
"""

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path

TABLE = Path(__file__).parent / "slicer_host" / "pythonqt_names.json"
_ABOUT = (
    "What the PythonQt of Slicer 5.12.3 (Qt 5.15) has in some classes of Qt, CTK, qMRML and qSlicer, read off the "
    "running application: facts only. Made by make_pythonqt_names.py; read by real_names.py."
)
_KINDS = {"slots": "slot", "signals": "signal", "python_or_static": "static"}


def tableOf(reading: dict) -> dict:
    """The table: class names to what each has beyond the class that it is like."""
    types = _typesByName(reading["instances"])
    members = {name: _membersOf(name, reading, types) for name in reading["classes"]}
    return {"about": _ABOUT, "classes": {name: _beyond(name, members) for name in sorted(members)}}


def _typesByName(instances: dict) -> dict[str, str]:
    """What a name reads as in most objects, where it is no constant: for classes that no object was read of."""
    found = defaultdict(Counter)
    for attributes in instances.values():
        for name, read in attributes.items():
            if read["writable"] or not name[0].isupper():
                found[name][_typeOf(read)] += 1
    return {name: counts.most_common(1)[0][0] for name, counts in found.items()}


def _typeOf(found: dict) -> str:
    return found["reads_as"] + ("" if found["writable"] else "!")


def _membersOf(name: str, reading: dict, types: dict[str, str]) -> frozenset[tuple[str, str]]:
    """Pairs of kind and name; to a property's name its type is added, where it is known."""
    names, read = reading["classes"][name], reading["instances"].get(f"{name}()", {})
    found = {(kind, each) for key, kind in _KINDS.items() for each in names[key]}
    for each in names["properties"]:
        known = _typeOf(read[each]) if each in read else types.get(each)
        found.add(("property", f"{each}:{known}" if known else each))
    for each in names["values"]:
        isProperty = not each[0].isupper() and each in types
        found.add(("property", f"{each}:{types[each]}") if isProperty else ("value", each))
    return frozenset(found)


def _beyond(name: str, members: dict[str, frozenset]) -> dict:
    own = members[name]
    bases = [other for other, names in members.items() if other != name and names < own]
    like = max(sorted(bases), key=lambda other: len(members[other]), default=None)
    rest = own - (members[like] if like else frozenset())
    kinds = sorted({kind for kind, _each in rest})
    return ({"like": like} if like else {}) | {
        kind: " ".join(sorted(each for found, each in rest if found == kind)) for kind in kinds
    }


def main() -> None:
    """Read the arguments and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("reading", type=Path, help="what was read off the application, as JSON")
    TABLE.write_text(json.dumps(tableOf(json.loads(parser.parse_args().reading.read_text())), indent=1) + "\n")


if __name__ == "__main__":
    main()
