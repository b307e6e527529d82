"""How results look when they are loaded: the legend of the model, and a name after the imagery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.core import (
    QgsMapLayer,
    QgsPalettedRasterRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
)
from qgis.PyQt.QtGui import QColor

if TYPE_CHECKING:
    from ..core.legend import Legend

_alive: list[MapStyler] = []


class MapStyler(QgsProcessingLayerPostProcessorInterface):
    """Gives a loaded map the classes of its legend.

    QGIS keeps a bare pointer to it, so it keeps itself alive until it was used.
    """

    def __init__(self, legend: Legend) -> None:
        super().__init__()
        self._legend = legend
        _alive.append(self)

    def postProcessLayer(
        self, layer: QgsMapLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        """Called by QGIS in the main thread, once the layer is loaded."""
        classes = [QgsPalettedRasterRenderer.Class(c.id, QColor(c.colour), c.name) for c in self._legend]
        layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, classes))
        layer.emitStyleChanged()
        layer.triggerRepaint()
        project = context.project()
        node = project.layerTreeRoot().findLayer(layer.id()) if project is not None else None
        if node is not None:
            node.setExpanded(True)
        if self in _alive:
            _alive.remove(self)


def name_result(
    context: QgsProcessingContext, path: str, name: str, styler: MapStyler | None = None, found_at: str = ""
) -> None:
    """Name a result that QGIS will load, and style it.

    Args:
        context: of the run.
        path: the destination that was asked for.
        name: of the layer.
        styler: or None for QGIS' own choice.
        found_at: where the result is, where that differs from ``path``.
    """
    if not context.willLoadLayerOnCompletion(path):
        return
    details = context.layerToLoadOnCompletionDetails(path)
    details.name = name
    details.forceName = True
    if styler is not None:
        details.setPostProcessor(styler)
    if found_at and found_at != path:
        layers = context.layersToLoadOnCompletion()
        layers[found_at] = layers.pop(path)
        context.setLayersToLoadOnCompletion(layers)
