"""Work beside the window: progress, a way to stop, errors as text."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget


class _Reports(QObject):
    step = Signal(str, int, int)


class Work(QWidget):
    """A button that runs something, a bar, and a button that stops it."""

    def __init__(self, text: str, start: Callable[[], Callable[[Any], Any]], show: Callable[[Any], None]) -> None:
        """`start` reads the widgets and returns what to run with a progress callable; `show` gets its result."""
        super().__init__()
        self._start, self._show = start, show
        self._stop = threading.Event()
        self._reports = _Reports()
        self._reports.step.connect(self._step)
        self.run = QPushButton(text)
        self.cancel = QPushButton("Stop")
        self.cancel.setEnabled(False)
        self.bar = QProgressBar()
        self.said = QLabel("")
        self.said.setWordWrap(True)
        self.run.clicked.connect(self.begin)
        self.cancel.clicked.connect(self._stop.set)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run)
        buttons.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self.bar)
        layout.addWidget(self.said)

    @property
    def running(self) -> bool:
        """Whether something is being done."""
        return self.cancel.isEnabled()

    def begin(self) -> None:
        """Starts the work, or says why it cannot be started."""
        try:
            work = self._start()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the input is said in the widget
            self.said.setText(str(error))
            return
        self._stop.clear()
        self.said.setText("")
        self.run.setEnabled(False)
        self.cancel.setEnabled(True)

        def caught() -> tuple[bool, Any]:
            try:
                return True, work(self._report)
            except Exception as error:  # noqa: BLE001 - shown in the widget
                return False, error

        worker = create_worker(caught)
        worker.returned.connect(self._done)
        worker.start()

    def _report(self, stage: str, done: int, total: int) -> bool:
        self._reports.step.emit(stage, done, total)
        return not self._stop.is_set()

    def _step(self, stage: str, done: int, total: int) -> None:
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(done)
        self.bar.setFormat(f"{stage} %p %")

    def _done(self, outcome: tuple[bool, Any]) -> None:
        good, result = outcome
        self.run.setEnabled(True)
        self.cancel.setEnabled(False)
        self.bar.reset()
        if good:
            self._show(result)
        else:
            self.said.setText(str(result))
