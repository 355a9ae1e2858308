"""Calls reviewed by a person, the least certain first, and written as a curation.csv."""

from __future__ import annotations

import csv
import datetime
import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from napari.layers import Points
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

import gemmule
from gemmule.napari.layers import PLACE

if TYPE_CHECKING:
    import napari

COLUMNS = ["session", "z_um", "y_um", "x_um", "verdict", "who", "when", "note", "track_id"]
#: Some 20 µm of the field are seen around a call.
PIXELS_PER_UM = 40.0
#: Verdict, text of its button, colour of the point.
VERDICTS = [
    ("present", "Present", "#009e73"),
    ("absent", "Absent", "#d55e00"),
    ("unscorable", "Cannot be told", "#999999"),
    ("not-a-spine", "Not a spine", "#cc79a7"),
]


def write_curation(path: str | os.PathLike[str], features: pd.DataFrame) -> int:
    """Writes the rows that have a verdict as a curation.csv, which ``gemmule track --curation`` honours.

    Parameters
    ----------
    path : str or path
        The file; it is there as a whole or not at all.
    features : pandas.DataFrame
        Columns session, z_um, y_um, x_um, verdict; who, when, note, track_id.

    Returns
    -------
    int
        Number of decisions written.
    """
    decided = features[features["verdict"].astype(str) != ""]
    part = Path(path).with_name(Path(path).name + ".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in decided.itertuples():
            place = [f"{getattr(row, axis):.4f}" for axis in PLACE]
            writer.writerow([row.session, *place, row.verdict, row.who, row.when, row.note, row.track_id])
    part.replace(path)
    return len(decided)


class Review(QWidget):
    """Jumps from call to call, takes verdicts, saves them."""

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.layer = QComboBox()
        self.who = QLineEdit(getpass.getuser())
        self.note = QLineEdit()
        self.said = QLabel("")
        self.said.setWordWrap(True)
        self.order: list[int] = []
        self.at = -1
        form = QFormLayout()
        form.addRow("calls", self.layer)
        form.addRow("who", self.who)
        form.addRow("note", self.note)
        self.back, self.next = QPushButton("◀ back"), QPushButton("least certain ▶")
        self.back.clicked.connect(lambda: self.go(-1))
        self.next.clicked.connect(lambda: self.go(1))
        moves = QHBoxLayout()
        moves.addWidget(self.back)
        moves.addWidget(self.next)
        self.verdicts = {}
        grid = QGridLayout()
        for k, (verdict, text, _) in enumerate(VERDICTS):
            button = QPushButton(text)
            button.clicked.connect(lambda _checked=False, v=verdict: self.decide(v))
            self.verdicts[verdict] = button
            grid.addWidget(button, k // 2, k % 2)
        self.save = QPushButton("Save curation.csv …")
        self.save.clicked.connect(self._ask_where)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addLayout(moves)
        layout.addWidget(self.said)
        layout.addLayout(grid)
        layout.addWidget(self.save)
        layout.addStretch()
        self.layer.currentTextChanged.connect(self._begin)
        napari_viewer.layers.events.inserted.connect(self._list)
        napari_viewer.layers.events.removed.connect(self._list)
        self._list()

    def _list(self, _event: Any = None) -> None:
        names = [layer.name for layer in self.viewer.layers if "gemmule" in layer.metadata and isinstance(layer, Points)]
        chosen = self.layer.currentText()
        self.layer.blockSignals(True)
        self.layer.clear()
        self.layer.addItems(names)
        self.layer.setCurrentText(chosen)
        self.layer.blockSignals(False)
        if self.layer.currentText() != chosen:
            self._begin()

    def _points(self) -> Points | None:
        name = self.layer.currentText()
        return self.viewer.layers[name] if name else None

    def _begin(self, _name: str = "") -> None:
        points = self._points()
        self.order, self.at = [], -1
        if points is None:
            return
        features = points.features.copy()
        for column in ("verdict", "who", "when", "note"):
            if column not in features:
                features[column] = ""
        points.features = features
        self.order = list(np.argsort(-features["doubt"].to_numpy(dtype=float), kind="stable"))
        self.said.setText(f"{len(self.order)} calls, the least certain first")

    def go(self, step: int) -> None:
        """Moves to the next call, or back.

        Parameters
        ----------
        step : int
            1 or -1.
        """
        points = self._points()
        if points is None or not self.order:
            self.said.setText("there are no calls: find or follow spines first")
            return
        self.at = min(max(self.at + step, 0), len(self.order) - 1)
        row = self.order[self.at]
        world = np.asarray(points.data_to_world(points.data[row]))
        for axis in range(self.viewer.dims.ndim - 2):
            self.viewer.dims.set_point(axis, world[axis])
        # Since napari 0.9 the camera is the scene's.
        camera = getattr(self.viewer, "scene", self.viewer).camera
        camera.center = tuple(world[-3:])
        camera.zoom = PIXELS_PER_UM
        points.selected_data = {row}
        call = points.features.iloc[row]
        self.said.setText(self._about(call))

    def _about(self, call: pd.Series) -> str:
        text = f"{self.at + 1} of {len(self.order)}: track {call['track_id']}, session {call['session']}"
        if "p_present" in call:
            text += f", {call['status']}, p = {call['p_present']:.2f}" if call["p_present"] == call["p_present"] else ""
        elif "score" in call:
            text += f", score {call['score']:.2f}"
        return text + (f"; {call['verdict']} ({call['who']})" if call["verdict"] else "")

    def decide(self, verdict: str) -> None:
        """Takes a verdict on the call that is shown, and goes on to the next.

        Parameters
        ----------
        verdict : str
            present, absent, unscorable or not-a-spine.
        """
        points = self._points()
        if points is None or self.at < 0:
            self.said.setText("go to a call first")
            return
        row = self.order[self.at]
        features = points.features.copy()
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        for column, value in (("verdict", verdict), ("who", self.who.text()), ("when", now), ("note", self.note.text())):
            features.loc[features.index[row], column] = value
        points.features = features
        colours = points.border_color
        colours[row] = _rgba(next(colour for name, _, colour in VERDICTS if name == verdict))
        points.border_color = colours
        self.note.clear()
        self.go(1)

    def _ask_where(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save decisions", "curation.csv", "CSV (*.csv)")
        if path:
            self.save_to(path)

    def save_to(self, path: str | os.PathLike[str]) -> None:
        """Writes what was decided.

        Parameters
        ----------
        path : str or path
            The curation.csv.
        """
        points = self._points()
        if points is None:
            raise gemmule.InputError("there are no calls to save: find or follow spines first")
        self.said.setText(f"{write_curation(path, points.features)} decisions in {path}")


def _rgba(colour: str) -> np.ndarray[Any, Any]:
    return np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)] + [1.0])
