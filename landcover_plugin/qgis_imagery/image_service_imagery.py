"""An image service as imagery, without a layer of QGIS."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qgis.core import QgsCoordinateReferenceSystem

from .frame import crs_wkt

if TYPE_CHECKING:
    from ..core.imagery import ImagerySource
    from .image_server import ImageServerSource, ImageService


class ImageServiceImagery:
    """What :class:`LayerImagery` is for a layer. Any thread may make and use it.

    Args:
        service: that has said what it has.
        name: of the layer, for people.
        crs: to be used in place of the service's own, where it is valid.
    """

    def __init__(
        self, service: ImageService, name: str, crs: QgsCoordinateReferenceSystem | None = None
    ) -> None:
        self._service, self.name = service, name
        self.crs = crs if crs is not None and crs.isValid() else service.crs
        self.band_count, self.is_service = service.band_count, True

    def open(self, best_pixel_size_m: float, is_cancelled: Callable[[], bool]) -> ImagerySource:
        """The imagery, for any thread.

        Args:
            best_pixel_size_m: of the model; for services that state no pixels of their own.
            is_cancelled: asked while the service keeps a reader waiting.

        Raises:
            ImageryError: it cannot be read pixel by pixel.
        """
        from .reading_thread import ThreadedSource

        return ThreadedSource(self._reader(best_pixel_size_m), is_cancelled)

    def readers(self, best_pixel_size_m: float, count: int) -> tuple[ImagerySource, ...]:
        """The imagery for ``count`` threads that Qt made.

        Raises:
            ImageryError: it cannot be read pixel by pixel.
        """
        first = self._reader(best_pixel_size_m)
        return (first, *(first.reopen() for _ in range(1, count)))

    def _reader(self, best_pixel_size_m: float) -> ImageServerSource:
        return self._service.source(self._service.frame(best_pixel_size_m), crs_wkt(self.crs), self.name)
