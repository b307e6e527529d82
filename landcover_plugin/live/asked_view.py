"""From what a window asks for to pixels and tiles of the grid, and back: which tile pixel each asked pixel shows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.grid import Extent, PredictionGrid, TileIndex, Window

_TRAVEL_S = 10.0

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class AskedView:
    """A rectangle that somebody asks for, related to the grid.

    Args:
        grid: of the predictions.
        level: that is shown.
        rows: row of the level that each asked row shows (its centre's); may lie outside.
        cols: column of the level that each asked column shows; may lie outside.
    """

    grid: PredictionGrid
    level: int
    rows: Indices
    cols: Indices

    @property
    def window(self) -> Window:
        """Pixels of the level between the first and the last that are shown, cut to the grid."""
        row, col = int(self.rows[0]), int(self.cols[0])
        whole = Window(row, col, int(self.rows[-1]) - row + 1, int(self.cols[-1]) - col + 1)
        return whole.intersection(self.grid.window(self.level))

    @property
    def shape(self) -> tuple[int, int]:
        """Asked rows and columns."""
        return len(self.rows), len(self.cols)

    def tiles(self) -> list[TileIndex]:
        """Tiles that the view shows, those nearest to its centre first."""
        found = list(self.grid.tiles_in(self.window, self.level))
        return nearest_first(found, centre_of(self.window), self.grid.tile)

    def parts(self, tiles: list[TileIndex]) -> Iterator[tuple[TileIndex, slice, slice, Indices, Indices]]:
        """Where tiles show: tile, asked rows and columns as slices, rows and columns of the tile."""
        bottom, right = self.grid.size(self.level)
        for index in tiles:
            square = self.grid.tile_window(index)
            rows = _between(self.rows, square.row, min(square.row_end, bottom))
            cols = _between(self.cols, square.col, min(square.col_end, right))
            if rows.start < rows.stop and cols.start < cols.stop:
                yield index, rows, cols, self.rows[rows] - square.row, self.cols[cols] - square.col


def asked_view(grid: PredictionGrid, extent: Extent, height: int, width: int, level: int) -> AskedView:
    """The view of an extent at ``height`` × ``width`` pixels: each shows the grid pixel at its centre."""
    pixel_width, pixel_height = grid.pixel_size(level)
    x = extent.xmin + (np.arange(width) + 0.5) * ((extent.xmax - extent.xmin) / width)
    y = extent.ymax - (np.arange(height) + 0.5) * ((extent.ymax - extent.ymin) / height)
    cols = np.floor((x - grid.origin_x) / pixel_width).astype(np.int64)
    rows = np.floor((grid.origin_y - y) / pixel_height).astype(np.int64)
    return AskedView(grid, level, rows, cols)


def zoom_out(grid: PredictionGrid, extent: Extent, height: int, width: int) -> float:
    """How many times as large as a pixel of level 0 the asked pixels are (geometric mean of both axes)."""
    across = (extent.xmax - extent.xmin) / width / grid.pixel_width
    down = (extent.ymax - extent.ymin) / height / grid.pixel_height
    return float(np.sqrt(abs(across * down)))


def paint(
    view: AskedView, tiles: Mapping[TileIndex, npt.NDArray[Any]], empty: np.generic
) -> npt.NDArray[Any]:
    """The asked pixels from tiles that are there, nearest neighbour.

    Args:
        view: what is asked.
        tiles: ``(row, col)`` arrays of whole tiles, all of the dtype of ``empty``.
        empty: the value where no tile is.
    """
    out = np.full(view.shape, empty, empty.dtype)
    for index, rows, cols, tile_rows, tile_cols in view.parts(list(tiles)):
        tile = tiles[index]
        if _is_run(tile_rows) and _is_run(tile_cols):
            out[rows, cols] = tile[
                tile_rows[0] : tile_rows[-1] + 1,
                tile_cols[0] : tile_cols[-1] + 1,
            ]
        else:
            out[rows, cols] = tile[tile_rows][:, tile_cols]
    return out


def centre_of(window: Window) -> tuple[float, float]:
    """Row and column of the middle."""
    return window.row + window.height / 2, window.col + window.width / 2


def nearest_first(tiles: list[TileIndex], centre: tuple[float, float], side: int) -> list[TileIndex]:
    """Tiles by the distance of their middle from a point, in pixels of their level."""

    def distance(index: TileIndex) -> float:
        return float(np.hypot((index.row + 0.5) * side - centre[0], (index.col + 0.5) * side - centre[1]))

    return sorted(tiles, key=distance)


def tiles_ahead(
    view: AskedView, before: tuple[float, float], most: int, share: float = 0.5
) -> list[TileIndex]:
    """Tiles that come into view when it goes on as it came.

    Args:
        view: the view now.
        before: row and column of the centre of the view before, in pixels of the level.
        most: how many at most.
        share: of the view's size that the next pan is taken to cover, at most.
    """
    window = view.window
    if window.is_empty:
        return []
    centre = centre_of(window)
    moved = centre[0] - before[0], centre[1] - before[1]
    if not any(moved):
        return []
    reach = [
        int(np.sign(step) * min(abs(step), side * share))
        for step, side in zip(moved, (window.height, window.width))
    ]
    seen = set(view.grid.tiles_in(window, view.level))
    shifted = window.moved(*reach)
    ahead = [index for index in view.grid.tiles_in(shifted, view.level) if index not in seen]
    return nearest_first(ahead, centre, view.grid.tile)[:most]


class Travel:
    """Where views came from."""

    def __init__(self) -> None:
        self._level = -1
        self._centre: tuple[float, float] | None = None
        self._from: tuple[float, float] | None = None
        self._at = 0.0

    def to(self, level: int, centre: tuple[float, float]) -> tuple[float, float] | None:
        """A view is at a centre now; the centre before, if it was seen lately at the same level."""
        now = time.monotonic()
        if level != self._level:
            self._level, self._centre, self._from = level, centre, None
        elif centre != self._centre:
            self._from, self._centre, self._at = self._centre, centre, now
        return self._from if now - self._at < _TRAVEL_S else None


def _between(positions: Indices, first: int, end: int) -> slice:
    start, stop = np.searchsorted(positions, (first, end))
    return slice(int(start), int(stop))


def _is_run(positions: Indices) -> bool:
    """Whether positions (never decreasing) are consecutive."""
    count = len(positions)
    return bool(positions[-1] - positions[0] == count - 1 and (count < 3 or (np.diff(positions) == 1).all()))
