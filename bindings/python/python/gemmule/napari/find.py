"""Widgets that find and follow spines."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gemmule
from gemmule.napari import layers
from gemmule.napari.work import Work
from napari.layers import Image, Layer
from qtpy.QtWidgets import QComboBox, QFileDialog, QFormLayout, QLineEdit, QListWidget, QPushButton, QVBoxLayout, QWidget

if TYPE_CHECKING:
    import napari


def voxel_um(layer: Image, given: str) -> tuple[float, float, float]:
    """The voxel size given in the widget, else the layer's own if it is known.

    Parameters
    ----------
    layer : napari.layers.Image
        The stack.
    given : str
        "z, y, x" in µm, or nothing.
    """
    if given.strip():
        try:
            z, y, x = (float(v) for v in given.split(","))
        except ValueError:
            raise gemmule.InputError(f"voxel size is {given!r}, allowed are three numbers z, y, x in µm: give them") from None
        return z, y, x
    known = layer.metadata.get("gemmule", {}).get("voxel_um")
    scale = tuple(float(v) for v in layer.scale[-3:])
    # A scale of 1 is napari's for "not known", unless the file said so.
    if known is None and scale == (1.0, 1.0, 1.0):
        raise gemmule.InputError(f"the voxel size of {layer.name} is not known: give it as z, y, x in µm")
    return scale if known is None else tuple(known)


def stack_of(layer: Image, given: str) -> gemmule.Stack:
    """The voxels of an image layer, as they lie.

    Parameters
    ----------
    layer, given
        As for :func:`voxel_um`.
    """
    data = layer.data
    while data.ndim > 3 and data.shape[0] == 1:
        data = data[0]
    return gemmule.Stack(data, voxel_um(layer, given))


class _Form(QWidget):
    """What both widgets ask for."""

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.size = QLineEdit()
        self.size.setPlaceholderText("as the file says")
        self.params = QLineEdit()
        self.params.setPlaceholderText("defaults")
        browse = QPushButton("Parameters …")
        browse.clicked.connect(self._browse)
        self.form = QFormLayout()
        self.form.addRow("voxel size z, y, x (µm)", self.size)
        self.form.addRow(browse, self.params)
        napari_viewer.layers.events.inserted.connect(self._list)
        napari_viewer.layers.events.removed.connect(self._list)

    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Parameters", filter="TOML (*.toml)")
        self.params.setText(path)

    def _list(self, _event: Any = None) -> None:
        raise NotImplementedError

    def _images(self) -> list[Image]:
        return [layer for layer in self.viewer.layers if isinstance(layer, Image)]

    def _params(self) -> str | None:
        return self.params.text().strip() or None


class Detect(_Form):
    """Finds dendrites and spines of one image layer."""

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__(napari_viewer)
        self.image = QComboBox()
        self.form.insertRow(0, "stack", self.image)
        self.work = Work("Find spines", self._start, self._show)
        layout = QVBoxLayout(self)
        layout.addLayout(self.form)
        layout.addWidget(self.work)
        layout.addStretch()
        self._list()

    def _list(self, _event: Any = None) -> None:
        chosen = self.image.currentText()
        self.image.clear()
        self.image.addItems([layer.name for layer in self._images()])
        self.image.setCurrentText(chosen)

    def _start(self) -> Callable[[Any], Any]:
        name = self.image.currentText()
        if not name:
            raise gemmule.InputError("there is no image layer: open a stack")
        stack, params = stack_of(self.viewer.layers[name], self.size.text()), self._params()
        score_min = gemmule.params(params)["detect"]["score_min"]
        return lambda progress: (name, stack, score_min, gemmule.detect(stack, params=params, progress=progress))

    def _show(self, result: Any) -> None:
        name, stack, score_min, found = result
        for data in layers.of_found(found, stack.voxel_um, name, score_min):
            self.viewer.add_layer(Layer.create(*data))
        self.work.said.setText(f"{len(found.spines)} spines on {found.summary['dendrites']} dendrites")


class Track(_Form):
    """Follows spines over image layers, in the order listed."""

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__(napari_viewer)
        self.images = QListWidget()
        self.images.setDragDropMode(QListWidget.DragDropMode.InternalMove)
        self.days = QLineEdit()
        self.days.setPlaceholderText("0, 2, 4")
        self.curation = QLineEdit()
        self.curation.setPlaceholderText("none")
        self.form.insertRow(0, "sessions, in order", self.images)
        self.form.insertRow(1, "days", self.days)
        self.form.addRow("curation.csv", self.curation)
        self.work = Work("Follow spines", self._start, self._show)
        layout = QVBoxLayout(self)
        layout.addLayout(self.form)
        layout.addWidget(self.work)
        self._list()

    def _list(self, _event: Any = None) -> None:
        names = [layer.name for layer in self._images() if layer.ndim == 3]
        kept = [self.images.item(k).text() for k in range(self.images.count())]
        self.images.clear()
        self.images.addItems([n for n in kept if n in names] + [n for n in names if n not in kept])

    def _start(self) -> Callable[[Any], Any]:
        names = [self.images.item(k).text() for k in range(self.images.count())]
        stacks = [stack_of(self.viewer.layers[name], self.size.text()) for name in names]
        if len({stack.voxel_um for stack in stacks}) > 1:
            raise gemmule.InputError("the sessions differ in voxel size: they cannot be shown on one grid; use gemmule.track")
        text = self.days.text().strip()
        try:
            days = [float(v) for v in text.split(",")] if text else None
        except ValueError:
            raise gemmule.InputError(f"days are {text!r}, allowed are numbers with commas: give one per session") from None
        params, curation = self._params(), self.curation.text().strip() or None
        return lambda progress: (
            names,
            stacks,
            gemmule.track(stacks, days, curation=curation, params=params, progress=progress),
        )

    def _show(self, result: Any) -> None:
        names, stacks, tracked = result
        for name in names:
            self.viewer.layers[name].visible = False
        for data in layers.of_tracked(tracked, stacks):
            self.viewer.add_layer(Layer.create(*data))
        self.viewer.dims.set_point(0, 0)
        self.work.said.setText(f"{tracked.summary['tracks']} tracks over {len(names)} sessions")
