"""Polygon layers of QGIS as the core's polygons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsWkbTypes,
)

from ..core.errors import ImageryError
from ..translation import tr

if TYPE_CHECKING:
    from ..core.raster_io import Polygon


def polygons_of(
    source: QgsProcessingFeatureSource,
    crs: QgsCoordinateReferenceSystem,
    context: QgsProcessingContext,
    name_field: str = "",
) -> list[Polygon]:
    """The polygons of a layer, brought into a CRS.

    Args:
        source: the layer; only its selected features where the user chose so.
        crs: of the raster that they are laid over; theirs is kept where it is invalid.
        context: knows transformations.
        name_field: the field that names them; their ids where empty.

    Raises:
        ImageryError: the layer holds no polygon.
    """
    request = QgsFeatureRequest()
    if crs.isValid() and source.sourceCrs().isValid():
        request.setDestinationCrs(crs, context.transformContext())
    found = [_polygon(f, name_field) for f in source.getFeatures(request) if not f.geometry().isEmpty()]
    if not found:
        raise ImageryError(tr("{} holds no polygons; choose another layer.").format(source.sourceName()))
    return found


def _polygon(feature: QgsFeature, name_field: str) -> Polygon:
    from ..core.grid import Extent
    from ..core.raster_io import Polygon

    geometry = QgsGeometry(feature.geometry())
    if QgsWkbTypes.isCurvedType(geometry.wkbType()):
        geometry = QgsGeometry(geometry.constGet().segmentize())
    box = geometry.boundingBox()
    name = str(feature[name_field]) if name_field else str(feature.id())
    bounds = Extent(box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())
    return Polygon(name, bytes(geometry.asWkb()), bounds)
