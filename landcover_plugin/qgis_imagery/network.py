"""What went wrong on the network during a read.

QGIS' providers answer a failed request with transparent or black pixels that look valid, and report
no error. Three traces are left. Requests made by the network manager of the reading thread tell how
they ended (all of them in QGIS 3.22, those for whole maps in 3.40); every failure is logged with its
URL; and for coverages, what is wrong with the answer is logged too, or GDAL complains of it. A logged
URL whose end nobody saw is asked for once more, to tell "there is no such tile", which is no fault,
from a server that is out of order.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsFeedback,
    QgsNetworkAccessManager,
    QgsNetworkReplyContent,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtNetwork import QNetworkReply, QNetworkRequest

from ..core.errors import CancelledError
from ..core.raster_io.gdal_complaints import gdal_complaints
from .access import ServiceAccess
from .fetching import fetch_all

_NOTHING_THERE = (204, 404, 410)
_NO_PICTURE = ("text/", "application/json", "application/xml", "application/vnd.ogc.se_xml")
_NO_TILE = "there is no such tile"
_NO_IMAGE = "it sent a picture that cannot be read"
_COVERAGES = "WCS"
_URL = re.compile(r"https?://[^\s\])]+")


class NetworkFaults:
    """The requests of one read, made in the thread that reads.

    Args:
        host: of the service, as :func:`host_of` gives it.
        tiled: whether "not found" means that there is no imagery, as it does for tiles.
    """

    def __init__(self, host: str, *, tiled: bool) -> None:
        self._host, self._tiled = host, tiled
        self.complaints: list[str] = []
        self._thread = threading.get_ident()
        self._ends: dict[str, str] = {}
        self._warned: dict[str, None] = {}
        self._unreadable = False

    def on_finished(self, reply: QgsNetworkReplyContent) -> None:
        """A request of this thread ended; one that is repeated counts as it ended last."""
        self._ends[reply.request().url().toString()] = _fault(reply, tiled=self._tiled)

    def on_message(self, text: str, tag: str, level: Qgis.MessageLevel) -> None:
        """QGIS logged something, in any thread: a warning of another counts if it is about this service."""
        if level == Qgis.MessageLevel.Info:
            return
        mine = threading.get_ident() == self._thread
        self._unreadable = self._unreadable or (mine and tag == _COVERAGES)
        for url in _URL.findall(text):
            if mine or (self._host and urlsplit(url).netloc.endswith(self._host)):
                self._warned[url] = None

    def first(self, feedback: QgsFeedback) -> str:
        """What went wrong, empty where nothing did; may ask the service again.

        Args:
            feedback: ends the asking.
        """
        for fault in self._ends.values():
            if fault not in ("", _NO_TILE):
                return fault
        for url in list(self._warned):
            end = self._ends.get(url)
            if end is None and self._tiled and not feedback.isCanceled():
                end = _ask_again(url, feedback)
            if end == "":
                return _NO_IMAGE
            if end not in (None, _NO_TILE):
                return end
        return _NO_IMAGE if self._unreadable or self.complaints else ""


def _ask_again(url: str, feedback: QgsFeedback) -> str:
    # not by QGIS' blocking requests: one whose feedback is cancelled in mid-flight never ends
    try:
        (answer,) = fetch_all([url], ServiceAccess(), feedback.isCanceled, is_fresh=True)
    except CancelledError:
        return ""
    if answer.is_nothing:
        return _NO_TILE
    if answer.fault:
        return answer.fault
    return f"it sent {answer.kind}, not a picture" if answer.kind.startswith(_NO_PICTURE) else ""


def _fault(reply: QgsNetworkReplyContent, *, tiled: bool) -> str:
    status = reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute)
    if tiled and status in _NOTHING_THERE:
        return _NO_TILE
    if reply.error() in (
        QNetworkReply.NetworkError.OperationCanceledError,
        QNetworkReply.NetworkError.TimeoutError,
    ):
        return "it did not answer in time"
    if reply.error() != QNetworkReply.NetworkError.NoError:
        return f"HTTP status {status}" if status and status >= 400 else str(reply.errorString())
    kind = bytes(reply.rawHeader(b"Content-Type")).decode("latin-1").lower()
    return f"it sent {kind.split(';')[0]}, not a picture" if kind.startswith(_NO_PICTURE) else ""


@contextlib.contextmanager
def network_faults(host: str, *, tiled: bool) -> Iterator[NetworkFaults]:
    """Listen to this thread's requests, and to the log.

    Args:
        host: of the service.
        tiled: whether "not found" means that there is no imagery.
    """
    faults = NetworkFaults(host, tiled=tiled)
    finished = QgsNetworkAccessManager.instance().finished[QgsNetworkReplyContent]
    logged = QgsApplication.messageLog().messageReceived[str, str, Qgis.MessageLevel]
    finished.connect(faults.on_finished)
    # directly, so that on_message runs in the thread that logs and can tell which one that is
    logged.connect(faults.on_message, Qt.ConnectionType.DirectConnection)
    try:
        with gdal_complaints() as faults.complaints:
            yield faults
    finally:
        finished.disconnect(faults.on_finished)
        logged.disconnect(faults.on_message)
