"""Imagery of an ArcGIS ImageServer with all its bands, where QGIS' provider hands over a picture."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import numpy as np
import numpy.typing as npt
from qgis.core import (
    QgsArcGisRestUtils,
    QgsCoordinateReferenceSystem,
    QgsDataSourceUri,
    QgsRasterLayer,
    QgsRectangle,
)

from ..core.grid import Window
from ..core.imagery import Geotransform, SourceBand
from ..core.raster_io.in_memory import DecodedRaster, decode_geotiff
from .access import ServiceAccess, access_of
from .fetching import Answer, UnfitAnswerError, fetch_all, fetch_text, fetch_with_patience
from .frame import Frame, frame_of_service
from .image_server_info import ImageServerInfo, error_in, image_server_info, known_band_count, known_info

PROVIDERS = ("arcgismapserver", "arcgisimageserver")
"""Of QGIS; the second is there from QGIS 4.2 on."""

_MOST_PX = 2048
_SHIFT_PX = 0.25
_TOLD_BANDS = re.compile(r"bandCount\s*</td>\s*<td[^>]*>\s*(\d{1,4})\b")


@dataclass(frozen=True)
class ImageService:
    """An image service and what it says of itself.

    Args:
        url: that ends in ``/ImageServer``.
        access: what it is asked with.
        info: what it says.
    """

    url: str
    access: ServiceAccess
    info: ImageServerInfo

    @property
    def band_count(self) -> int:
        """Bands that a model can choose from."""
        return len(self.info.bands)

    @property
    def crs(self) -> QgsCoordinateReferenceSystem:
        """Of its extent, as QGIS' own provider understands it."""
        return QgsArcGisRestUtils.convertSpatialReference(self.info.reference)

    def frame(self, best_pixel_size_m: float) -> Frame:
        """Its own pixels; those of the model's best size where it states none.

        Raises:
            ImageryError: it has no extent, or no CRS that says how large its pixels are.
        """
        if self.info.frame is not None:
            return self.info.frame
        return frame_of_service(
            QgsRectangle(*(self.info.extent or (0, 0, 0, 0))), self.crs, best_pixel_size_m
        )

    def source(self, frame: Frame, crs_wkt: str | None, name: str) -> ImageServerSource:
        """Its imagery.

        Args:
            frame: the pixels.
            crs_wkt: of the service.
            name: of the layer.
        """
        return ImageServerSource(self, frame, crs_wkt, name)

    def export_url(
        self, geotransform: Geotransform, window: Window, bands: Sequence[int], height: int, width: int
    ) -> str:
        """The address of the pixels of a window as a GeoTIFF of ``height`` × ``width``."""
        x, pixel_width, _, y, _, pixel_height = geotransform
        box = (
            x + window.col * pixel_width,
            y + window.row_end * pixel_height,
            x + window.col_end * pixel_width,
            y + window.row * pixel_height,
        )
        query = {
            "bbox": ",".join(repr(float(v)) for v in box),
            "bboxSR": self.info.spatial_reference,
            "imageSR": self.info.spatial_reference,
            "size": f"{width},{height}",
            "adjustAspectRatio": "false",
            "bandIds": ",".join(str(number - 1) for number in bands),
            "pixelType": self.info.pixel_type,
            "interpolation": "RSP_NearestNeighbor",
            "format": "tiff",
            "f": "image",
        }
        nodata = [self.info.bands[number - 1].nodata for number in bands]
        if all(value is not None for value in nodata):
            query["noData"] = ",".join(f"{value:.17g}" for value in nodata)
            query["noDataInterpretation"] = "esriNoDataMatchAll"
        if self.info.has_plain_function:
            # without it some services send the colours that they are shown in
            query["renderingRule"] = json.dumps({"rasterFunction": "None"})
        path, _, given = self.url.partition("?")
        return f"{path}/exportImage?{urlencode(query)}" + (f"&{given}" if given else "")


@dataclass(frozen=True)
class ImageAddress:
    """Where an image service is asked. Any thread may use it.

    Args:
        url: that ends in ``/ImageServer``.
        access: what it is asked with.
    """

    url: str
    access: ServiceAccess

    def known(self) -> ImageService | None:
        """The service, where it has said lately what it has; never waits.

        Raises:
            ImageryError: it was asked a moment ago, in vain.
        """
        info = known_info(self.url, self.access)
        return None if info is None else ImageService(self.url, self.access, info)

    def service(self, name: str, is_cancelled: Callable[[], bool] | None = None) -> ImageService:
        """The service, asked where that is needed. The calling thread waits.

        Args:
            name: of the layer, for people.
            is_cancelled: asked while it waits; not to be given in the main thread, whose events
                would be handled meanwhile.

        Raises:
            ImageryError: the service does not say what it has.
            CancelledError: ``is_cancelled`` said so.
        """

        def fetch(url: str, access: ServiceAccess, timeout_ms: int) -> Answer:
            if is_cancelled is None:
                return fetch_text(url, access, timeout_ms)
            return fetch_all([url], access, is_cancelled, timeout_ms)[0]

        return ImageService(self.url, self.access, image_server_info(self.url, self.access, name, fetch))


def image_address(provider: str, source: str) -> ImageAddress | None:
    """The image service that a data source names, None where it is something else.

    Args:
        provider: key of QGIS' provider.
        source: as that provider understands it.
    """
    if provider not in PROVIDERS:
        return None
    uri = QgsDataSourceUri(source)
    url = uri.param("url").rstrip("/")
    is_image_service = url.partition("?")[0].lower().endswith("/imageserver") and not uri.param("layer")
    return ImageAddress(url, access_of(uri)) if is_image_service else None


def image_band_count(layer: QgsRasterLayer) -> int | None:
    """How many bands the image service behind a layer has, where that is known; never waits."""
    address = image_address(layer.providerType(), layer.source())
    if address is None:
        return None
    told = _TOLD_BANDS.search(layer.dataProvider().htmlMetadata())
    return known_band_count(address.url, address.access) or (int(told.group(1)) if told else None)


class ImageServerSource:
    """An image service as imagery, in its own data type.

    One thread at a time reads, one that Qt made; :meth:`cancel` may be called from any thread.
    """

    def __init__(self, service: ImageService, frame: Frame, crs_wkt: str | None, name: str) -> None:
        self._service, self._frame = service, frame
        self.name = name
        self.crs_wkt: str | None = crs_wkt
        self.width, self.height = frame.width, frame.height
        self.geotransform: Geotransform = frame.geotransform
        self.has_mask = True
        self.bands: tuple[SourceBand, ...] = service.info.bands
        described = f"exportImage {service.url} {frame} {service.info}"
        self.fingerprint = hashlib.sha256(described.encode()).hexdigest()[:32]
        self._cancel = threading.Event()
        self._last: tuple[Window, tuple[int, ...], DecodedRaster] | None = None

    def read(self, window: Window, bands: Sequence[int]) -> npt.NDArray[Any]:
        """Pixels ``(band, row, col)`` of a window inside the raster.

        Raises:
            ImageryError: the service did not give them, also when asked again.
            CancelledError: :meth:`cancel` was called meanwhile.
        """
        return self._there(window, tuple(bands)).values

    def read_decimated(self, window: Window, bands: Sequence[int], level: int) -> npt.NDArray[Any]:
        """A window at 1 / 2**level of its size, made by the service."""
        self._cancel.clear()
        return self._exported(window, tuple(bands), level).values

    def read_mask(self, window: Window) -> npt.NDArray[np.bool_]:
        """True where the service sent imagery."""
        bands = self._last[1] if self._last is not None else (1,)
        return self._there(window, bands).valid

    def _there(self, window: Window, bands: tuple[int, ...]) -> DecodedRaster:
        """What a window holds; the one read last is kept for its mask."""
        if self._last is None or self._last[:2] != (window, bands):
            self._cancel.clear()
            self._last = (window, bands, self._exported(window, bands, 0))
        return self._last[2]

    def _exported(self, window: Window, bands: tuple[int, ...], level: int) -> DecodedRaster:
        """A window at 1 / 2**level of its size, put together from as many requests as the service wants."""
        info, step = self._service.info, 1 << level
        height, width = -(-window.height >> level), -(-window.width >> level)
        parts = list(_parts(height, width, min(info.max_height, _MOST_PX), min(info.max_width, _MOST_PX)))
        asked = [
            Window(window.row + p.row * step, window.col + p.col * step, p.height * step, p.width * step)
            for p in parts
        ]
        urls = [
            self._service.export_url(self.geotransform, where, bands, part.height, part.width)
            for where, part in zip(asked, parts)
        ]
        answers = fetch_with_patience(
            urls,
            self._service.access,
            self._cancel,
            lambda number, answer: self._decoded(answer, bands, asked[number], parts[number]),
            self.name,
        )
        values = np.empty((len(bands), height, width), self.bands[bands[0] - 1].dtype)
        valid = np.empty((height, width), np.bool_)
        whole = Window(0, 0, height, width)
        for part, decoded in zip(parts, answers):
            values[(slice(None), *part.slices(whole))] = decoded.values
            valid[part.slices(whole)] = decoded.valid
        return DecodedRaster(values, valid, None)

    def _decoded(self, answer: Answer, bands: tuple[int, ...], asked: Window, part: Window) -> DecodedRaster:
        """What an answer holds.

        Raises:
            UnfitAnswerError: not the pixels that were asked for.
        """
        said = error_in(answer)
        if said:
            raise UnfitAnswerError(said)
        try:
            decoded = decode_geotiff(answer.body, len(bands), part.height, part.width)
        except ValueError as e:
            raise UnfitAnswerError(str(e)) from e
        if decoded.values.dtype != np.dtype(self.bands[bands[0] - 1].dtype):
            raise UnfitAnswerError(
                f"it sent {decoded.values.dtype} in place of {self.bands[bands[0] - 1].dtype}"
            )
        if decoded.geotransform is not None and not self._lies_at(decoded.geotransform, asked):
            raise UnfitAnswerError("it sent another place than was asked for")
        return decoded

    def _lies_at(self, found: Geotransform, asked: Window) -> bool:
        x, pixel_width, _, y, _, pixel_height = self.geotransform
        right = abs(found[0] - (x + asked.col * pixel_width)) < _SHIFT_PX * abs(found[1])
        return right and abs(found[3] - (y + asked.row * pixel_height)) < _SHIFT_PX * abs(found[5])

    def cancel(self) -> None:
        """End the read that is under way; it raises, and later ones go on."""
        self._cancel.set()

    def reopen(self) -> ImageServerSource:
        """The same service for another thread."""
        return ImageServerSource(self._service, self._frame, self.crs_wkt, self.name)

    def close(self) -> None:
        """Let go of what was read."""
        self._last = None


def _parts(height: int, width: int, most_rows: int, most_cols: int) -> list[Window]:
    """A window in pieces that are not too large."""
    return [
        Window(row, col, min(most_rows, height - row), min(most_cols, width - col))
        for row in range(0, height, most_rows)
        for col in range(0, width, most_cols)
    ]
