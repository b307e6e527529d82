"""From a layer of QGIS to imagery of the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qgis.core import QgsCoordinateReferenceSystem, QgsRasterLayer

from ..core.errors import ImageryError

if TYPE_CHECKING:
    from ..core.grid import Extent
    from ..core.imagery import ImagerySource
    from .frame import Frame
    from .image_service_imagery import ImageServiceImagery
    from .reading_thread import CancellableSource
    from .xyz_tiles import XyzService

_COLOUR_BANDS = 3
_TILE_PX = 256
_SERVICES = ("wms", "wcs", "arcgismapserver", "arcgisimageserver")


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

    def __init__(self, layer: QgsRasterLayer, name: str = "") -> None:
        """Take it from a layer; its renderer and settings are neither used nor changed.

        Args:
            layer: whose imagery.
            name: for messages; the layer's where empty.

        Raises:
            ImageryError: the layer is not valid, or its service does not say what it has.
        """
        self.name = name or layer.name()
        self.crs = QgsCoordinateReferenceSystem(layer.crs())
        if not layer.isValid():
            raise ImageryError(f"Layer {self.name} cannot be opened; repair its source first.")
        self._path, self._clone, self._service = "", None, None
        self._image_service: ImageServiceImagery | None = None
        if layer.providerType() == "gdal":
            self._path = raster_path(layer)
            self.band_count, self.is_service = layer.bandCount(), False
            return
        if self._take_image_service(layer):
            return
        from .provider_source import own_clone, sends_colours

        provider = layer.dataProvider()
        self._service = _xyz_service(layer)
        self._clone = own_clone(provider)
        self.is_service = layer.providerType() in _SERVICES or provider.xSize() <= 0
        self.band_count = _COLOUR_BANDS if sends_colours(provider) else layer.bandCount()
        if self._service is not None:
            self.band_count = self._service.band_count

    def _take_image_service(self, layer: QgsRasterLayer) -> bool:
        from .image_server import image_address
        from .image_service_imagery import ImageServiceImagery

        address = image_address(layer.providerType(), layer.source())
        if address is None:
            return False
        self._image_service = ImageServiceImagery(address.service(self.name), self.name, self.crs)
        self.band_count, self.is_service = self._image_service.band_count, True
        return True

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
        if self._image_service is not None:
            return self._image_service.open(best_pixel_size_m, is_cancelled)
        if self._clone is None:
            return self._file()
        from .reading_thread import ThreadedSource

        frame = self._frame(best_pixel_size_m, extent.centre if extent else None)
        return ThreadedSource(self._reader(frame, self._clone), is_cancelled)

    def readers(
        self, best_pixel_size_m: float, at: tuple[float, float] | None, count: int
    ) -> tuple[ImagerySource, ...]:
        """The imagery for threads that Qt made; called where the layer lives.

        Args:
            best_pixel_size_m: of the model; decides the zoom of a tile service.
            at: x and y, in the layer's CRS, of the middle of what is wanted; the layer's centre where None.
            count: how many threads will read a service; other imagery has one reader.

        Raises:
            ImageryError: it cannot be read pixel by pixel.
        """
        if self._image_service is not None:
            return self._image_service.readers(best_pixel_size_m, count)
        if self._clone is None:
            return (self._file(),)
        from .provider_source import own_clone

        frame = self._frame(best_pixel_size_m, at)
        first = self._reader(frame, own_clone(self._clone))
        more = range(1, count if self.is_service else 1)
        return (first, *(first.reopen() for _ in more))

    def _frame(self, best_pixel_size_m: float, at: tuple[float, float] | None) -> Frame:
        from .frame import frame_of  # numpy comes with it, which QGIS should not wait for when it starts

        return frame_of(self._clone, best_pixel_size_m, at)

    def _reader(self, frame: Frame, clone: object) -> CancellableSource:
        from .frame import crs_wkt
        from .provider_source import ProviderSource

        if self._service is not None:
            return self._service.source(frame, crs_wkt(self.crs), self.name)
        return ProviderSource(clone, frame, self.name, self._clone)

    def _file(self) -> ImagerySource:
        from ..core.raster_io import raster_io
        from .frame import crs_wkt

        source = raster_io().open(self._path)
        if source.crs_wkt is None and self.crs.isValid():
            source.crs_wkt = crs_wkt(self.crs)
        return source


def _xyz_service(layer: QgsRasterLayer) -> XyzService | None:
    """The tile service behind a layer, where it is asked without QGIS' provider."""
    from .xyz_tiles import xyz_service

    return xyz_service(layer.source()) if layer.providerType() == "wms" else None


def band_count(layer: QgsRasterLayer) -> int:
    """Bands that a model can choose from, as far as that is known without asking anybody."""
    if layer.providerType() == "gdal":
        return int(layer.bandCount())
    from .image_server import image_band_count

    return image_band_count(layer) or max(_COLOUR_BANDS, int(layer.bandCount()))


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
