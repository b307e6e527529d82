"""Sizes on the ground, on the WGS 84 ellipsoid, in whatever CRS the raster has.

Formulas: Snyder 1987, *Map Projections: A Working Manual*, eq. 3-12 (authalic q), 4-19 and 4-21
(radii of curvature). Going from a CRS to longitude and latitude is PROJ's work, in ``raster_io``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .grid import PredictionGrid, Window

SEMI_MAJOR_M = 6378137.0
FLATTENING = 1 / 298.257223563
_E2 = FLATTENING * (2 - FLATTENING)
_E = math.sqrt(_E2)

Floats = npt.NDArray[np.float64]
ToLonLat = Callable[[Floats, Floats], tuple[Floats, Floats]]


def pixel_size_m(
    grid: PredictionGrid, to_lonlat: ToLonLat, at: tuple[float, float], level: int = 0
) -> float | None:
    """Side of a square with the ground area of the pixel at a point, in metres.

    Args:
        grid: whose pixel.
        to_lonlat: from the grid's CRS to degrees.
        at: x and y in the grid's CRS.
        level: of the pixel.

    Returns:
        The side, or None where the point is not on earth.
    """
    width, height = grid.pixel_size(level)
    x = at[0] + np.array([-0.5, 0.5, 0.5, -0.5]) * width
    y = at[1] + np.array([0.5, 0.5, -0.5, -0.5]) * height
    area = quadrilateral_areas(*to_lonlat(x, y))
    return float(math.sqrt(area)) if np.isfinite(area) and area > 0 else None


def row_areas(grid: PredictionGrid, to_lonlat: ToLonLat, window: Window, level: int = 0) -> Floats:
    """Ground area of one pixel in each row of a window, in square metres, averaged over its columns.

    Exact where a row's edges are parallels of latitude (geographic and Mercator rasters, at any
    pixel size); elsewhere the edges of the row are taken as straight in the equal-area plane, so
    windows should be narrow (256 pixels of some metres: error below 1e-9).

    Returns:
        ``(row,)``; NaN where a row is not on earth.
    """
    extent = grid.extent(window, level)
    y = np.linspace(extent.ymax, extent.ymin, window.height + 1)
    x = np.array([extent.xmin, extent.xmax])
    lon, lat = to_lonlat(*np.meshgrid(x, y))
    corners_lon = np.stack([lon[:-1, 0], lon[:-1, 1], lon[1:, 1], lon[1:, 0]], axis=-1)
    corners_lat = np.stack([lat[:-1, 0], lat[:-1, 1], lat[1:, 1], lat[1:, 0]], axis=-1)
    areas: Floats = quadrilateral_areas(corners_lon, corners_lat) / window.width
    return areas


def quadrilateral_areas(lon: Floats, lat: Floats) -> Floats:
    """Areas of quadrilaterals on the ellipsoid, in square metres.

    The corners are put into the cylindrical equal-area plane, where the shoelace formula holds.

    Args:
        lon: ``(…, 4)`` degrees, around each quadrilateral.
        lat: ``(…, 4)`` degrees.
    """
    with np.errstate(invalid="ignore"):
        turn = (lon - lon[..., :1] + 180.0) % 360.0 - 180.0
        # a full turn (a world-wide raster) is not no turn
        turn = np.where((lon - lon[..., :1] >= 360.0 - 1e-9) & (turn <= 0), turn + 360.0, turn)
        x = SEMI_MAJOR_M * np.radians(turn)
        y = SEMI_MAJOR_M * _authalic_q(np.radians(lat)) / 2
        cross = x * np.roll(y, -1, axis=-1) - np.roll(x, -1, axis=-1) * y
    areas: Floats = np.abs(cross.sum(axis=-1)) / 2
    return areas


def _authalic_q(latitude: Floats) -> Floats:
    sine = np.sin(latitude)
    tail = np.log((1 - _E * sine) / (1 + _E * sine)) / (2 * _E)
    q: Floats = (1 - _E2) * (sine / (1 - _E2 * sine**2) - tail)
    return q
