"""Where the pixels of a layer lie that is not a file: its own, its tile matrix's, or a ladder's."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qgis.core import QgsCoordinateReferenceSystem, QgsRasterDataProvider, QgsRectangle

from ..core.errors import ImageryError
from ..core.grid import PredictionGrid
from ..core.ground import pixel_size_m
from ..core.imagery import Geotransform
from ..core.raster_io import raster_io

MERCATOR_HALF = math.pi * 6378137.0
"""Half the side of the Web Mercator square, in its metres."""


@dataclass(frozen=True)
class Frame:
    """The pixel raster laid over a layer.

    Args:
        origin_x: map x of its top left corner.
        origin_y: map y of its top left corner.
        pixel_width: in units of the CRS.
        pixel_height: in units of the CRS.
        width: columns.
        height: rows.
        is_service: whether the pixels are made for the asking, by a map or tile service.
    """

    origin_x: float
    origin_y: float
    pixel_width: float
    pixel_height: float
    width: int
    height: int
    is_service: bool

    @property
    def geotransform(self) -> Geotransform:
        """GDAL's six numbers."""
        return (self.origin_x, self.pixel_width, 0.0, self.origin_y, 0.0, -self.pixel_height)


def frame_of(
    provider: QgsRasterDataProvider, best_pixel_size_m: float, at: tuple[float, float] | None = None
) -> Frame:
    """The pixels that predictions over a layer use.

    A raster with pixels of its own has those. A tile service has those of its tile matrix, at the
    zoom whose ground pixel size at a point is nearest (in log2) to the model's best. Other services
    get pixels of the model's best size at the centre of the layer; in Web Mercator that is best /
    cos(latitude), counted from the corner of the Web Mercator square.

    Args:
        provider: of the layer.
        best_pixel_size_m: of the model.
        at: x and y, in the layer's CRS, of the middle of what is wanted; the layer's centre where None.

    Raises:
        ImageryError: the layer has no extent, or no CRS that says how large its pixels are.
    """
    extent = provider.extent()
    if extent.isEmpty():
        raise ImageryError("The layer has no extent; repair its source first.")
    if provider.xSize() > 0 and provider.ySize() > 0:
        width, height = provider.xSize(), provider.ySize()
        return Frame(
            extent.xMinimum(), extent.yMaximum(), extent.width() / width, extent.height() / height,
            width, height, is_service=False,
        )  # fmt: skip
    centre = (extent.center().x(), extent.center().y())
    sizes = list(provider.nativeResolutions())
    if sizes:
        metres = _metres_a_unit(provider.crs(), at or centre, min(sizes))
        size = min(sizes, key=lambda s: (abs(math.log2(s * metres / best_pixel_size_m)), s))
        return _service_frame(extent, provider.crs(), size)
    return frame_of_service(extent, provider.crs(), best_pixel_size_m)


def frame_of_service(
    extent: QgsRectangle, crs: QgsCoordinateReferenceSystem, best_pixel_size_m: float
) -> Frame:
    """Pixels of the model's best size at the centre of a service that states none.

    Args:
        extent: of the service.
        crs: of its extent.
        best_pixel_size_m: of the model.

    Raises:
        ImageryError: there is no extent, or no CRS that says how large its pixels are.
    """
    if extent.isEmpty():
        raise ImageryError("The layer has no extent; repair its source first.")
    centre = (extent.center().x(), extent.center().y())
    return _service_frame(extent, crs, best_pixel_size_m / _metres_a_unit(crs, centre, None))


def _metres_a_unit(crs: QgsCoordinateReferenceSystem, at: tuple[float, float], unit: float | None) -> float:
    """Ground metres that a unit of the CRS covers at a point."""
    if not crs.isValid():
        raise ImageryError("The service has no CRS, so the size of its pixels is unknown; set its CRS first.")
    if crs.authid() == "EPSG:3857":
        # the ladder that the design fixes: the sphere's scale, not the ellipsoid's
        return math.cos(2 * math.atan(math.exp(at[1] / 6378137.0)) - math.pi / 2)
    side = unit or (1e-5 if crs.isGeographic() else 1.0)
    wkt = crs_wkt(crs)
    io = raster_io()
    probe = PredictionGrid(at[0], at[1], side, side, 1, 1)
    size = pixel_size_m(probe, lambda x, y: io.to_lonlat(wkt, x, y), at)
    if size is None:
        raise ImageryError("The service lies outside of its CRS; set its CRS right first.")
    return size / side


def _service_frame(extent: QgsRectangle, crs: QgsCoordinateReferenceSystem, size: float) -> Frame:
    """Pixels of a size over the extent of a service, from the corner of its world."""
    if crs.authid() == "EPSG:3857":
        corner = (-MERCATOR_HALF, MERCATOR_HALF)
    elif crs.isGeographic():
        corner = (-180.0, 90.0)
    else:
        corner = (extent.xMinimum(), extent.yMaximum())
    col = max(0, math.floor((extent.xMinimum() - corner[0]) / size + 1e-3))
    row = max(0, math.floor((corner[1] - extent.yMaximum()) / size + 1e-3))
    col_end = math.ceil((extent.xMaximum() - corner[0]) / size - 1e-3)
    row_end = math.ceil((corner[1] - extent.yMinimum()) / size - 1e-3)
    return Frame(
        corner[0] + col * size, corner[1] - row * size, size, size,
        max(1, col_end - col), max(1, row_end - row), is_service=True,
    )  # fmt: skip


def crs_wkt(crs: QgsCoordinateReferenceSystem) -> str:
    """A CRS as GDAL likes it."""
    return str(crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED_GDAL))
