"""What the next press of the button needs, made ready while QGIS has nothing to do."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qgis.PyQt.QtCore import QObject, Qt, QTimer, pyqtSignal

from ..core.errors import LandcoverError
from ..live.session import LiveSession
from ..live.threads import start_thread
from ..qgis_imagery.layers import raster_path
from .live_switch import LiveSwitch

if TYPE_CHECKING:
    from ..live.live_settings import LiveSettings
    from ..live.live_source import LiveSource

IDLE_MS = 300
KEEP_MS = 10 * 60 * 1000
_LOCAL = ("auto", "onnxruntime", "worker", "numpy", "openvino")


class HeadStart(QObject):
    """Opens imagery and model before the button is pressed, so that the first tile comes at once.

    Some time after raster imagery has come to the map, and only where nothing is sent anywhere: a
    file on this computer, a backend on this computer. One at a time, and for ten minutes at most.
    Main thread only; what takes long is done in threads.

    Args:
        iface: QGIS' interface.
        session: of live layers.
        switch: says what the button would do.
    """

    _imported = pyqtSignal()

    def __init__(self, iface: Any, session: LiveSession, switch: LiveSwitch) -> None:
        super().__init__()
        self._iface, self._session, self._switch = iface, session, switch
        self._held: LiveSource | None = None
        self._held_for: tuple[str | None, LiveSettings] | None = None
        self._join: Callable[[float], bool] | None = None
        self._idle = _single_shot(self, IDLE_MS, self._begin)
        self._end = _single_shot(self, KEEP_MS, self._let_go)
        # queued: the import's own thread says it
        self._imported.connect(self._hold, Qt.ConnectionType.QueuedConnection)
        switch.changed.connect(self._wait)

    @property
    def is_ready(self) -> bool:
        """Whether what the next press needs is there."""
        return self._held is not None and self._held.feed is not None and self._held.feed.setup is not None

    def close(self) -> None:
        """Stop, and let go of everything."""
        self._switch.changed.disconnect(self._wait)
        self._imported.disconnect(self._hold)  # it may be on its way
        self._idle.stop()
        self._let_go()
        if self._join is not None:
            self._join(10.0)

    def _wait(self) -> None:
        self._idle.start()

    def _begin(self) -> None:
        if self._iface.mapCanvas().isDrawing():
            self._idle.start()
        elif self._uri() is None:
            self._let_go()
        elif self._join is None:
            self._join = start_thread(self._import, "landcover-head-start")
        else:
            self._hold()

    def _import(self) -> None:
        """In a thread: numpy and the rooms that need it."""
        from ..live import feeds  # noqa: F401

        self._imported.emit()

    def _uri(self) -> str | None:
        """The layer that the next press would make; None where that would reach beyond this computer."""
        source = self._switch.source
        if source is None or self._switch.layer is not None or source.providerType() != "gdal":
            return None
        if self._session.settings.backend.partition(":")[0].strip().lower() not in _LOCAL:
            return None
        # no file is at a path of GDAL's network file systems
        if not os.path.isfile(raster_path(source)):
            return None
        try:
            return self._switch.new_uri(source).text()
        except LandcoverError:
            return None  # it is said when the button is pressed

    def _hold(self) -> None:
        text = self._uri()
        wanted = (text, self._session.settings)
        if text is None or (self._held is not None and self._held_for == wanted):
            return
        self._let_go()
        source = self._session.source_of(text, quietly=True)
        if source.feed is not None:
            source.feed.users.add(source)
            source.feed.prepare()
            self._held, self._held_for = source, wanted
            self._end.start()

    def _let_go(self) -> None:
        """The session closes what nobody else holds."""
        self._end.stop()
        self._held = None


def _single_shot(parent: QObject, milliseconds: int, slot: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(slot)
    return timer
