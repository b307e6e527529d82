"""What is read: the protocol of a source of imagery, and what is known of its bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .errors import ImageryError
from .grid import PredictionGrid, Window

Geotransform = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class SourceBand:
    """What a raster says of one of its bands.

    Args:
        number: 1 for the first.
        name: its description, empty where there is none.
        dtype: numpy's name of its type.
        nodata: the declared NoData value, or None.
        colour: GDAL's colour interpretation in lower case: ``red``, ``nir``, ``alpha``,
            ``palette``, ``gray``, ``undefined`` …
        wavelength_um: declared centre wavelength in micrometres, or None.
    """

    number: int
    name: str = ""
    dtype: str = "uint8"
    nodata: float | None = None
    colour: str = "undefined"
    wavelength_um: float | None = None


class ImagerySource(Protocol):
    """A raster that can be read window by window. One thread at a time uses one source.

    Attributes:
        name: for messages: a file name or layer name, without secrets.
        width: columns.
        height: rows.
        geotransform: GDAL's six numbers.
        crs_wkt: the CRS, or None where the raster has none.
        bands: what it says of its bands.
        has_mask: whether it carries a mask of its own beside its bands.
        fingerprint: changes when the imagery does.
    """

    name: str
    width: int
    height: int
    geotransform: Geotransform
    crs_wkt: str | None
    bands: tuple[SourceBand, ...]
    has_mask: bool
    fingerprint: str

    def read(self, window: Window, bands: Sequence[int]) -> npt.NDArray[Any]:
        """Pixels of a window that lies inside the raster.

        Args:
            window: in pixels of level 0.
            bands: numbers of the bands, 1 for the first.

        Returns:
            ``(band, row, col)`` in the raster's own dtype.

        Raises:
            ImageryError: the window cannot be read.
        """
        ...

    def read_decimated(self, window: Window, bands: Sequence[int], level: int) -> npt.NDArray[Any]:
        """A window at 1 / 2**level of its size, from overviews where there are some."""
        ...

    def read_mask(self, window: Window) -> npt.NDArray[np.bool_] | None:
        """``(row, col)``, True where the raster's own mask says valid; None without a mask."""
        ...

    def reopen(self) -> ImagerySource:
        """The same raster for another thread."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


def grid_of(source: ImagerySource, tile: int) -> PredictionGrid:
    """The prediction grid of a raster with pixels of its own.

    Raises:
        ImageryError: the raster is rotated, sheared or stored south up.
    """
    x, width, shear_x, y, shear_y, height = source.geotransform
    if shear_x or shear_y:
        raise ImageryError(f"{source.name} is rotated or sheared; make it north up with gdalwarp first.")
    if width <= 0 or height >= 0:
        raise ImageryError(f"{source.name} is not stored north up; turn it with gdalwarp first.")
    return PredictionGrid(x, y, width, -height, source.width, source.height, tile)
