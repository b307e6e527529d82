"""When a live layer is painted again: never while a map window that shows it is drawing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from qgis.core import Qgis, QgsCoordinateTransform, QgsCsException, QgsNetworkAccessManager, QgsProject
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QSize, QTimer

from ..core.grid import Extent
from .registry import KEY
from .surroundings import Surroundings

if TYPE_CHECKING:
    from .feed import TileFeed
    from .session import LiveSession

_LEAST_S = 0.1
_COSTS = 4.0
_MOST_COST_S = 0.5
_TICK_MS = 400
_MOST_TIMEOUTS = 3
_EXPANDS_GROUPS = 32400
_ASKS_DEVICE_PIXELS = 33404


class _Gate:
    """When one layer may be painted next. Main thread only."""

    def __init__(self) -> None:
        self.is_due = False
        self.due_since = 0.0
        self.asked_at = 0.0
        self.begun_at: float | None = None
        self.is_drawn = True
        self.cost_s = 0.0

    def want(self) -> None:
        """There is something new to paint."""
        if not self.is_due:
            self.is_due, self.due_since = True, time.monotonic()

    def is_overdue(self, now: float) -> bool:
        """Whether a frame has kept it waiting for so long that it cannot be thought to end by itself."""
        return self.is_due and now - self.due_since > _longest_frame_s()

    def wait_s(self, now: float, *, is_whole: bool) -> float:
        """Seconds until the next painting is allowed, by time alone.

        Args:
            now: the time.
            is_whole: whether all that is looked at is there, so that nothing is gained by gathering more.
        """
        apart = 0.0 if is_whole else max(_LEAST_S, _COSTS * self.cost_s)
        return max(0.0, self.asked_at + apart - now)


class Repainter(QObject):
    """Paints live layers again as their tiles arrive, and tells feeds which views are on screen.

    A repaint on a plain timer would cancel other, slow layers for ever. So a layer is painted again
    only while no map window that shows it is drawing, else when that one has finished; and at most
    every 100 ms or four times what the last such frame took, but the last tiles of a view at once. A
    frame that a lost network reply keeps from ending for three times QGIS' limit on the network is not
    waited for. Main thread only. It holds no layer: a layer that goes is not in the windows any more.

    Args:
        session: whose news it follows.
        canvases: the map windows there are now.
    """

    def __init__(self, session: LiveSession, canvases: Callable[[], Iterable[Any]]) -> None:
        super().__init__()
        self._session, self._canvases = session, canvases
        self._gates: dict[str, _Gate] = {}
        self._known: list[Any] = []
        self._surroundings = Surroundings()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._paint_due)
        self._ticker = QTimer(self)
        self._ticker.timeout.connect(self._tick)
        self._ticker.start(_TICK_MS)
        session.changed.connect(self._on_change)
        self._tick()

    def close(self) -> None:
        """Stop following."""
        self._session.changed.disconnect(self._on_change)
        self._ticker.stop()
        self._soon.stop()
        for canvas in self._living():
            canvas.renderStarting.disconnect(self._begins)
            canvas.mapCanvasRefreshed.disconnect(self._refreshed)
            canvas.extentsChanged.disconnect(self._moved)
        self._known.clear()
        self._surroundings.release()

    # -- painting --------------------------------------------------------------------------------

    def paint_anew(self, layer: Any) -> None:
        """Paint a layer that has another data source, now and once more after a frame that is under way.

        QGIS may keep what the old source has just painted as the layer's picture, and ask no more.
        """
        layer.triggerRepaint()
        self._gates.setdefault(layer.id(), _Gate()).want()
        self._paint_due()

    def _on_change(self, feed: TileFeed) -> None:
        for canvas in self._living():
            for layer in live_layers(canvas):
                if layer.dataProvider().live.feed is feed:
                    self._gates.setdefault(layer.id(), _Gate()).want()
        self._paint_due()

    def _begins(self) -> None:
        """A window starts a frame, after which QGIS may draw the ground around it."""
        self._update_surroundings()
        now = time.monotonic()
        for gate in self._gates.values():
            if not gate.is_drawn and gate.begun_at is None:
                gate.begun_at = now

    def _refreshed(self) -> None:
        """A window has finished a frame."""
        now = time.monotonic()
        for layer, canvases in self._shown().values():
            gate = self._gates.get(layer.id())
            if gate is None or gate.is_drawn or any(c.isDrawing() for c in canvases):
                continue
            gate.is_drawn = True
            # a frame in which other layers were drawn too may have taken long, through no fault of ours
            gate.cost_s = 0.0 if gate.begun_at is None else min(now - gate.begun_at, _MOST_COST_S)
        self._paint_due()

    def _paint_due(self) -> None:
        now = time.monotonic()
        wait = None
        shown = self._shown()
        for layer, canvases in shown.values():
            gate = self._gates.get(layer.id())
            drawing = any(canvas.isDrawing() for canvas in canvases)
            if gate is None or (drawing and not gate.is_overdue(now)):
                continue  # at the end of the drawing we are called again
            if not gate.is_due:
                continue
            feed = layer.dataProvider().live.feed
            left = gate.wait_s(now, is_whole=feed is None or not feed.queue.waiting)
            if left > 0:
                wait = left if wait is None else min(wait, left)
                continue
            gate.is_due, gate.is_drawn, gate.asked_at, gate.begun_at = False, False, now, None
            layer.triggerRepaint()
        for gone in set(self._gates) - set(shown):
            del self._gates[gone]
        if wait is not None:
            self._soon.start(int(wait * 1000) + 1)

    def _shown(self) -> dict[str, tuple[Any, list[Any]]]:
        """Live layers on screen, by id, and the windows that show each."""
        shown: dict[str, tuple[Any, list[Any]]] = {}
        for canvas in self._living():
            for layer in live_layers(canvas):
                shown.setdefault(layer.id(), (layer, []))[1].append(canvas)
        return shown

    # -- who looks -------------------------------------------------------------------------------

    def _living(self) -> list[Any]:
        self._known = [canvas for canvas in self._known if not sip.isdeleted(canvas)]
        return self._known

    def _tick(self) -> None:
        known = self._living()
        for canvas in self._canvases():
            if canvas not in known:
                canvas.renderStarting.connect(self._begins)
                canvas.mapCanvasRefreshed.connect(self._refreshed)
                canvas.extentsChanged.connect(self._moved)
                known.append(canvas)
        self._tell_views(only=False)
        self._update_surroundings()
        if any(gate.is_due for gate in self._gates.values()) and not self._soon.isActive():
            self._paint_due()

    def _moved(self) -> None:
        for gate in self._gates.values():
            gate.is_drawn = True  # its frame is given up for one of the new view, with all layers in it
        self._tell_views(only=True)

    def _update_surroundings(self) -> None:
        for canvas in self._living():
            feeds = [layer.dataProvider().live.feed for layer in live_layers(canvas)]
            awaited = any(feed is not None and feed.queue.waiting for feed in feeds)
            self._surroundings.update(canvas, is_awaited=awaited)

    def _tell_views(self, *, only: bool) -> None:
        views: dict[int, tuple[TileFeed, list[Extent]]] = {}
        for canvas in self._living():
            for layer in live_layers(canvas):
                feed = layer.dataProvider().live.feed
                if feed is not None:
                    views.setdefault(id(feed), (feed, []))[1].extend(view_extent(canvas, layer))
        for feed, extents in views.values():
            feed.looked_at(extents, only=only)


def _longest_frame_s() -> float:
    return _MOST_TIMEOUTS * float(QgsNetworkAccessManager.timeout()) / 1000


def live_layers(canvas: Any) -> list[Any]:
    """The valid live layers that a map window shows."""
    layers = canvas.layers(True) if Qgis.QGIS_VERSION_INT >= _EXPANDS_GROUPS else canvas.layers()
    return [layer for layer in layers if is_live(layer) and layer.isValid()]


def is_live(layer: Any) -> bool:
    """Whether a layer is a live land cover layer."""
    return layer is not None and not sip.isdeleted(layer) and layer.providerType() == KEY


def view_extent(canvas: Any, layer: Any) -> list[Extent]:
    """What a map window shows, in a layer's CRS; nothing where it cannot be said."""
    transform = QgsCoordinateTransform(
        canvas.mapSettings().destinationCrs(), layer.crs(), QgsProject.instance()
    )
    try:
        box = transform.transformBoundingBox(canvas.mapSettings().visibleExtent())
    except QgsCsException:
        return []
    return [Extent(box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())]


def view_size(canvas: Any) -> QSize:
    """Pixels in which QGIS asks rasters for what a map window shows: those of the screen since 3.34.4."""
    settings = canvas.mapSettings()
    if Qgis.QGIS_VERSION_INT >= _ASKS_DEVICE_PIXELS:
        return settings.deviceOutputSize()
    return settings.outputSize()
