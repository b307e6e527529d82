"""From a layer of QGIS to imagery of the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qgis.core import QgsCoordinateReferenceSystem, QgsRasterLayer

from ..core.errors import ImageryError

if TYPE_CHECKING:
    from ..core.grid import Extent
    from ..core.imagery import ImagerySource

_COLOUR_BANDS = 3
_TILE_PX = 256


class LayerImagery:
    """What is needed of a layer to read its imagery elsewhere.

    Made in the thread that the layer lives in; :meth:`open` may be called once, in any thread. The
    layer itself is not kept, so it may go.

    Attributes:
        name: the layer's.
        crs: the layer's, invalid where it has none.
        band_count: bands that a model can choose from.
        is_service: whether its pixels are fetched from a map or tile service for the asking.
    """

    def __init__(self, layer: QgsRasterLayer) -> None:
        """Take it from a layer; its renderer and settings are neither used nor changed.

        Raises:
            ImageryError: the layer is not valid.
        """
        self.name = layer.name()
        self.crs = QgsCoordinateReferenceSystem(layer.crs())
        if not layer.isValid():
            raise ImageryError(f"Layer {self.name} cannot be opened; repair its source first.")
        self._path, self._clone = "", None
        provider = layer.dataProvider()
        self.is_service = provider.xSize() <= 0
        if layer.providerType() == "gdal":
            self._path = raster_path(layer)
            self.band_count = layer.bandCount()
            return
        from .provider_source import own_clone, sends_colours

        self._clone = own_clone(provider)
        self.band_count = _COLOUR_BANDS if sends_colours(provider) else layer.bandCount()

    def open(
        self,
        best_pixel_size_m: float,
        extent: Extent | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> ImagerySource:
        """The imagery.

        Args:
            best_pixel_size_m: of the model; decides the zoom of a tile service.
            extent: that is wanted, in the layer's CRS; all of it where None.
            is_cancelled: asked while a service keeps a reader waiting.

        Raises:
            ImageryError: it cannot be read.
        """
        if self._clone is not None:
            from .frame import frame_of
            from .provider_source import ProviderSource
            from .reading_thread import ThreadedSource

            frame = frame_of(self._clone, best_pixel_size_m, extent.centre if extent else None)
            return ThreadedSource(ProviderSource(self._clone, frame, self.name), is_cancelled)
        from ..core.raster_io import raster_io
        from .frame import crs_wkt

        source = raster_io().open(self._path)
        if source.crs_wkt is None and self.crs.isValid():
            source.crs_wkt = crs_wkt(self.crs)
        return source


def raster_path(layer: QgsRasterLayer) -> str:
    """What GDAL opens for a layer of the ``gdal`` provider."""
    return str(layer.dataProvider().dataSourceUri(True)).split("|", 1)[0]


def request_count(source: ImagerySource, extent: Extent | None, halo: int) -> int:
    """About how many pictures of 256 pixels a job fetches from a service.

    Args:
        source: the service.
        extent: of the job, in its CRS; all of it where None.
        halo: imagery around the job, in pixels.
    """
    from ..core.imagery import grid_of

    grid = grid_of(source, _TILE_PX)
    window = grid.window_of(extent or grid.extent()).padded(halo)
    return grid.tile_count(window)
