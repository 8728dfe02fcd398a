"""Doubles of CTK's sliders, ranges and path edit; names after CTK's headers (Libs/Widgets)."""

from PySide6 import QtCore, QtGui, QtWidgets

from slicer_host.declared import shown, stored

_STEPS = 1000


class ctkSliderWidget(QtWidgets.QWidget):
    """A slider and a spin box with one value."""

    valueChanged = QtCore.Signal(float)
    valueIsChanging = QtCore.Signal(float)
    decimalsChanged = QtCore.Signal(int)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._spin = QtWidgets.QDoubleSpinBox(self)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Horizontal, self)
        self._slider.setRange(0, _STEPS)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider, 1)
        layout.addWidget(self._spin)
        self.setFocusProxy(self._slider)
        self._spin.valueChanged.connect(self._show)
        self._slider.valueChanged.connect(self._slid)

    def _show(self, value: float) -> None:
        span = self._spin.maximum() - self._spin.minimum()
        with QtCore.QSignalBlocker(self._slider):
            self._slider.setValue(round((value - self._spin.minimum()) / span * _STEPS) if span else 0)
        self.valueIsChanging.emit(value)
        self.valueChanged.emit(value)

    def _slid(self, position: int) -> None:
        span = self._spin.maximum() - self._spin.minimum()
        self._spin.setValue(self._spin.minimum() + span * position / _STEPS)

    def setValue(self, value: float) -> None:
        self._spin.setValue(value)

    def setDecimals(self, decimals: int) -> None:
        self._spin.setDecimals(decimals)
        self.decimalsChanged.emit(decimals)

    def setSpinBoxVisible(self, visible: bool) -> None:
        self._spin.setVisible(visible)

    def reset(self) -> None:
        self.setValue(min(max(0.0, self._spin.minimum()), self._spin.maximum()))

    value = shown(float, "_spin", "value")
    minimum = shown(float, "_spin", "minimum")
    maximum = shown(float, "_spin", "maximum")
    singleStep = shown(float, "_spin", "singleStep")
    decimals = shown(int, "_spin", "decimals")
    prefix = shown(str, "_spin", "prefix")
    suffix = shown(str, "_spin", "suffix")
    pageStep = stored(float, 10.0)
    tickInterval = stored(float, 0.0)
    tracking = stored(bool, True)
    popupSlider = stored(bool, False)
    spinBoxVisible = QtCore.Property(bool, lambda self: not self._spin.isHidden(), setSpinBoxVisible)


class ctkDoubleRangeSlider(QtWidgets.QWidget):
    """Two values within limits; drawn as a bar."""

    minimumValueChanged = QtCore.Signal(float)
    maximumValueChanged = QtCore.Signal(float)
    valuesChanged = QtCore.Signal(float, float)
    rangeChanged = QtCore.Signal(float, float)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._limits, self._values = (0.0, 99.0), (0.0, 99.0)
        self.setMinimumHeight(18)

    def setRange(self, minimum: float, maximum: float) -> None:
        self._limits = (min(minimum, maximum), max(minimum, maximum))
        self.rangeChanged.emit(*self._limits)
        self.setValues(*self._values)

    def setValues(self, minimum: float, maximum: float) -> None:
        low, high = (min(max(value, self._limits[0]), self._limits[1]) for value in sorted((minimum, maximum)))
        before, self._values = self._values, (low, high)
        self.update()
        if low != before[0]:
            self.minimumValueChanged.emit(low)
        if high != before[1]:
            self.maximumValueChanged.emit(high)
        if (low, high) != before:
            self.valuesChanged.emit(low, high)

    def setMinimumValue(self, value: float) -> None:
        self.setValues(value, max(value, self._values[1]))

    def setMaximumValue(self, value: float) -> None:
        self.setValues(min(value, self._values[0]), value)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        span = (self._limits[1] - self._limits[0]) or 1.0
        left, right = (round((value - self._limits[0]) / span * (self.width() - 1)) for value in self._values)
        painter = QtGui.QPainter(self)
        painter.fillRect(0, self.height() // 2 - 2, self.width(), 4, self.palette().mid())
        painter.fillRect(left, self.height() // 2 - 4, max(right - left, 1), 8, self.palette().highlight())

    minimum = QtCore.Property(
        float, lambda self: self._limits[0], lambda self, value: self.setRange(value, self._limits[1])
    )
    maximum = QtCore.Property(
        float, lambda self: self._limits[1], lambda self, value: self.setRange(self._limits[0], value)
    )
    minimumValue = QtCore.Property(float, lambda self: self._values[0], setMinimumValue)
    maximumValue = QtCore.Property(float, lambda self: self._values[1], setMaximumValue)
    singleStep = stored(float, 1.0)
    tickInterval = stored(float, 0.0)
    tracking = stored(bool, True)
    symmetricMoves = stored(bool, False)
    orientation = stored(int, 1)


class ctkRangeWidget(ctkDoubleRangeSlider):
    """A range slider between two spin boxes; the double shows the numbers beside the bar."""

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        super().paintEvent(event)
        text = f"{self._values[0]:.{self.decimals}f} to {self._values[1]:.{self.decimals}f}{self.suffix}"
        QtGui.QPainter(self).drawText(self.rect(), QtCore.Qt.AlignCenter, text)

    def setDecimals(self, decimals: int) -> None:
        self.setProperty("decimals", decimals)

    def reset(self) -> None:
        self.setValues(*self._limits)

    decimals = stored(int, 2)
    prefix = stored(str, "")
    suffix = stored(str, "")
    autoSpinBoxWidth = stored(bool, True)


class ctkPathLineEdit(QtWidgets.QWidget):
    """A path to type or to look for."""

    currentPathChanged = QtCore.Signal(str)
    validInputChanged = QtCore.Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._combo = QtWidgets.QComboBox(self)
        self._combo.setEditable(True)
        self._browse = QtWidgets.QToolButton(self)
        self._browse.setText("...")
        self._browse.clicked.connect(self.browse)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo, 1)
        layout.addWidget(self._browse)
        self.setFocusProxy(self._combo)
        self._combo.lineEdit().textChanged.connect(self.currentPathChanged)

    def comboBox(self) -> QtWidgets.QComboBox:
        return self._combo

    def setCurrentPath(self, path: str) -> None:
        self._combo.lineEdit().setText(path)

    def addCurrentPathToHistory(self) -> None:
        self._combo.addItem(self._combo.currentText())

    def browse(self) -> None:
        if self.filters & self.Files:
            chosen = QtWidgets.QFileDialog.getOpenFileName(
                self, self.label, self.currentPath, ";;".join(self.nameFilters)
            )[0]
        else:
            chosen = QtWidgets.QFileDialog.getExistingDirectory(self, self.label, self.currentPath)
        if chosen:
            self.setCurrentPath(chosen)

    Dirs, Files, Drives, NoDot, NoDotDot, Readable, Writable, Executable = 1, 2, 4, 0x2000, 0x4000, 0x10, 0x20, 0x40
    currentPath = QtCore.Property(str, lambda self: self._combo.currentText(), setCurrentPath)
    label = stored(str, "")
    filters = stored(int, Dirs | Files | Drives)
    options = stored(int, 0)
    settingKey = stored(str, "")
    nameFilters = stored("QStringList", [])
    showBrowseButton = stored(bool, True, lambda self, value: self._browse.setVisible(value))
    showHistoryButton = stored(bool, True)
    minimumContentsLength = stored(int, 0)
    sizeAdjustPolicy = stored(int, 0)
