"""The settings page in QGIS' own options dialogue."""

from __future__ import annotations

from typing import Any

from qgis.gui import QgsOptionsPageWidget, QgsOptionsWidgetFactory
from qgis.PyQt.QtWidgets import (
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
)

from ..backend_settings import configure_backends
from ..live.live_settings import LiveSettings, write_settings
from ..live.session import LiveSession
from ..translation import tr
from .inference_group import InferenceGroup
from .local_inference import LocalInference
from .pictures import picture
from .running_group import RunningGroup

PAGE = "landcover"


class OptionsPage(QgsOptionsPageWidget):
    """Where predictions run, where models are, how much is kept."""

    def __init__(self, parent: Any, session: LiveSession, rebind: Any, inference: LocalInference) -> None:
        super().__init__(parent)
        self.setObjectName(PAGE)
        self._session, self._rebind = session, rebind
        column = QVBoxLayout(self)
        self._running = RunningGroup(session.settings)
        column.addWidget(self._running)
        column.addWidget(InferenceGroup(session, inference))
        column.addWidget(self._build_keeping())
        column.addStretch(1)

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
        row = QHBoxLayout()
        row.addWidget(clear)
        row.addStretch(1)
        form.addRow(row)
        note = QLabel(tr("Projects never hold these settings: opening one sends no imagery anywhere."))
        note.setWordWrap(True)
        form.addRow(note)
        return box

    def isValid(self) -> bool:
        """Whether OK may close the dialogue."""
        return not self._running.fault()

    def apply(self) -> None:
        """OK was pressed."""
        backend, fault = self._running.backend, self._running.fault()
        if fault:  # older QGIS does not ask isValid
            self._session.tell(fault, "backend")
            backend = self._session.settings.backend
        changed = self._running.save()
        new = LiveSettings(backend, self._memory.value(), self._disk.value(), self._running.models_folder)
        write_settings(new)
        if changed:
            configure_backends(self._session.warn)
            self._session.reopen_backends()
        changed = changed or new != self._session.settings
        self._session.apply(new)
        if changed:
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
