"""From a layer's data source to imagery that live workers read."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from qgis.core import QgsCoordinateReferenceSystem, QgsProviderRegistry, QgsRasterLayer

from ..core.errors import ImageryError
from ..core.imagery import ImagerySource
from ..core.raster_io import raster_io
from .feed import FeedSource

WEEK_S = 7 * 86400.0


def open_layer(provider: str, source: str) -> QgsRasterLayer:
    """The imagery as a layer of its own; the user's layer is never touched.

    Raises:
        ImageryError: it cannot be opened.
    """
    options = QgsRasterLayer.LayerOptions(False)  # no style: that would read pixels for a stretch
    layer = QgsRasterLayer(source, "imagery", provider, options)
    if not layer.isValid():
        raise ImageryError(f"The imagery {short_name(provider, source)} cannot be opened; "
                           "check that it is where it was.")  # fmt: skip
    return layer


def short_name(provider: str, source: str) -> str:
    """A file's name, or the provider's for anything that might hold a password."""
    if provider != "gdal":
        return f"of the {provider} layer"
    path = str(QgsProviderRegistry.instance().decodeUri("gdal", source).get("path", source))
    return path.split("?", maxsplit=1)[0].rsplit("@", 1)[-1]


def feed_source(layer: QgsRasterLayer) -> FeedSource:
    """Imagery for a feed; made in the layer's thread.

    Raises:
        ImageryError: it cannot be read pixel by pixel.
    """
    if layer.providerType() != "gdal":
        raise ImageryError("Live land cover reads raster files; this layer is a "
                           f"{layer.providerType()} service, which this version cannot predict on.")  # fmt: skip
    sources = (_open_file(layer),)
    wkt = sources[0].crs_wkt

    def to_lonlat(
        x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        return raster_io("gdal").to_lonlat(wkt or "", x, y)

    return FeedSource(sources, to_lonlat if wkt else None)


def _open_file(layer: QgsRasterLayer) -> ImagerySource:
    path = str(layer.dataProvider().dataSourceUri(True)).split("|", 1)[0]
    source = raster_io("gdal").open(path)
    if source.crs_wkt is None and layer.crs().isValid():
        source.crs_wkt = layer.crs().toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED_GDAL)
    return source
