"""Doubles of CTK's collapsible button, combo box and message box; names after CTK's headers (Libs/Widgets)."""

from PySide6 import QtCore, QtGui, QtWidgets

from slicer_host.declared import stored

_ASKED_FOR = QtCore.Qt.WA_WState_ExplicitShowHide


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A header that shows and hides what lies under it; what is shown or hidden while it is closed has a say, too."""

    contentsCollapsed = QtCore.Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(*([parent] if isinstance(parent, QtWidgets.QWidget) else []))
        if isinstance(parent, str):
            self.setText(parent)
        self._isCollapsed, self._isForcing = False, False
        self._wanted: dict[QtWidgets.QWidget, bool] = {}
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
        if collapsed:
            self._hideAll()
        else:
            wanted, self._wanted = self._wanted, {}
            for child, isWanted in wanted.items():
                child.removeEventFilter(self)
                self._force(child, isWanted)
        self.updateGeometry()
        self.contentsCollapsed.emit(collapsed)

    def _hideAll(self) -> None:
        """Hide the children, also those that have come since."""
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget) and child not in self._wanted:
                self._wanted[child] = not (child.isHidden() and child.testAttribute(_ASKED_FOR))
                child.installEventFilter(self)
                self._force(child, False)

    def _force(self, child: QtWidgets.QWidget, visible: bool) -> None:
        self._isForcing = True
        child.setVisible(visible)
        if visible or self._isCollapsed:  # nobody has asked for this: a later hide() is still news
            child.setAttribute(_ASKED_FOR, False)
        self._isForcing = False

    def eventFilter(self, child: QtCore.QObject, event: QtCore.QEvent) -> bool:
        """Note what is asked of a child while it is out of sight; it comes back, or not, when the button is opened."""
        if child in self._wanted and not self._isForcing:
            if event.type() == QtCore.QEvent.ShowToParent:
                self._wanted[child] = True
                self._force(child, False)
            elif event.type() == QtCore.QEvent.HideToParent:
                self._wanted[child] = False
        return False

    def setVisible(self, visible: bool) -> None:
        if self._isCollapsed:
            self._hideAll()
        self._isForcing = True
        super().setVisible(visible)
        self._isForcing = False

    def _headerSize(self) -> QtCore.QSize:
        return QtCore.QSize(self.fontMetrics().horizontalAdvance(self.text()) + 40, self._headerHeight())

    def sizeHint(self) -> QtCore.QSize:
        header = self._headerSize()
        return header if self._isCollapsed or not self.layout() else self.layout().totalSizeHint().expandedTo(header)

    def minimumSizeHint(self) -> QtCore.QSize:
        header = self._headerSize()
        return header if self._isCollapsed or not self.layout() else self.layout().totalMinimumSize().expandedTo(header)

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
