"""What went wrong on the network during a read.

QGIS' providers answer a failed request with transparent pixels that look valid and report no
error. The requests of a read are made by the network manager of the thread that reads, so
listening to that one tells which of them failed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from qgis.core import Qgis, QgsApplication, QgsNetworkAccessManager, QgsNetworkReplyContent
from qgis.PyQt.QtNetwork import QNetworkReply, QNetworkRequest

_NOTHING_THERE = (204, 404, 410)
_NO_PICTURE = ("text/", "application/json", "application/xml", "application/vnd.ogc.se_xml")


class NetworkFaults:
    """Requests of one read that failed, by URL; one that was repeated with success is no fault.

    Args:
        tiled: whether "not found" means that there is no imagery, as it does for tiles.
    """

    def __init__(self, *, tiled: bool) -> None:
        self._tiled = tiled
        self._faults: dict[str, str] = {}
        self._pictures: set[str] = set()
        self._warnings: list[str] = []

    @property
    def first(self) -> str:
        """What went wrong, empty where nothing did."""
        for fault in self._faults.values():
            return fault
        flawed = any(url in text for text in self._warnings for url in self._pictures)
        return "it sent a picture that cannot be read" if flawed else ""

    def on_finished(self, reply: QgsNetworkReplyContent) -> None:
        """A request ended."""
        url = reply.request().url().toString()
        self._faults.pop(url, None)
        status = reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute)
        if self._tiled and status in _NOTHING_THERE:
            return
        fault = _fault(reply, status)
        if fault:
            self._faults[url] = fault
        else:
            self._pictures.add(url)

    def on_message(self, text: str, _tag: str, level: Qgis.MessageLevel) -> None:
        """QGIS logged something; a warning that names a picture's URL means that it is flawed."""
        if level != Qgis.MessageLevel.Info:
            self._warnings.append(text)


def _fault(reply: QgsNetworkReplyContent, status: int | None) -> str:
    if reply.error() == QNetworkReply.NetworkError.OperationCanceledError:
        return "it did not answer in time"
    if reply.error() != QNetworkReply.NetworkError.NoError:
        return f"HTTP status {status}" if status and status >= 400 else str(reply.errorString())
    kind = bytes(reply.rawHeader(b"Content-Type")).decode("latin-1").lower()
    return f"it sent {kind.split(';')[0]}, not a picture" if kind.startswith(_NO_PICTURE) else ""


@contextlib.contextmanager
def network_faults(*, tiled: bool) -> Iterator[NetworkFaults]:
    """Listen to this thread's requests.

    Args:
        tiled: whether "not found" means that there is no imagery.
    """
    faults = NetworkFaults(tiled=tiled)
    finished = QgsNetworkAccessManager.instance().finished[QgsNetworkReplyContent]
    logged = QgsApplication.messageLog().messageReceived[str, str, Qgis.MessageLevel]
    finished.connect(faults.on_finished)
    logged.connect(faults.on_message)
    try:
        yield faults
    finally:
        finished.disconnect(faults.on_finished)
        logged.disconnect(faults.on_message)
