"""What proves to inference servers who asks: the headers of a QGIS authentication configuration."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from qgis.core import QgsApplication, QgsAuthMethodConfig, QgsSettings
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtNetwork import QNetworkRequest

from .core.errors import BackendError
from .live.live_settings import PREFIX
from .translation import tr

SIGN_IN = f"{PREFIX}server_sign_in"
"""Key of the setting that holds the configuration's id, which is no secret."""

# these add headers that do not depend on the request
_METHODS = ("Basic", "APIHeader", "OAuth2", "EsriToken")
_GOOD_S = 30.0


def fault_of(config_id: str) -> str:
    """Why a configuration cannot be used for servers, in one sentence; empty where it can."""
    if not config_id:
        return ""
    manager = QgsApplication.authManager()
    # the method of a configuration that was removed may still be remembered
    method = manager.configAuthMethodKey(config_id) if config_id in manager.configIds() else ""
    if not method:
        return tr(
            "The authentication configuration '{}' is not in QGIS' database; choose another in the settings."
        ).format(config_id)
    if method not in _METHODS:
        return tr(
            "Authentication by '{}' is not possible here, for a certificate's key would have to be written to "
            "disk; choose a configuration with a password, a header or OAuth2."
        ).format(method)
    return ""


class SignIn:
    """Headers of the configuration that the settings name. Any thread may call it.

    They are asked for again after half a minute, so that what expires is renewed; QGIS asks the user
    for the master password where it has not been given yet.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._headers: dict[str, str] = {}
        self._for = ""
        self._until = 0.0

    def headers(self) -> Mapping[str, str]:
        """The headers now; none where the settings name no configuration.

        Raises:
            BackendError: the configuration cannot be used, or QGIS does not give it.
        """
        config_id = str(QgsSettings().value(SIGN_IN, "") or "")
        if not config_id:
            return {}
        with self._lock:
            if config_id != self._for or time.monotonic() > self._until:
                self._for = ""
                self._headers = _ask(config_id)
                self._for, self._until = config_id, time.monotonic() + _GOOD_S
            return self._headers

    def forget(self) -> None:
        """Ask QGIS anew at the next request."""
        with self._lock:
            self._for, self._headers = "", {}


def _ask(config_id: str) -> dict[str, str]:
    fault = fault_of(config_id)
    if fault:
        raise BackendError(fault)
    done, request = QgsApplication.authManager().updateNetworkRequest(QNetworkRequest(QUrl()), config_id)
    names = [bytes(name) for name in request.rawHeaderList()]
    found = {
        name.decode("latin-1"): bytes(request.rawHeader(name)).decode("latin-1")
        for name in names
        if name.lower() not in (b"host", b"referer")
    }
    if not done or not found:
        raise BackendError(
            tr(
                "QGIS does not give the authentication configuration '{}'; enter the master password and check it "
                "in the settings."
            ).format(_name_of(config_id))
        )
    return found


def _name_of(config_id: str) -> str:
    """What the user calls a configuration."""
    configs = QgsApplication.authManager().availableAuthMethodConfigs()
    found = configs.get(config_id, QgsAuthMethodConfig())
    return found.name() or config_id
