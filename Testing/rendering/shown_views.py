"""What the slice views of a layout show, for tests."""

import slicer

FOUR_UP = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView


def shownViews(manager):
    return [manager.viewWidget(view.node) for view in manager.placedViews()]


def widgetOf(manager, role):
    return manager.sliceWidget(role.viewName)


def offsets(manager):
    return [widget.sliceLogic().GetSliceOffset() for widget in shownViews(manager)]


def background(widget):
    return widget.mrmlSliceCompositeNode().GetBackgroundVolumeID()
