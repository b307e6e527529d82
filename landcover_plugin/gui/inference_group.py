"""Local inference on the settings page: what runs now, and what can be had."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QGroupBox, QHBoxLayout, QLabel, QMessageBox, QPushButton, QVBoxLayout

from ..backend_settings import has_fast_runtime, has_own_runtime, managed_environment, named_python
from ..live.session import LiveSession
from ..translation import tr
from .local_inference import LocalInference

_UPDATE_MS = 1000


class InferenceGroup(QGroupBox):
    """A state line and three buttons; what they do is done at once, OK or not."""

    def __init__(self, session: LiveSession, inference: LocalInference) -> None:
        super().__init__(tr("Local inference"))
        self._session, self._inference = session, inference
        column = QVBoxLayout(self)
        self._running, self._there = QLabel(), QLabel()
        for label in (self._running, self._there):
            label.setWordWrap(True)
            column.addWidget(label)
        self._running.setObjectName("landcover_running")
        row = QHBoxLayout()
        self._set_up = QPushButton(tr("Set &up local inference…"))
        self._set_up.setObjectName("landcover_set_up")
        self._set_up.setToolTip(
            tr("Makes a Python with ONNX Runtime beside QGIS, which runs models several times faster")
        )
        self._set_up.clicked.connect(lambda _=False: inference.open(self.window()))
        self._remove = QPushButton(tr("&Remove"))
        self._remove.setObjectName("landcover_remove")
        self._remove.setToolTip(tr("Deletes it from your QGIS profile"))
        self._remove.clicked.connect(self._on_remove)
        self._log = QPushButton(tr("Open &log"))
        self._log.setToolTip(tr("Opens what the last set-up said"))
        self._log.clicked.connect(lambda _=False: inference.open_log())
        for button in (self._set_up, self._remove, self._log):
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        inference.changed.connect(self._show)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._show)
        self._timer.start(_UPDATE_MS)
        self._show()

    def _show(self) -> None:
        self._running.setText(running_now(self._session))
        found = managed_environment()
        if self._inference.setup.is_running:
            there = tr("Being set up.")
        elif found is None:
            there = (
                tr("Not set up; QGIS' own Python has ONNX Runtime.")
                if has_own_runtime()
                else tr("Not set up.")
            )
        else:
            there = tr("Set up: {}, in {}").format(found.describe(), found.folder)
        if named_python() and not self._inference.setup.is_running:
            there += " " + tr("The worker's Python named above goes first.")
        self._there.setText(there)
        self._remove.setEnabled(found is not None)
        self._log.setEnabled(self._inference.setup.log.is_file())

    def _on_remove(self, _: bool = False) -> None:
        answer = QMessageBox.question(
            self,
            tr("Local inference"),
            tr("Remove local inference from this computer? It can be set up again."),
        )
        if answer == QMessageBox.StandardButton.Yes:
            self._inference.remove()


def running_now(session: LiveSession) -> str:
    """What runs open live layers and how fast; without one, what would."""
    lines = []
    for feed in session.feeds:
        setup: Any = feed.setup
        if setup is not None and len(feed.users):
            rate = setup.backend.mpx_a_second
            lines.append(
                setup.backend.description + (f", {rate:.{1 if rate >= 0.1 else 2}f} Mpx/s" if rate else "")
            )
    if lines:
        return tr("Runs now: {}").format("; ".join(dict.fromkeys(lines)))
    if session.settings.backend != "auto":
        return tr("No live layer is open; it would run on {}.").format(session.settings.backend)
    if has_fast_runtime():
        return tr("No live layer is open; it would run in ONNX Runtime.")
    return tr(
        "No live layer is open; it would run in NumPy, which is several times slower than ONNX Runtime."
    )
