"""Local inference: what runs models here, and the ways to set it up and take it away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import Qgis
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, Qt, QUrl, pyqtSignal
from qgis.PyQt.QtGui import QDesktopServices

from ..backend_settings import environments_folder, has_fast_runtime
from ..live.session import LiveSession
from ..server.environment import disown_environments
from ..translation import tr
from .environment_setup import EnvironmentSetup, tidy
from .setup_dialog import SetupDialog

_SECONDS = 10


class LocalInference(QObject):
    """Sets the managed environment up and removes it; layers go over to what there is then. Main thread only.

    Args:
        iface: QGIS' interface.
        session: of live layers.
        rebind: lets open layers open their backends anew.

    Signals:
        changed: there is another environment, or none.
    """

    changed = pyqtSignal()

    def __init__(self, iface: Any, session: LiveSession, rebind: Callable[[], None]) -> None:
        super().__init__()
        self._iface, self._session, self._rebind = iface, session, rebind
        self.setup = EnvironmentSetup(environments_folder())
        self.setup.ended.connect(self._on_end)
        self._dialog: Any = None
        tidy(environments_folder())

    def close(self) -> None:
        """Stop a set-up that runs."""
        self.setup.close()
        self._close_dialog()

    @property
    def is_offered(self) -> bool:
        """Whether models could run faster here than they do."""
        return not has_fast_runtime()

    def open(self, parent: Any = None) -> None:
        """Show the dialogue, above ``parent`` or QGIS' window."""
        self._close_dialog()
        dialog = SetupDialog(self.setup, parent or self._iface.mainWindow())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._dialog = dialog
        dialog.show()
        dialog.raise_()

    def _close_dialog(self) -> None:
        if self._is_open():
            self._dialog.close()
        self._dialog = None

    def _is_open(self) -> bool:
        # the dialogue goes with the window it belongs to
        return self._dialog is not None and not sip.isdeleted(self._dialog) and self._dialog.isVisible()

    def open_log(self) -> None:
        """The log of the last set-up, in the system's editor."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.setup.log)))

    def remove(self) -> None:
        """Take the environment away; what runs models goes back to the next best."""
        disown_environments(environments_folder())
        self._use()
        tidy(environments_folder())

    def _on_end(self, made: bool, sentence: str) -> None:
        if made:
            self._use()
        if sentence and not self._is_open():
            level = Qgis.MessageLevel.Success if made else Qgis.MessageLevel.Warning
            self._iface.messageBar().pushMessage(tr("Land cover"), sentence, level, _SECONDS)
        self.changed.emit()

    def _use(self) -> None:
        self._session.reopen_backends()
        self._rebind()
        self.changed.emit()
