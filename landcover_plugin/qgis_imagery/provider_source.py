"""Imagery of the core over a clone of a QGIS raster provider."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from qgis.core import (
    Qgis,
    QgsNetworkAccessManager,
    QgsRasterBlock,
    QgsRasterBlockFeedback,
    QgsRasterDataProvider,
    QgsRectangle,
)
from qgis.PyQt import sip

from ..core.errors import CancelledError, ImageryError
from ..core.grid import Window
from ..core.imagery import Geotransform, SourceBand
from ..core.raster_io.gdal_complaints import gdal_complaints
from .access import host_of
from .colours import COLOUR_BANDS
from .frame import Frame, crs_wkt
from .network import network_faults

_ATTEMPTS = 3
_PAUSE_S = 0.5
_DTYPES = {
    int(kind): name
    for kind, name in (
        (Qgis.DataType.Byte, "uint8"),
        (Qgis.DataType.UInt16, "uint16"),
        (Qgis.DataType.Int16, "int16"),
        (Qgis.DataType.UInt32, "uint32"),
        (Qgis.DataType.Int32, "int32"),
        (Qgis.DataType.Float32, "float32"),
        (Qgis.DataType.Float64, "float64"),
    )
}
_COLOURS = (int(Qgis.DataType.ARGB32), int(Qgis.DataType.ARGB32_Premultiplied))
_PALETTE_INDEX = 2
_COLOUR_NAMES = {1: "gray", _PALETTE_INDEX: "palette", 3: "red", 4: "green", 5: "blue", 6: "alpha"}


def own_clone(provider: QgsRasterDataProvider) -> QgsRasterDataProvider:
    """A clone that belongs to Python, for reading in another thread; the provider stays as it is.

    To be called in the thread that the provider lives in.

    Raises:
        ImageryError: the provider cannot be cloned.
    """
    clone = provider.clone()
    if clone is None or not clone.isValid():
        raise ImageryError("The layer's source cannot be opened a second time; repair it first.")
    sip.transferback(clone)
    clone.enableProviderResampling(False)
    return clone


def sends_colours(provider: QgsRasterDataProvider) -> bool:
    """Whether a provider gives pictures in place of values, as map and tile services do."""
    return int(provider.dataType(1)) in _COLOURS


class ProviderSource:
    """A QGIS raster as imagery; services that send colours have the bands red, green and blue.

    One thread at a time reads; network sources should be read in a ``QThread``, because QGIS' time
    limits do not work in others. :meth:`cancel` may be called from any thread.
    """

    def __init__(
        self,
        clone: QgsRasterDataProvider,
        frame: Frame,
        name: str,
        pristine: QgsRasterDataProvider | None = None,
    ) -> None:
        """Take over a clone.

        Args:
            clone: of :func:`own_clone`, nobody else's.
            frame: its pixels.
            name: of the layer.
            pristine: another clone, which nobody reads, to make more of; none can be made where None.

        Raises:
            ImageryError: its pixels are of a kind that is not imagery.
        """
        self._provider, self._frame, self._pristine = clone, frame, pristine
        self.name = name
        self.width, self.height = frame.width, frame.height
        self.geotransform: Geotransform = frame.geotransform
        self.crs_wkt: str | None = crs_wkt(clone.crs()) if clone.crs().isValid() else None
        self.has_mask = sends_colours(clone)
        with gdal_complaints():  # a coverage that was not read yet has no colours to tell of
            self.bands = COLOUR_BANDS if self.has_mask else _plain_bands(clone, name)
        described = f"{clone.name()} {clone.dataSourceUri()} {frame}"
        self.fingerprint = hashlib.sha256(described.encode()).hexdigest()[:32]
        self._tiled = bool(clone.nativeResolutions())
        self._host = host_of(clone.dataSourceUri())
        self._feedback = QgsRasterBlockFeedback()
        self._pause = threading.Event()
        self._last: tuple[Window, npt.NDArray[np.uint8]] | None = None

    def read(self, window: Window, bands: Sequence[int]) -> npt.NDArray[Any]:
        """Pixels ``(band, row, col)`` of a window inside the raster.

        Raises:
            ImageryError: the source did not give them, also when asked again.
            CancelledError: :meth:`cancel` was called meanwhile.
        """
        if self.has_mask:
            pixels = self._colours(window)
            return np.ascontiguousarray(np.stack([pixels[..., 3 - number] for number in bands]))
        dtype = np.dtype(self.bands[bands[0] - 1].dtype)
        return np.stack([_values(self._block(window, number), dtype) for number in bands])

    def read_decimated(self, window: Window, bands: Sequence[int], level: int) -> npt.NDArray[Any]:
        """A window at 1 / 2**level of its size, made by the source."""
        height, width = -(-window.height >> level), -(-window.width >> level)
        if self.has_mask:
            pixels = _pixels(self._block(window, 1, height, width))
            return np.stack([pixels[..., 3 - number] for number in bands])
        dtype = np.dtype(self.bands[bands[0] - 1].dtype)
        return np.stack([_values(self._block(window, n, height, width), dtype) for n in bands])

    def read_mask(self, window: Window) -> npt.NDArray[np.bool_] | None:
        """True where a service sent pixels that are not transparent."""
        if not self.has_mask:
            return None
        opaque: npt.NDArray[np.bool_] = self._colours(window)[..., 3] > 0
        return opaque

    def _colours(self, window: Window) -> npt.NDArray[np.uint8]:
        """``(row, col, 4)`` blue, green, red, alpha; the window read last is kept for its mask."""
        if self._last is None or self._last[0] != window:
            self._last = (window, _pixels(self._block(window, 1)))
        return self._last[1]

    def _block(
        self, window: Window, band: int, height: int | None = None, width: int | None = None
    ) -> QgsRasterBlock:
        height, width = height or window.height, width or window.width
        x, pixel_width, _, y, _, pixel_height = self.geotransform
        extent = QgsRectangle(
            x + window.col * pixel_width,
            y + window.row_end * pixel_height,
            x + window.col_end * pixel_width,
            y + window.row * pixel_height,
        )
        fault = ""
        for attempt in range(_ATTEMPTS):
            if attempt and self._pause.wait(_PAUSE_S * attempt):
                raise self._stopped()
            # QGIS may still look at the feedback of a cancelled read: the old one lives until here
            self._feedback, old = QgsRasterBlockFeedback(), self._feedback
            started = time.monotonic()
            with network_faults(self._host, tiled=self._tiled) as faults:
                block = self._provider.block(band, extent, width, height, self._feedback)
            del old
            whole = block.isValid() and (block.height(), block.width()) == (height, width)
            if not self._feedback.isCanceled():
                if whole and self.has_mask and _pixels(block)[..., 3].all():
                    return block
                fault = faults.first(self._feedback) or next(iter(self._feedback.errors()), "")
                if not fault and self._tiled and _time_limit_passed(started):
                    fault = "it did not answer in time"
            if self._feedback.isCanceled():
                raise self._stopped()
            if whole and not fault:
                return block
        raise ImageryError(f"{self.name} could not be read ({fault or 'its source gave nothing'}); try again later "
                           "or choose other imagery.")  # fmt: skip

    def _stopped(self) -> CancelledError:
        return CancelledError(f"Reading {self.name} was stopped.")

    def cancel(self) -> None:
        """End the read that is under way; it raises, and later ones go on."""
        self._feedback.cancel()

    def reopen(self) -> ProviderSource:
        """The same for another thread; to be called where the layer lives, for it needs a clone."""
        if self._pristine is None:
            raise ImageryError(f"{self.name} can only be read by one reader at a time.")
        return ProviderSource(own_clone(self._pristine), self._frame, self.name, self._pristine)

    def close(self) -> None:
        """Let go of what was read; the clone goes with the object."""
        self._last = None


def _plain_bands(provider: QgsRasterDataProvider, name: str) -> tuple[SourceBand, ...]:
    bands = []
    for number in range(1, provider.bandCount() + 1):
        dtype = _DTYPES.get(int(provider.dataType(number)))
        if dtype is None:
            raise ImageryError(
                f"Band {number} of {name} is of a kind that is not imagery; choose another layer."
            )
        has_nodata = provider.sourceHasNoDataValue(number) and provider.useSourceNoDataValue(number)
        bands.append(
            SourceBand(
                number=number,
                name=provider.generateBandName(number),
                dtype=dtype,
                nodata=provider.sourceNoDataValue(number) if has_nodata else None,
                colour=_COLOUR_NAMES.get(int(provider.colorInterpretation(number)), "undefined"),
            )
        )
    return tuple(bands)


def _time_limit_passed(started: float) -> bool:
    """Whether a read lasted so long that QGIS may have given up on a tile; it logs that too late for us."""
    return bool((time.monotonic() - started) * 1000 >= 0.9 * QgsNetworkAccessManager.timeout())


def _pixels(block: QgsRasterBlock) -> npt.NDArray[np.uint8]:
    """``(row, col, 4)`` blue, green, red, alpha of a block of colours."""
    data = np.frombuffer(bytes(block.data()), np.uint8)
    return data.reshape(block.height(), block.width(), 4)


def _values(block: QgsRasterBlock, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    return np.frombuffer(bytes(block.data()), dtype).reshape(block.height(), block.width())
