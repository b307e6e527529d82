"""Comparison views: blend and classes in two windows that follow the main map."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qgis.core import QgsRasterLayer
from qgis.gui import QgsDockWidget, QgsMapCanvas, QgsMapToolPan
from qgis.PyQt.QtCore import Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QCloseEvent

from ..live.outputs import BLEND, CLASSES
from ..live.registry import KEY
from ..live.repainting import is_live
from ..translation import tr
from .live_layers import style, uri_of
from .map_scale import keep_scale

_FETCHED = (
    "wms", "wcs", "arcgismapserver", "arcgisvectortileservice", "xyzvectortiles", "vtpkvectortiles",
)  # fmt: skip


def below_land_cover(layers: Iterable[Any]) -> list[Any]:
    """The layers of a map that a comparison window shows below its land cover.

    Those of tile and map services are left out: each window would ask for the same pictures at the
    same moment, and Qt's network cache can end the process when one of such requests is cancelled.
    """
    return [
        layer for layer in layers if not is_live(layer) and str(layer.providerType()).lower() not in _FETCHED
    ]


class CompareView(QgsDockWidget):
    """A map window with one output of a live layer, locked to the main map's extent.

    It owns its canvas and its live layer, which is in no project and shares the tiles of all others.
    The canvas is stopped before the layer goes. Main thread only.

    Signals:
        closed: by the user or by :meth:`close`.
    """

    closed = pyqtSignal()

    def __init__(self, iface: Any, live: Any, output: str, title: str) -> None:
        super().__init__(title, iface.mainWindow())
        self.setObjectName(f"LandcoverCompare_{output}")
        self._main = iface.mapCanvas()
        self._is_following = False
        uri = uri_of(live)
        self.layer = QgsRasterLayer(uri.showing(output).text() if uri else "", title, KEY)
        if self.layer.isValid():
            style(self.layer)
        self.canvas = QgsMapCanvas(self)
        self.canvas.setAccessibleName(title)
        self.canvas.setMinimumSize(120, 120)
        self.canvas.setCanvasColor(self._main.canvasColor())
        self.canvas.enableAntiAliasing(self._main.antiAliasingEnabled())
        self._pan = QgsMapToolPan(self.canvas)
        self.canvas.setMapTool(self._pan)
        self.setWidget(self.canvas)
        self._size = self.canvas.size()
        self._main.extentsChanged.connect(self._follow)
        self._main.destinationCrsChanged.connect(self._follow)
        self._main.rotationChanged.connect(self._follow)
        self._main.layersChanged.connect(self._take_layers)
        self.canvas.extentsChanged.connect(self._lead)
        self._take_layers()
        # the window has its size only after it was laid out
        QTimer.singleShot(0, self._follow)

    def _take_layers(self) -> None:
        below = below_land_cover(self._main.layers())
        self.canvas.setLayers([self.layer, *below] if self.layer.isValid() else below)

    def _follow(self, *_: object) -> None:
        """The main map moved."""
        if self._is_following:
            return
        self._is_following = True
        try:
            if self.canvas.mapSettings().destinationCrs() != self._main.mapSettings().destinationCrs():
                self.canvas.setDestinationCrs(self._main.mapSettings().destinationCrs())
            self.canvas.setRotation(self._main.rotation())
            # the same centre at the same scale, so that pixels can be compared
            self.canvas.setExtent(self._main.extent())
            self.canvas.zoomScale(self._main.scale())
            self._size = self.canvas.size()
            self.canvas.refresh()
        finally:
            self._is_following = False

    def _lead(self) -> None:
        """This window was moved by the user: the main map, and so the others, go along."""
        if self._is_following:
            return
        if self.canvas.size() != self._size:  # it was only resized, the main map is not to move
            self._size = self.canvas.size()
            self._follow()
            return
        self._is_following = True
        try:
            self._main.setCenter(self.canvas.center())
            self._main.zoomScale(self.canvas.scale())
            self._main.refresh()
        finally:
            self._is_following = False

    def show_output_of(self, live: Any, output: str) -> None:
        """Another model or imagery is live now."""
        uri = uri_of(live)
        if uri is not None and self.layer.source() != uri.showing(output).text():
            old, self.layer = self.layer, QgsRasterLayer(uri.showing(output).text(), self.windowTitle(), KEY)
            if self.layer.isValid():
                style(self.layer)
            self._take_layers()
            old.deleteLater()

    def end(self) -> None:
        """Let go of everything, in an order that no render thread minds."""
        for signal, slot in (
            (self._main.extentsChanged, self._follow),
            (self._main.destinationCrsChanged, self._follow),
            (self._main.rotationChanged, self._follow),
            (self._main.layersChanged, self._take_layers),
        ):
            signal.disconnect(slot)
        self.canvas.stopRendering()
        self.canvas.unsetMapTool(self._pan)
        self.canvas.setLayers([])
        self.hide()
        self.deleteLater()

    def closeEvent(self, event: QCloseEvent) -> None:
        """The user closed it."""
        event.accept()
        self.closed.emit()


class Comparison:
    """Blend and classes beside the main map. Main thread only.

    Attributes:
        beside: the panel that the windows stand beside, where it is visible.
    """

    def __init__(self, iface: Any) -> None:
        self._iface = iface
        self._views: dict[str, CompareView] = {}
        self.beside: Any = None

    @property
    def canvases(self) -> list[Any]:
        """The map windows that are open."""
        return [view.canvas for view in self._views.values()]

    def open(self, live: Any) -> None:
        """Open both windows, or bring them to another layer."""
        window, above = self._iface.mainWindow(), None
        keep_scale(self._iface.mapCanvas())
        for output, title in ((BLEND, tr("Land cover, blend")), (CLASSES, tr("Land cover, classes"))):
            view = self._views.get(output)
            if view is not None:
                view.show_output_of(live, output)
                above = view
                continue
            view = self._views[output] = CompareView(self._iface, live, output, title)
            view.closed.connect(lambda name=output: self._forget(name))
            window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, view)
            if above is not None:
                window.splitDockWidget(above, view, Qt.Orientation.Vertical)
            else:
                self._place_panel_right_of(view)
            view.show()
            above = view
        self._share_room(list(self._views.values()))

    def _place_panel_right_of(self, view: CompareView) -> None:
        """Maps stand beside the map, the panel at the edge of the window."""
        window, panel = self._iface.mainWindow(), self.beside
        if panel is None or not panel.isVisible() or panel.isFloating():
            return
        if window.dockWidgetArea(panel) == Qt.DockWidgetArea.RightDockWidgetArea:
            window.splitDockWidget(view, panel, Qt.Orientation.Horizontal)

    def _share_room(self, views: list[CompareView]) -> None:
        window, panel = self._iface.mainWindow(), self.beside
        docks, widths = list(views[:1]), [window.width() // 3]
        if panel is not None and panel.isVisible():
            docks.append(panel)
            widths.append(panel.minimumSizeHint().width())
        window.resizeDocks(docks, widths, Qt.Orientation.Horizontal)
        window.resizeDocks(views, [window.height() // 2] * len(views), Qt.Orientation.Vertical)

    def _forget(self, output: str) -> None:
        view = self._views.pop(output, None)
        if view is not None:
            view.end()

    def close(self) -> None:
        """Close both windows."""
        for output in list(self._views):
            self._forget(output)
