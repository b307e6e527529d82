"""Where predictions run, on the settings page: one field, and what servers need to know."""

from __future__ import annotations

import os

from qgis.core import QgsSettings
from qgis.gui import QgsAuthConfigSelect, QgsFileWidget
from qgis.PyQt.QtWidgets import QComboBox, QFormLayout, QGroupBox, QLabel, QSizePolicy

from ..backend_settings import CA_FILE, PYTHON
from ..core.backends.addresses import SCHEMES, read_addresses
from ..core.backends.settings import PYTHON_VARIABLE
from ..core.errors import BackendError
from ..live.live_settings import LiveSettings
from ..sign_in import SIGN_IN, fault_of
from ..translation import tr

_HERE = ("auto", "onnxruntime:", "worker:", "numpy:")


class RunningGroup(QGroupBox):
    """The fields; :meth:`save` keeps what belongs to QGIS' settings alone."""

    def __init__(self, now: LiveSettings) -> None:
        super().__init__(tr("Where predictions run"))
        settings = QgsSettings()
        form = QFormLayout(self)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self._backend = QComboBox()
        self._backend.setObjectName("landcover_backend")
        self._backend.setEditable(True)
        self._backend.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._backend.addItems(list(_HERE))
        self._backend.setCurrentText(now.backend)
        self._backend.lineEdit().setPlaceholderText(tr("auto, or https://server:8000"))
        self._backend.setAccessibleName(tr("What runs models"))
        self._backend.setToolTip(
            tr(
                "auto takes the best of this computer. For servers write their addresses, parted by commas, such as "
                "https://a:8000,https://b:8000"
            )
        )
        form.addRow(tr("&Runs on"), self._backend)
        self._sign_in = QgsAuthConfigSelect()
        self._sign_in.setConfigId(str(settings.value(SIGN_IN, "") or ""))
        self._sign_in.setToolTip(tr("Proves to servers who you are; kept in QGIS' authentication database"))
        form.addRow(tr("Servers' sign-in"), self._sign_in)
        self._ca_file = QgsFileWidget()
        self._ca_file.setFilter(tr("Certificates (*.pem *.crt *.cer)"))
        self._ca_file.setFilePath(str(settings.value(CA_FILE, "") or ""))
        self._ca_file.lineEdit().setPlaceholderText(tr("the system's"))
        self._ca_file.setToolTip(tr("Checks servers with these certificates (PEM) in place of the system's"))
        form.addRow(tr("Servers' &certificates"), self._ca_file)
        self._note = QLabel()
        self._note.setObjectName("landcover_server_note")
        self._note.setWordWrap(True)
        form.addRow(self._note)
        self._python = QgsFileWidget()
        self._python.setFilePath(str(settings.value(PYTHON, "") or ""))
        self._python.lineEdit().setPlaceholderText(os.environ.get(PYTHON_VARIABLE, ""))
        self._python.setToolTip(
            tr(
                "Runs models in this Python, which has onnxruntime, in place of local inference as set up below"
            )
        )
        form.addRow(tr("Own &Python"), self._python)
        self._models = QgsFileWidget()
        self._models.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self._models.setFilePath(now.models_folder)
        self._models.setToolTip(tr("Looks for your own models here first"))
        form.addRow(tr("&Models folder"), self._models)
        self._backend.currentTextChanged.connect(self._show_note)
        self._sign_in.selectedConfigIdChanged.connect(self._show_note)
        self._ca_file.fileChanged.connect(self._show_note)
        self._show_note()

    @property
    def backend(self) -> str:
        """What was written."""
        return self._backend.currentText().strip() or "auto"

    @property
    def models_folder(self) -> str:
        """What was chosen."""
        return str(self._models.filePath())

    @property
    def is_for_servers(self) -> bool:
        """Whether the field names servers."""
        return self.backend.partition(":")[0].lower() in SCHEMES

    def fault(self) -> str:
        """Why this cannot be used, in one sentence; empty where it can."""
        if not self.is_for_servers:
            return ""
        try:
            read_addresses(self.backend)
        except BackendError as e:
            return str(e)
        if self._ca_file.filePath() and not os.path.isfile(self._ca_file.filePath()):
            return tr("There is no file {}; choose one with certificates, or none.").format(
                self._ca_file.filePath()
            )
        return fault_of(self._sign_in.configId())

    def save(self) -> bool:
        """Keep sign-in, certificates and Python; whether one of them is another than before."""
        settings = QgsSettings()
        changed = False
        for key, value in (
            (SIGN_IN, self._sign_in.configId()),
            (CA_FILE, self._ca_file.filePath()),
            (PYTHON, self._python.filePath()),
        ):
            changed = changed or value != str(settings.value(key, "") or "")
            settings.setValue(key, value)
        return changed

    def _show_note(self, *_: object) -> None:
        for field in (self._sign_in, self._ca_file):
            field.setEnabled(self.is_for_servers)
        fault = self.fault()
        text = fault or (self._warning() if self.is_for_servers else "")
        self._note.setText(text)
        self._note.setVisible(bool(text))
        self._note.setStyleSheet("color: #c0392b;" if fault else "color: #b9770e;")

    def _warning(self) -> str:
        """What the user should know before imagery goes there; empty where there is nothing."""
        hosts = sorted({a.host for a in read_addresses(self.backend) if a.is_open_to_others})
        if not hosts:
            return ""
        return tr(
            "Imagery, and what proves who you are, would travel unencrypted to {}. Use https:// outside of a "
            "network that you trust."
        ).format(", ".join(hosts))
