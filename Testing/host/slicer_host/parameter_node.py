"""A double of slicer.parameterNodeWrapper: typed attributes over a real vtkMRMLScriptedModuleNode.

After Slicer's Base/Python/slicer/parameterNodeWrapper, without packs, lists and dictionaries.
"""

import qt
import slicer

from slicer_host.parameter_connection import GuiConnector, createGuiConnector
from slicer_host.parameter_rules import (
    Choice,
    Decimals,
    Default,
    Exclude,
    FloatRange,
    Maximum,
    Minimum,
    NotNone,
    RangeBounds,
    SingleStep,
    Validator,
    WithinRange,
)
from slicer_host.parameter_value import parameters

__all__ = [
    "Choice", "Decimals", "Default", "Exclude", "FloatRange", "GuiConnector", "Maximum", "Minimum", "NotNone",
    "RangeBounds", "SingleStep", "SlicerParameterNamePropertyName", "Validator", "WithinRange", "createGuiConnector",
    "isParameterNodeWrapper", "parameterNodeWrapper",
]  # fmt: skip

SlicerParameterNamePropertyName = "SlicerParameterName"


def parameterNodeWrapper(cls: type | None = None) -> type:
    """Make a class of annotated attributes into one over a parameter node.

    Raises:
        ValueError: an attribute has a name that the wrapper needs.
    """
    if cls is None:
        return parameterNodeWrapper
    declared = parameters(cls)
    for name, member in vars(_Wrapper).items():
        if not name.startswith("__"):
            if hasattr(cls, name) or name in declared:
                raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
            setattr(cls, name, member)
    cls.__init__, cls.allParameters = _Wrapper.__init__, declared
    for name in declared:
        setattr(cls, name, property(_reader(name), _writer(name)))
    return cls


def isParameterNodeWrapper(classOrObject: object) -> bool:
    """Whether this is a class made by parameterNodeWrapper, or an object of one."""
    return hasattr(classOrObject, "allParameters")


def _reader(name: str) -> object:
    return lambda self: self.getValue(name)


def _writer(name: str) -> object:
    return lambda self, value: self.setValue(name, value)


class _Wrapper:
    """The methods that a parameter node class is given."""

    def __init__(self, parameterNode: object, prefix: str | None = None) -> None:
        self.parameterNode = parameterNode
        self._connected, self._nextTag, self._updating = {}, 0, False
        for parameter in self.allParameters.values():
            parameter.read(parameterNode)

    def getValue(self, name: str) -> object:
        return self._known(name).read(self.parameterNode)

    def setValue(self, name: str, value: object) -> None:
        with slicer.util.NodeModify(self.parameterNode):
            self._known(name).write(self.parameterNode, value)

    def default(self, name: str) -> Default:
        return self._known(name).default

    def dataType(self, name: str) -> object:
        return self._known(name).annotated

    def connectGui(self, gui: object) -> int:
        """Connect every widget that names a parameter; the parameters are shown first, so they win over the widgets."""
        isWidget = getattr(gui, "isWidgetType", lambda: False)()
        widgets = gui.findChildren(qt.QWidget) if isWidget else vars(gui).values()
        named = {widget.property(SlicerParameterNamePropertyName): widget for widget in widgets}
        return self.connectParametersToGui({name: widget for name, widget in named.items() if name})

    def connectParametersToGui(self, mapping: dict) -> int:
        for name in mapping:
            self._known(name)
        connectors = {
            name: widget if isinstance(widget, GuiConnector) else createGuiConnector(widget, self.allParameters[name])
            for name, widget in mapping.items()
        }
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.onChanged(self._take(name, connector))
        tag, self._nextTag = self._nextTag, self._nextTag + 1
        self._connected[tag] = (connectors, self.AddObserver("ModifiedEvent", lambda *_: self._show()))
        return tag

    def disconnectGui(self, tag: int) -> None:
        connectors, observer = self._connected.pop(tag, ({}, None))
        for connector in connectors.values():
            connector.onChanged(None)
        if observer is not None:
            self.RemoveObserver(observer)

    def StartModify(self) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self, wasModified: int) -> int:
        return self.parameterNode.EndModify(wasModified)

    def AddObserver(self, event: object, callback: object, priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()

    def _known(self, name: str) -> object:
        if name not in self.allParameters:
            raise ValueError(f"Cannot find a param with the given name: {name}; found {list(self.allParameters)}")
        return self.allParameters[name]

    def _take(self, name: str, connector: GuiConnector) -> object:
        def take() -> None:
            if not self._updating:
                self.setValue(name, connector.read())

        return take

    def _show(self) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            with slicer.util.NodeModify(self):
                for connectors, _ in list(self._connected.values()):
                    for name, connector in connectors.items():
                        connector.write(self.getValue(name))
        finally:
            self._updating = False
