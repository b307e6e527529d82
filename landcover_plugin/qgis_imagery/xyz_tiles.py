"""Imagery of an XYZ tile service, tile by tile on its own matrix.

QGIS' provider draws tiles into a picture of the view. From 3.42 on it draws each a pixel too large, so
that seams cannot be seen, and pixels lie where they do not belong. So tiles are fetched here, as
that provider would fetch them, and put side by side.
"""

from __future__ import annotations

import hashlib
import math
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from qgis.core import QgsDataSourceUri
from qgis.PyQt.QtCore import QBuffer, Qt
from qgis.PyQt.QtGui import QImage, QImageReader

from ..core.grid import Window
from ..core.imagery import Geotransform
from .access import ServiceAccess, access_of
from .colours import COLOUR_BANDS, pixels_of
from .fetching import Answer, UnfitAnswerError, fetch_with_patience
from .frame import MERCATOR_HALF, Frame

_TILE_PX = 256
_MOST_PX = 4096
_KEPT_TILES = 160
_PLACES = re.compile(r"\{(x|y|-y|z|q)\}", re.I)
_ANY_PLACE = re.compile(r"\{[^}]*\}")
_OSM = re.compile(r"^https?://(?:[a-z]\.)?tile\.openstreetmap\.org")
_NO_PICTURE = ("text/", "application/json", "application/xml")

Pixels = npt.NDArray[np.uint8]
TileKey = tuple[int, int, int]
"""Zoom, row, column."""


@dataclass(frozen=True)
class XyzService:
    """Where tiles are to be had.

    Args:
        template: the address of a tile, with places for its numbers.
        tile: pixels of a side.
        zoom_min: the zoom furthest out that it has.
        access: what it is asked with.
    """

    template: str
    tile: int
    zoom_min: int
    access: ServiceAccess

    def url(self, key: TileKey) -> str:
        """The address of a tile."""
        zoom, row, col = key
        values = {
            "x": col, "y": row, "-y": (1 << zoom) - row - 1, "z": zoom, "q": _quadkey(zoom, row, col),
        }  # fmt: skip
        return _PLACES.sub(lambda found: str(values[found.group(1).lower()]), self.template)

    @property
    def band_count(self) -> int:
        """Red, green and blue."""
        return len(COLOUR_BANDS)

    def source(self, frame: Frame, crs_wkt: str | None, name: str) -> XyzSource:
        """Its imagery.

        Args:
            frame: the pixels of a zoom.
            crs_wkt: of the tile matrix.
            name: of the layer.
        """
        return XyzSource(self, frame, crs_wkt, name)

    def zoom_of(self, frame: Frame) -> int:
        """The zoom whose pixels a frame has."""
        return round(math.log2(2 * MERCATOR_HALF / (self.tile * frame.pixel_width)))


def xyz_service(uri: str) -> XyzService | None:
    """The tile service in a data source of QGIS' provider ``wms``; None where it is none that we can ask."""
    parts = QgsDataSourceUri()
    parts.setEncodedUri(uri)
    template = _OSM.sub("https://tile.openstreetmap.org", parts.param("url"))
    # heights in colours, and placeholders of later versions, are left to QGIS
    if parts.param("type") != "xyz" or parts.param("interpretation"):
        return None
    if set(_ANY_PLACE.findall(template)) != {found.group() for found in _PLACES.finditer(template)}:
        return None
    ratio = 2 if parts.param("tilePixelRatio") == "2" else 1
    zoom_min = int(parts.param("zmin")) if parts.param("zmin").isdigit() else 0
    return XyzService(template, _TILE_PX * ratio, zoom_min, access_of(parts))


def _quadkey(zoom: int, row: int, col: int) -> str:
    digits = ((col >> bit & 1) + 2 * (row >> bit & 1) for bit in range(zoom - 1, -1, -1))
    return "".join(str(digit) for digit in digits)


class TileShelf:
    """Tiles read last, for all who read one service. Any thread may call."""

    def __init__(self) -> None:
        self._tiles: OrderedDict[TileKey, Pixels] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: TileKey) -> Pixels | None:
        """A tile, None where it is not here."""
        with self._lock:
            found = self._tiles.get(key)
            if found is not None:
                self._tiles.move_to_end(key)
            return found

    def put(self, key: TileKey, pixels: Pixels) -> None:
        """Keep a tile; the one used longest ago goes."""
        with self._lock:
            self._tiles[key] = pixels
            while len(self._tiles) > _KEPT_TILES:
                self._tiles.popitem(last=False)


class XyzSource:
    """A tile service as imagery of the bands red, green and blue.

    One thread at a time reads, one that Qt made; :meth:`cancel` may be called from any thread.
    Tiles that are not there are no imagery; one that cannot be had is an error.
    """

    def __init__(
        self,
        service: XyzService,
        frame: Frame,
        crs_wkt: str | None,
        name: str,
        shelf: TileShelf | None = None,
    ) -> None:
        """Take it as the layer says.

        Args:
            service: what is asked.
            frame: the pixels of a zoom of its matrix.
            crs_wkt: of the matrix.
            name: of the layer.
            shelf: shared with others that read the same service.
        """
        self._service, self._frame, self._shelf = service, frame, shelf or TileShelf()
        self.name = name
        self.crs_wkt: str | None = crs_wkt
        self.width, self.height = frame.width, frame.height
        self.geotransform: Geotransform = frame.geotransform
        self.has_mask = True
        self.bands = COLOUR_BANDS
        described = f"xyz {service.template} {service.tile} {frame}"
        self.fingerprint = hashlib.sha256(described.encode()).hexdigest()[:32]
        self._zoom = service.zoom_of(frame)
        # of the frame's corner, in pixels of the world
        self._col = round((frame.origin_x + MERCATOR_HALF) / frame.pixel_width)
        self._row = round((MERCATOR_HALF - frame.origin_y) / frame.pixel_height)
        self._cancel = threading.Event()
        self._last: tuple[Window, int, Pixels] | None = None

    def read(self, window: Window, bands: Sequence[int]) -> npt.NDArray[Any]:
        """Pixels ``(band, row, col)`` of a window inside the raster.

        Raises:
            ImageryError: the service did not give them, also when asked again.
            CancelledError: :meth:`cancel` was called meanwhile.
        """
        pixels = self._colours(window, 0)
        return np.ascontiguousarray(np.stack([pixels[..., 3 - number] for number in bands]))

    def read_decimated(self, window: Window, bands: Sequence[int], level: int) -> npt.NDArray[Any]:
        """A window at 1 / 2**level of its size, from the zooms further out."""
        step = 1 << level
        if level > self._zoom - self._service.zoom_min or self._row % step or self._col % step:
            pixels = self._colours(window, 0)[::step, ::step]
        else:
            height, width = -(-window.height >> level), -(-window.width >> level)
            pixels = self._colours(Window(window.row >> level, window.col >> level, height, width), level)
        return np.stack([pixels[..., 3 - number] for number in bands])

    def read_mask(self, window: Window) -> npt.NDArray[np.bool_]:
        """True where the service sent pixels that are not transparent."""
        opaque: npt.NDArray[np.bool_] = self._colours(window, 0)[..., 3] > 0
        return opaque

    def _colours(self, window: Window, level: int) -> Pixels:
        """``(row, col, 4)`` blue, green, red, alpha; the window read last is kept for its mask."""
        if self._last is None or self._last[:2] != (window, level):
            self._cancel.clear()
            self._last = (window, level, self._assembled(window, level))
        return self._last[2]

    def _assembled(self, window: Window, level: int) -> Pixels:
        side = self._service.tile
        world = window.moved(self._row >> level, self._col >> level)
        keys = [
            (self._zoom - level, row, col)
            for row in range(world.row // side, (world.row_end - 1) // side + 1)
            for col in range(world.col // side, (world.col_end - 1) // side + 1)
        ]
        pixels = np.zeros((window.height, window.width, 4), np.uint8)
        for key, tile in self._tiles(keys).items():
            square = Window(key[1] * side, key[2] * side, side, side)
            shared = square.intersection(world)
            pixels[shared.slices(world)] = tile[shared.slices(square)]
        return pixels

    def _tiles(self, keys: list[TileKey]) -> dict[TileKey, Pixels]:
        found = {key: tile for key in keys if (tile := self._shelf.get(key)) is not None}
        missing = [key for key in keys if key not in found]
        service = self._service
        tiles = fetch_with_patience(
            [service.url(key) for key in missing],
            service.access,
            self._cancel,
            lambda _, answer: _tile(answer, service.tile),
            self.name,
        )
        for key, tile in zip(missing, tiles):
            found[key] = tile
            self._shelf.put(key, tile)
        return found

    def cancel(self) -> None:
        """End the read that is under way; it raises, and later ones go on."""
        self._cancel.set()

    def reopen(self) -> XyzSource:
        """The same service for another thread."""
        return XyzSource(self._service, self._frame, self.crs_wkt, self.name, self._shelf)

    def close(self) -> None:
        """Let go of what was read."""
        self._last = None


def _tile(answer: Answer, side: int) -> Pixels:
    """``(side, side, 4)`` blue, green, red, alpha; transparent where the service has no tile."""
    if answer.is_nothing:
        return np.zeros((side, side, 4), np.uint8)
    if answer.fault:
        raise UnfitAnswerError(answer.fault)
    if answer.kind.startswith(_NO_PICTURE):
        raise UnfitAnswerError(f"it sent {answer.kind}, not a picture")
    buffer = QBuffer()
    buffer.setData(answer.body)
    reader = QImageReader(buffer)
    image = QImage() if max(reader.size().width(), reader.size().height()) > _MOST_PX else reader.read()
    if image.isNull():
        raise UnfitAnswerError("it sent a picture that cannot be read")
    if (image.width(), image.height()) != (side, side):
        # pictures for screens of high resolution where the layer does not say so; QGIS shrinks them too
        image = image.scaled(
            side, side, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
    return pixels_of(image)
