"""Properties and children of a Qt object, read the way PythonQt reads them."""

from PySide6 import QtCore

from slicer_host.qt_members import QtProperty, membersOf


def dynamicNames(target: QtCore.QObject) -> set[str]:
    """The names of the properties that were set without being declared."""
    return {bytes(name.data()).decode() for name in target.dynamicPropertyNames()}


def read(target: QtCore.QObject, name: str) -> object:
    """The value of a declared property."""
    try:
        return target.property(name)
    except RuntimeError:
        # PySide6 cannot convert some enumerations (focusPolicy) from a property, only from the function that reads it.
        return getattr(target, name)()


def write(target: QtCore.QObject, declared: QtProperty, value: object) -> None:
    """Set a declared property.

    Raises:
        AttributeError: the property cannot be written, or not with this value.
    """
    name = declared.name
    if not declared.isWritable:
        raise AttributeError(f"Property '{name}' of {membersOf(target).className} object is not writable")
    # PythonQt takes str() of anything for a string, None apart.
    text = declared.typeName == "QString" and value is not None
    try:
        accepted = value is not None and target.setProperty(name, str(value) if text else value)
    except (RuntimeError, TypeError):
        accepted = False
    if not accepted:
        found = f"an object of type {type(value).__name__} ({value})"
        raise AttributeError(f"Property '{name}' of type '{declared.typeName}' does not accept {found}")


def firstDescendant(parent: QtCore.QObject, className: str, name: str) -> QtCore.QObject | None:
    """The first child of a class and a name, own children before theirs; an empty name stands for every one."""
    for child in parent.children():
        if child.inherits(className) and name in ("", child.objectName()):
            return child
    deeper = (firstDescendant(child, className, name) for child in parent.children())
    return next((found for found in deeper if found), None)


def descendants(parent: QtCore.QObject, className: str, name: str) -> list[QtCore.QObject]:
    """Children of a class and a name; an empty name stands for every one.

    PythonQt does not look below a child of another name, so that with a name it finds hardly more than own children.
    """
    found = []
    for child in parent.children():
        if name in ("", child.objectName()):
            found += [child] if child.inherits(className) else []
            found += descendants(child, className, name)
    return found
