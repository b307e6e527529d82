"""From a layer's data source to imagery that live workers read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from qgis.core import QgsProviderRegistry, QgsRasterLayer

from ..core.errors import ImageryError
from ..core.grid import Extent, Window
from ..core.imagery import ImagerySource
from ..core.model import ModelSpec
from ..core.raster_io import raster_io
from ..qgis_imagery import LayerImagery, host_of
from ..qgis_imagery.image_server import image_address
from ..qgis_imagery.image_service_imagery import ImageServiceImagery
from ..translation import tr
from .feed_source import FeedSource
from .uri import LiveUri

WEEK_S = 7 * 86400.0
_SERVICE_WORKERS = 3


def open_layer(provider: str, source: str) -> QgsRasterLayer:
    """The imagery as a layer of its own; the user's layer is never touched.

    Raises:
        ImageryError: it cannot be opened.
    """
    options = QgsRasterLayer.LayerOptions(False)  # no style: that would read pixels for a stretch
    layer = QgsRasterLayer(source, "imagery", provider, options)
    if not layer.isValid():
        raise ImageryError(tr("{} cannot be opened; check that it is where it was.")
                           .format(short_name(provider, source)))  # fmt: skip
    return layer


def short_name(provider: str, source: str) -> str:
    """What imagery is called in a sentence that begins with it: a file, or a service by its host alone."""
    if provider != "gdal":
        host = host_of(source)
        return (
            tr("The imagery of {}").format(host)
            if host
            else tr("The imagery of the {} layer").format(provider)
        )
    path = str(QgsProviderRegistry.instance().decodeUri("gdal", source).get("path", source))
    return path.split("?", maxsplit=1)[0].rsplit("@", 1)[-1]


def layer_imagery(layer: QgsRasterLayer) -> LayerImagery:
    """The imagery of a layer of :func:`open_layer`, under a name for people.

    Raises:
        ImageryError: it cannot be opened a second time.
    """
    is_file = layer.providerType() == "gdal"
    return LayerImagery(layer, "" if is_file else short_name(layer.providerType(), layer.source()))


def feed_source(
    imagery: LayerImagery | ImageServiceImagery, best_pixel_size_m: float, at: tuple[float, float] | None
) -> FeedSource:
    """Imagery for a feed; made in the thread that the imagery was made in.

    Args:
        imagery: of a layer or of an image service.
        best_pixel_size_m: of the model; decides the zoom of a tile service.
        at: where the layer was made, in its CRS; decides that too.

    Raises:
        ImageryError: it cannot be read pixel by pixel.
    """
    sources = (
        imagery.readers(best_pixel_size_m, at, _SERVICE_WORKERS)
        if isinstance(imagery, LayerImagery)
        else imagery.readers(best_pixel_size_m, _SERVICE_WORKERS)
    )
    is_service = imagery.is_service
    wkt = sources[0].crs_wkt

    def to_lonlat(
        x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        return raster_io("gdal").to_lonlat(wkt or "", x, y)

    lonlat = to_lonlat if wkt else None
    # a look all over a service would ask it for hundreds of pictures; bytes need none
    if is_service and all(band.dtype == "uint8" for band in sources[0].bands):
        return FeedSource(sources, lonlat, True, WEEK_S, Unsampled)
    return FeedSource(sources, lonlat, is_service, WEEK_S if is_service else None)


def reader_for(uri: LiveUri, spec: ModelSpec) -> Callable[[Callable[[], bool]], ImagerySource]:
    """What opens a layer's imagery once more, in another thread, with the pixels that its feed has.

    To be called in the main thread; what it gives takes what is asked while a service keeps waiting.
    An image service is asked what it has in that other thread only.

    Raises:
        ImageryError: it cannot be opened.
    """
    best_m, name = spec.pixel_size_m.best, short_name(uri.provider, uri.source)
    address = image_address(uri.provider, uri.source)
    if address is not None:
        return lambda is_cancelled: ImageServiceImagery(address.service(name), name).open(
            best_m, is_cancelled
        )
    imagery = layer_imagery(open_layer(uri.provider, uri.source))
    at = Extent(*uri.at, *uri.at) if uri.at is not None else None
    return lambda is_cancelled: imagery.open(best_m, at, is_cancelled)


class Unsampled:
    """A service as the choice of a recipe sees it: its colours are bytes, whatever they are."""

    def __init__(self, source: ImagerySource) -> None:
        self._source = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def read(self, window: Window, bands: Sequence[int]) -> npt.NDArray[np.uint8]:
        """Nothing but 0."""
        return np.zeros((len(bands), window.height, window.width), np.uint8)
