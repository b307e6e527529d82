"""The one button: land cover on, land cover off."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProject, QgsSettings
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..core.errors import ImageryError, LandcoverError, ModelError
from ..live.live_settings import PREFIX
from ..live.outputs import CLASSES
from ..live.repainting import is_live, view_extent, view_size
from ..live.session import LiveSession
from ..live.uri import LiveUri
from ..translation import tr
from .live_layers import (
    bind,
    is_imagery,
    live_layers_of,
    new_live_layer,
    show,
    source_layer_of,
    uri_for,
    uri_of,
)

_MODEL, _OUTPUT = f"{PREFIX}last_model", f"{PREFIX}last_output"


class LiveSwitch(QObject):
    """Which live layer is meant, and whether it is on. Main thread only.

    Signals:
        changed: another layer is meant, or it went on or off.
    """

    changed = pyqtSignal()

    def __init__(self, iface: Any, session: LiveSession) -> None:
        super().__init__()
        self._iface, self._session = iface, session
        self._last_id = ""
        project = QgsProject.instance()
        root = project.layerTreeRoot()
        root.visibilityChanged.connect(self._tell)
        project.layersAdded.connect(self._tell)
        project.layersRemoved.connect(self._tell)
        iface.currentLayerChanged.connect(self._tell)

    def close(self) -> None:
        """Stop listening."""
        project = QgsProject.instance()
        project.layerTreeRoot().visibilityChanged.disconnect(self._tell)
        project.layersAdded.disconnect(self._tell)
        project.layersRemoved.disconnect(self._tell)
        self._iface.currentLayerChanged.disconnect(self._tell)

    def _tell(self, *_: object) -> None:
        self.changed.emit()

    # -- what is meant ---------------------------------------------------------------------------

    @property
    def layer(self) -> Any:
        """The live layer that toolbar and dock speak of, or None.

        The current one, else the one on the current imagery, else the last one used, else any.
        """
        current = self._iface.activeLayer()
        if is_live(current):
            self._last_id = current.id()
            return current
        candidates = live_layers_of(current) if is_imagery(current) else []
        layers = [layer for layer in QgsProject.instance().mapLayers().values() if is_live(layer)]
        last = [layer for layer in candidates or layers if layer.id() == self._last_id]
        found = last or candidates or ([] if is_imagery(current) else layers)
        return found[0] if found else None

    @property
    def source(self) -> Any:
        """The imagery that a new live layer would be made on: the current layer, else the topmost visible."""
        current = self._iface.activeLayer()
        if is_live(current):
            return source_layer_of(current)
        if is_imagery(current):
            return current
        order = QgsProject.instance().layerTreeRoot().layerOrder()
        for layer in order:
            node = QgsProject.instance().layerTreeRoot().findLayer(layer.id())
            if is_imagery(layer) and node is not None and node.isVisible():
                return layer
        return None

    @property
    def is_on(self) -> bool:
        """Whether the live layer that is meant is visible."""
        node = self._node(self.layer)
        return node is not None and bool(node.isVisible())

    def _node(self, layer: Any) -> Any:
        return QgsProject.instance().layerTreeRoot().findLayer(layer.id()) if layer is not None else None

    # -- on and off ------------------------------------------------------------------------------

    def turn(self, on: bool) -> None:
        """Show land cover, or hide it; a layer is made where there is none."""
        layer = self.layer
        if on and layer is not None and layer.isValid() and _is_idle(layer):
            bind(layer)  # a service that failed may answer now, a model may be there again
            layer.triggerRepaint()
        if layer is None and on:
            try:
                layer = self._add()
            except LandcoverError as e:
                self._session.tell(str(e), "model" if isinstance(e, ModelError) else "imagery")
        node = self._node(layer)
        if node is not None:
            if on:
                node.setItemVisibilityCheckedParentRecursive(True)
            else:
                node.setItemVisibilityChecked(False)
        self.changed.emit()

    def _add(self) -> Any:
        source = self.source
        if source is None:
            raise ImageryError(
                tr("There is no imagery on the map; add a raster layer, then press the button again.")
            )
        layer = new_live_layer(source, self.new_uri(source))
        self._look_ahead(layer)
        add_above(layer, source)
        self._last_id = layer.id()
        return layer

    def _look_ahead(self, layer: Any) -> None:
        """Ask for the tiles that the map will ask for once it draws the layer, which takes it a moment."""
        feed, canvas = layer.dataProvider().live.feed, self._iface.mapCanvas()
        if feed is None:
            return
        if not canvas.isDrawing():
            canvas.stopRendering()  # of the ground around the view, which QGIS may be at for seconds
        feed.prepare()
        size = view_size(canvas)
        for extent in view_extent(canvas, layer):
            view = feed.view(extent, size.height(), size.width()) if not size.isEmpty() else None
            if view is not None:
                there = feed.there(view, CLASSES)
                feed.ask(view, [index for index in view.tiles() if index not in there])

    def new_uri(self, source: Any) -> LiveUri:
        """What the next press would make on an imagery.

        Raises:
            ModelError: no model fits.
        """
        settings = QgsSettings()
        looked_at = view_extent(self._iface.mapCanvas(), source)
        return uri_for(
            self._session,
            source,
            str(settings.value(_OUTPUT, CLASSES) or CLASSES),
            str(settings.value(_MODEL, "") or ""),
            looked_at[0].centre if looked_at else None,
        )

    # -- what it shows ---------------------------------------------------------------------------

    def show_model(self, name: str) -> None:
        """Predict with another model, now and at the next first press."""
        QgsSettings().setValue(_MODEL, name)
        self._show(model=name)

    def show_output(self, output: str) -> None:
        """Show classes, blend or confidence, now and at the next first press."""
        QgsSettings().setValue(_OUTPUT, output)
        self._show(output=output)

    def show_bands(self, bands: str) -> None:
        """Read other bands; the guess where empty."""
        self._show(bands=bands)

    def _show(self, **what: str) -> None:
        layer = self.layer
        if layer is not None:
            show(layer, **what)
        self.changed.emit()

    @property
    def output(self) -> str:
        """What is shown, or would be."""
        uri = uri_of(self.layer) if self.layer is not None else None
        return uri.output if uri else str(QgsSettings().value(_OUTPUT, CLASSES) or CLASSES)


def _is_idle(layer: Any) -> bool:
    """Whether a layer has nothing to predict from, and nobody is being asked for it."""
    live = layer.dataProvider().live
    return live.feed is None and not live.is_awaited


def add_above(layer: Any, source: Any) -> None:
    """Put a layer into the project, right above another in the layer tree."""
    project = QgsProject.instance()
    root = project.layerTreeRoot()
    node = root.findLayer(source.id())
    parent = node.parent() if node is not None else root
    place = parent.children().index(node) if node is not None else 0
    project.addMapLayer(layer, False)
    node = parent.insertLayer(place, layer)
    # QGIS folds the legend of what is new a moment later
    QTimer.singleShot(0, lambda: _unfold(node))


def _unfold(node: Any) -> None:
    if not sip.isdeleted(node):
        node.setExpanded(False)
        node.setExpanded(True)
