"""From a layer of QGIS to imagery of the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qgis.core import QgsCoordinateReferenceSystem, QgsRasterLayer

from ..core.errors import ImageryError

if TYPE_CHECKING:
    from ..core.imagery import ImagerySource


class LayerImagery:
    """What is needed of a layer to read its imagery elsewhere.

    Made in the thread that the layer lives in; :meth:`open` may be called in any one thread. The
    layer itself is not kept, so it may go.

    Attributes:
        name: the layer's.
        crs: the layer's, invalid where it has none.
        band_count: bands that a model can choose from.
    """

    def __init__(self, layer: QgsRasterLayer) -> None:
        """Take it from a layer.

        Raises:
            ImageryError: the layer is not valid.
        """
        self.name = layer.name()
        self.crs = QgsCoordinateReferenceSystem(layer.crs())
        if not layer.isValid():
            raise ImageryError(f"Layer {self.name} cannot be opened; repair its source first.")
        self.band_count = layer.bandCount()
        self._path = raster_path(layer)

    def open(self, is_cancelled: Callable[[], bool] = lambda: False) -> ImagerySource:
        """The imagery.

        Args:
            is_cancelled: asked while a network source keeps a reader waiting.

        Raises:
            ImageryError: it cannot be read.
        """
        from ..core.raster_io import raster_io

        source = raster_io().open(self._path)
        if source.crs_wkt is None and self.crs.isValid():
            source.crs_wkt = self.crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED_GDAL)
        return source


def raster_path(layer: QgsRasterLayer) -> str:
    """What GDAL opens for a layer of the ``gdal`` provider."""
    return str(layer.dataProvider().dataSourceUri(True)).split("|", 1)[0]
