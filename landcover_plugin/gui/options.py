"""The settings page in QGIS' own options dialogue."""

from __future__ import annotations

import os
from typing import Any

from qgis.core import QgsSettings
from qgis.gui import QgsFileWidget, QgsOptionsPageWidget, QgsOptionsWidgetFactory
from qgis.PyQt.QtWidgets import QFormLayout, QGroupBox, QLabel, QLineEdit, QPushButton, QSpinBox, QVBoxLayout

from ..backend_settings import PYTHON
from ..core.backends.settings import PYTHON_VARIABLE
from ..live.live_settings import LiveSettings, write_settings
from ..live.session import LiveSession
from ..translation import tr
from .inference_group import InferenceGroup
from .local_inference import LocalInference
from .pictures import picture

PAGE = "landcover"


class OptionsPage(QgsOptionsPageWidget):
    """Where predictions run, where models are, how much is kept."""

    def __init__(self, parent: Any, session: LiveSession, rebind: Any, inference: LocalInference) -> None:
        super().__init__(parent)
        self.setObjectName(PAGE)
        self._session, self._rebind = session, rebind
        column = QVBoxLayout(self)
        column.addWidget(self._build_running())
        column.addWidget(InferenceGroup(session, inference))
        column.addWidget(self._build_keeping())
        column.addStretch(1)

    def _build_running(self) -> QGroupBox:
        now = self._session.settings
        box = QGroupBox(tr("Where predictions run"))
        form = QFormLayout(box)
        self._backend = QLineEdit(now.backend)
        self._backend.setAccessibleName(tr("Backend"))
        self._backend.setToolTip(
            tr("auto takes the best that works here; or onnxruntime:cpu, worker:, http://host:8000")
        )
        form.addRow(tr("&Backend"), self._backend)
        self._python = QgsFileWidget()
        self._python.setFilePath(str(QgsSettings().value(PYTHON, "") or ""))
        self._python.lineEdit().setPlaceholderText(os.environ.get(PYTHON_VARIABLE, ""))
        self._python.setToolTip(tr("Runs the models in this Python, which has onnxruntime, beside QGIS"))
        form.addRow(tr("&Python of the worker"), self._python)
        self._models = QgsFileWidget()
        self._models.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self._models.setFilePath(now.models_folder)
        self._models.setToolTip(tr("Looks for your own models here first"))
        form.addRow(tr("&Models folder"), self._models)
        return box

    def _build_keeping(self) -> QGroupBox:
        now = self._session.settings
        box = QGroupBox(tr("Predictions that are kept"))
        form = QFormLayout(box)
        self._memory = _megabytes(now.memory_mb, 64, 65536, tr("Memory for predicted squares"))
        form.addRow(tr("In m&emory"), self._memory)
        self._disk = _megabytes(now.disk_mb, 0, 1 << 20, tr("Disk space for predicted squares; 0 keeps none"))
        form.addRow(tr("On &disk"), self._disk)
        clear = QPushButton(tr("&Clear now"))
        clear.setToolTip(
            tr("Removes all predicted squares; they are predicted again when they are looked at")
        )
        clear.clicked.connect(lambda _=False: self._session.cache.clear())
        form.addRow(clear)
        note = QLabel(tr("Projects never hold these settings: opening one sends no imagery anywhere."))
        note.setWordWrap(True)
        form.addRow(note)
        return box

    def apply(self) -> None:
        """OK was pressed."""
        settings = QgsSettings()
        other_python = self._python.filePath() != str(settings.value(PYTHON, "") or "")
        settings.setValue(PYTHON, self._python.filePath())
        new = LiveSettings(
            self._backend.text().strip() or "auto",
            self._memory.value(),
            self._disk.value(),
            self._models.filePath(),
        )
        write_settings(new)
        changed = new != self._session.settings
        self._session.apply(new)
        if other_python:
            self._session.reopen_backends()
        if changed or other_python:
            self._rebind()


def _megabytes(value: int, least: int, most: int, tip: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(least, most)
    box.setSuffix(" MB")
    box.setSingleStep(64)
    box.setValue(value)
    box.setToolTip(tip)
    box.setAccessibleName(tip)
    return box


class OptionsFactory(QgsOptionsWidgetFactory):
    """Makes the page whenever the dialogue opens; QGIS owns the pages, the plugin this."""

    def __init__(self, session: LiveSession, rebind: Any, inference: LocalInference) -> None:
        super().__init__(tr("Land cover"), picture("live"))
        if hasattr(self, "setKey"):  # since 3.30 pages are found by it
            self.setKey(PAGE)
        self._session, self._rebind, self._inference = session, rebind, inference

    def createWidget(self, parent: Any) -> OptionsPage:
        """A new page."""
        return OptionsPage(parent, self._session, self._rebind, self._inference)
