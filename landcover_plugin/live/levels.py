"""Levels of the grid that suit a view and a model."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.errors import LandcoverError
from ..core.grid import Extent, PredictionGrid, nearest_level
from ..core.ground import ToLonLat, pixel_size_m
from ..core.model import PixelSize

MAX_LEVEL = 3
_CELL_PX = 4096


@dataclass(frozen=True)
class Levels:
    """Levels that a model allows on an imagery.

    Args:
        finest: the finest level to predict at.
        coarsest: the coarsest.
        pixel_size_m: ground size of a level 0 pixel, None where it is not known.
        in_range: whether the model was made for such pixels.
    """

    finest: int
    coarsest: int
    pixel_size_m: float | None
    in_range: bool = True

    def nearest(self, zoom_out: float) -> int | None:
        """The level for a view whose pixels are ``zoom_out`` times as large as those of level 0.

        Returns:
            The level; None where the view is too coarse to predict for: its pixels are more than
            twice as large as those of the coarsest level.
        """
        if zoom_out > 2.0 * (1 << self.coarsest) * (1 + 1e-6):
            return None
        return max(self.finest, nearest_level(1.0, zoom_out, self.coarsest))


class LevelsOfViews:
    """The levels allowed where a view lies. Any thread may call.

    Args:
        grid: of the predictions.
        limits: ground pixel sizes of the model.
        to_lonlat: from the grid's CRS to degrees; None where it has none.
    """

    def __init__(self, grid: PredictionGrid, limits: PixelSize, to_lonlat: ToLonLat | None) -> None:
        self._grid, self._limits, self._to_lonlat = grid, limits, to_lonlat
        self._found: dict[tuple[int, int], Levels] = {}

    def at(self, extent: Extent) -> Levels:
        """The levels at a view's centre, to within some thousand pixels."""
        grid = self._grid
        x, y = extent.centre
        row = _cell((grid.origin_y - y) / grid.pixel_height, grid.height)
        col = _cell((x - grid.origin_x) / grid.pixel_width, grid.width)
        found = self._found.get((row, col))
        if found is None:
            found = self._found[row, col] = self._levels(row, col)
        return found

    def _levels(self, row: int, col: int) -> Levels:
        size = self._pixel_size_m(_middle(row, self._grid.height), _middle(col, self._grid.width))
        if size is None:
            return Levels(0, MAX_LEVEL, None)
        allowed = [level for level in range(MAX_LEVEL + 1) if self._limits.contains(size * (1 << level))]
        if allowed:
            return Levels(allowed[0], allowed[-1], size)
        nearest = nearest_level(size, self._limits.best, MAX_LEVEL)
        return Levels(nearest, nearest, size, in_range=False)

    def _pixel_size_m(self, row: float, col: float) -> float | None:
        grid = self._grid
        if self._to_lonlat is None:
            return None
        at = (grid.origin_x + col * grid.pixel_width, grid.origin_y - row * grid.pixel_height)
        try:
            return pixel_size_m(grid, self._to_lonlat, at)
        except LandcoverError:
            return None


def _cell(position: float, size: int) -> int:
    return int(min(max(position, 0.0), size - 1.0)) // _CELL_PX


def _middle(cell: int, size: int) -> float:
    """Middle of what a cell and the grid share."""
    return (cell * _CELL_PX + min((cell + 1) * _CELL_PX, size)) / 2
