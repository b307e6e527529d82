"""What both raster adapters offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..grid import Extent, Window
from ..imagery import Geotransform, ImagerySource

BLOCK = 512
"""Side of the blocks of the rasters that are written, in pixels."""

DEFLATE_LEVEL = 4
"""GDAL's own 6 makes files a sixth smaller in three times the time."""


@dataclass(frozen=True)
class Polygon:
    """A polygon of a zone layer or a mask.

    Args:
        name: to tell it from others.
        wkb: its geometry, in the CRS of the raster that it is laid over.
        bounds: the rectangle around it.
    """

    name: str
    wkb: bytes
    bounds: Extent


@dataclass(frozen=True)
class RasterLayout:
    """A GeoTIFF to be written.

    Args:
        path: where.
        width: columns.
        height: rows.
        band_names: one for each band.
        dtype: ``uint8`` or ``float32``.
        geotransform: GDAL's six numbers.
        crs_wkt: or None.
        nodata: declared for every band.
        palette: ``(256, 4)`` uint8, for one-band rasters of classes.
        scale: what one step is worth, such as 1/254 for probabilities stored in bytes.
        tags: text metadata.
    """

    path: str
    width: int
    height: int
    band_names: tuple[str, ...]
    dtype: str
    geotransform: Geotransform
    crs_wkt: str | None
    nodata: float
    palette: npt.NDArray[np.uint8] | None = None
    scale: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class RasterWriter(Protocol):
    """A GeoTIFF being written. It belongs to one thread."""

    def write(self, window: Window, values: npt.NDArray[Any]) -> None:
        """Set ``values`` ``(band, row, col)`` into ``window``.

        Raises:
            OutputError: the disk is full, or the file cannot be written.
        """
        ...

    def close(self) -> None:
        """Write what is left.

        Raises:
            OutputError: it could not be written.
        """
        ...


class RasterIo(Protocol):
    """A library that reads and writes rasters."""

    name: str

    def open(self, path: str) -> ImagerySource:
        """A raster as imagery.

        Raises:
            ImageryError: it is missing, or not a raster.
        """
        ...

    def create(self, layout: RasterLayout) -> RasterWriter:
        """A new tiled, DEFLATE-compressed GeoTIFF.

        Raises:
            OutputError: it cannot be made there.
        """
        ...

    def build_overviews(self, path: str, factors: Sequence[int], resampling: str) -> None:
        """Add overviews inside a GeoTIFF; ``resampling`` is ``mode`` or ``average``."""
        ...

    def write_cog(self, path: str, cog_path: str) -> None:
        """Copy a GeoTIFF with its overviews into a cloud optimised one."""
        ...

    def to_lonlat(
        self, crs_wkt: str, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Longitudes and latitudes on WGS 84, in degrees, of points in a CRS; inf where there are none."""
        ...

    def read_polygons(self, path: str, crs_wkt: str | None) -> list[Polygon]:
        """The polygons of a vector file, brought into a CRS.

        Raises:
            ImageryError: it cannot be read, or holds no polygon.
        """
        ...

    def rasterise(
        self, polygons: Sequence[Polygon], geotransform: Geotransform, height: int, width: int
    ) -> npt.NDArray[np.bool_]:
        """``(row, col)``: True where a pixel's centre lies in any of the polygons."""
        ...

    def classes_of(self, path: str) -> dict[int, tuple[str, str]]:
        """``{value: (name, #rrggbb)}`` of a class raster, from its category names and palette."""
        ...
