"""The dialogue that makes the managed environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import QgsSettings
from qgis.gui import QgsCollapsibleGroupBox, QgsFileWidget
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtGui import QFontDatabase
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
)

from ..backend_settings import WHEELS
from ..server.environment_plan import Tools, find_tools
from ..server.runtime_builds import CPU, CUDA, DIRECTML, OPENVINO, build_named, builds_for, this_machine
from ..translation import tr
from .environment_setup import EnvironmentSetup

_LOG_LINES = 5000
_WIDTH = 560


class SetupDialog(QDialog):
    """Says what will be made, makes it, and shows how it goes; closing it lets it go on.

    Args:
        setup: makes it.
        parent: the window it belongs to.
    """

    def __init__(self, setup: EnvironmentSetup, parent: Any) -> None:
        super().__init__(parent)
        self.setObjectName("landcover_setup")
        self.setWindowTitle(tr("Set up local inference"))
        self.setMinimumWidth(_WIDTH)
        self._setup, self._tools = setup, find_tools()
        column = QVBoxLayout(self)
        column.addWidget(self._build_text())
        column.addLayout(self._build_choices())
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setAccessibleName(tr("Part of the set-up that is done"))
        self._state = QLabel()
        self._state.setWordWrap(True)
        self._state.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._state.setMinimumHeight(2 * self._state.fontMetrics().lineSpacing())
        column.addWidget(self._bar)
        column.addWidget(self._state)
        column.addWidget(self._build_log(), 1)
        column.addStretch()
        column.addWidget(self._build_buttons())
        setup.advanced.connect(self._on_advance)
        setup.said.connect(self._log.appendPlainText)
        setup.ended.connect(self._on_end)
        self._show_running()
        self._log_box.collapsedStateChanged.connect(lambda _: QTimer.singleShot(0, self.adjustSize))
        self.adjustSize()

    def _build_text(self) -> QLabel:
        text = QLabel(
            tr(
                "Models run several times faster in ONNX Runtime than in QGIS' own Python. It gets a place of "
                "its own in your QGIS profile, about 250 MB, and can be removed again; QGIS' Python stays as it is."
            )
        )
        text.setWordWrap(True)
        text.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        return text

    def _build_choices(self) -> QFormLayout:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        titles = {
            CPU: tr("Processor"),
            CUDA: tr("NVIDIA graphics card (CUDA; downloads 2 GB more)"),
            DIRECTML: tr("Any graphics card (DirectML)"),
            OPENVINO: tr("Processor or Intel graphics (OpenVINO)"),
        }
        self._build = QComboBox()
        for build in builds_for(this_machine()):
            self._build.addItem(titles[build], build.name)
        self._build.setAccessibleName(tr("What models run on"))
        self._build.setToolTip(tr("Chooses the build of ONNX Runtime; each also runs on the processor"))
        form.addRow(tr("Models run &on"), self._build)
        self._wheels = QgsFileWidget()
        self._wheels.setObjectName("landcover_wheels")
        self._wheels.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self._wheels.setDialogTitle(tr("Folder of wheels"))
        self._wheels.lineEdit().setPlaceholderText(tr("from the internet (PyPI)"))
        self._wheels.setFilePath(str(QgsSettings().value(WHEELS, "") or ""))
        self._wheels.setToolTip(
            tr("Without internet: takes all packages from this folder of wheels, as 'pip download' makes it")
        )
        form.addRow(tr("&Folder of wheels"), self._wheels)
        made_with = QLabel(self._tools.describe() or tr("Neither uv nor a Python was found; install uv."))
        made_with.setToolTip(tr("uv is used where it is installed, else venv and pip of QGIS' Python"))
        form.addRow(tr("Made with"), made_with)
        return form

    def _build_log(self) -> QgsCollapsibleGroupBox:
        box = QgsCollapsibleGroupBox(tr("Log"))
        box.setSaveCollapsedState(False)
        column = QVBoxLayout(box)
        self._log = QPlainTextEdit()
        self._log.setReadOnly(True)
        self._log.setMaximumBlockCount(_LOG_LINES)
        self._log.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._log.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._log.setMinimumHeight(160)
        self._log.setAccessibleName(tr("Log"))
        column.addWidget(self._log)
        box.setCollapsed(True)
        self._log_box = box
        return box

    def _build_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox()
        self._start = QPushButton(tr("&Set up"))
        self._start.setObjectName("landcover_setup_start")
        self._start.setDefault(True)
        self._start.clicked.connect(self._on_start)
        self._stop = QPushButton(tr("S&top"))
        self._stop.setObjectName("landcover_setup_stop")
        self._stop.clicked.connect(lambda _=False: self._setup.stop())
        self._close = QPushButton(tr("&Close"))
        self._close.setObjectName("landcover_setup_close")
        self._close.clicked.connect(self.close)
        buttons.addButton(self._start, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self._stop, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self._close, QDialogButtonBox.ButtonRole.RejectRole)
        return buttons

    def _tools_there(self) -> Tools | None:
        return self._tools if self._tools.describe() else None

    # -- how it goes -----------------------------------------------------------------------------

    def _show_running(self) -> None:
        running = self._setup.is_running
        self._start.setEnabled(not running and self._tools_there() is not None)
        self._stop.setEnabled(running)
        for field in (self._build, self._wheels):
            field.setEnabled(not running)
        self._close.setToolTip(tr("The set-up goes on without this window") if running else "")

    def _on_start(self) -> None:
        folder = self._wheels.filePath().strip()
        if folder and not Path(folder).is_dir():
            self._state.setText(
                tr("There is no folder {}; choose one that holds wheels, or none.").format(folder)
            )
            return
        QgsSettings().setValue(WHEELS, folder)
        self._log.clear()
        build = build_named(self._build.currentData())
        self._setup.start(build, self._tools, Path(folder) if folder else None)
        self._show_running()

    def _on_advance(self, share: float, text: str) -> None:
        self._bar.setValue(round(1000 * share))
        self._state.setText(text)

    def _on_end(self, made: bool, sentence: str) -> None:
        self._bar.setValue(1000 if made else 0)
        (self._close if made else self._start).setDefault(True)
        self._state.setText(sentence or tr("Stopped; nothing was left behind."))
        if not made and sentence:
            self._log_box.setCollapsed(False)
        self._show_running()
