"""Doubles of CTK's collapsible button, combo box and message box; names after CTK's headers (Libs/Widgets)."""

from PySide6 import QtCore, QtGui, QtWidgets

from slicer_host.declared import stored


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A header that shows and hides what lies under it."""

    contentsCollapsed = QtCore.Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(*([parent] if isinstance(parent, QtWidgets.QWidget) else []))
        if isinstance(parent, str):
            self.setText(parent)
        self._isCollapsed = False
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QtWidgets.QSizePolicy.Minimum, QtWidgets.QSizePolicy.Preferred)
        self.setFocusPolicy(QtCore.Qt.StrongFocus)
        self.setContentsMargins(0, self._headerHeight(), 0, 0)
        self.toggled.connect(lambda checked: self._collapse(not checked))

    def _headerHeight(self) -> int:
        return self.fontMetrics().height() + 8

    def _collapse(self, collapsed: bool) -> None:
        if collapsed == self._isCollapsed:
            return
        self._isCollapsed = collapsed
        self.setMaximumHeight(self._headerHeight() if collapsed else 16777215)
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget):
                self._show(child)
        self.updateGeometry()
        self.contentsCollapsed.emit(collapsed)

    def _show(self, child: QtWidgets.QWidget) -> None:
        if self._isCollapsed and not child.isHidden():
            child.hide()
            child._hiddenByCollapse = True
        elif not self._isCollapsed and getattr(child, "_hiddenByCollapse", False):
            child.show()
            child._hiddenByCollapse = False

    def setVisible(self, visible: bool) -> None:
        super().setVisible(visible)
        for child in self.children() if self._isCollapsed else []:
            if isinstance(child, QtWidgets.QWidget):
                self._show(child)

    def sizeHint(self) -> QtCore.QSize:
        header = QtCore.QSize(self.fontMetrics().horizontalAdvance(self.text()) + 40, self._headerHeight())
        return header if self._isCollapsed or not self.layout() else self.layout().totalSizeHint().expandedTo(header)

    def minimumSizeHint(self) -> QtCore.QSize:
        return self.sizeHint()

    def hitButton(self, position: QtCore.QPoint) -> bool:
        return position.y() < self._headerHeight()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect = QtCore.QRect(0, 0, self.width(), self._headerHeight())
        painter = QtGui.QPainter(self)
        self.style().drawPrimitive(QtWidgets.QStyle.PE_PanelButtonCommand, option, painter, self)
        mark = "\N{BLACK RIGHT-POINTING TRIANGLE}" if self._isCollapsed else "\N{BLACK DOWN-POINTING TRIANGLE}"
        painter.drawText(
            option.rect.adjusted(8, 0, 0, 0), QtCore.Qt.AlignVCenter | QtCore.Qt.AlignLeft, f"{mark}  {self.text()}"
        )
        if self.hasFocus():
            painter.drawRect(option.rect.adjusted(2, 2, -3, -3))

    collapsed = QtCore.Property(bool, lambda self: self._isCollapsed, lambda self, value: self.setChecked(not value))
    collapsedHeight = stored(int, 10)
    flat = stored(bool, False)
    contentsFrameShape = stored(int, 0)
    contentsFrameShadow = stored(int, 0)
    contentsLineWidth = stored(int, 1)
    contentsMidLineWidth = stored(int, 0)
    buttonTextAlignment = stored(int, 0x81)
    indicatorAlignment = stored(int, 0x81)


class ctkComboBox(QtWidgets.QComboBox):
    """A combo box with a text for no choice."""

    returnRelease = QtCore.Signal()
    defaultText = stored(str, "", lambda self, text: self.setPlaceholderText(text))
    forceDefault = stored(bool, False)
    elideMode = stored(int, 3)
    scrollWheelEffect = stored(int, 0)


class ctkMessageBox(QtWidgets.QMessageBox):
    """A message box that may be told not to come again."""

    dontShowAgain = stored(bool, False)
    dontShowAgainSettingsKey = stored(str, "")
    dontShowAgainVisible = stored(bool, False)


class ctkCheckBox(QtWidgets.QCheckBox):
    """A check box; CTK's icons for it are left out."""


class ctkDoubleSpinBox(QtWidgets.QDoubleSpinBox):
    """A spin box; CTK's options for digits are left out."""
