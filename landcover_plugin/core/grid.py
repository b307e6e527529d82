"""The grid where predictions live: levels, tiles, halo. All window arithmetic is here.

Rows count downwards and columns to the right from the grid's top left corner. A pixel of level L
is 2**L pixels of level 0 on a side. Everything but the conversion to and from map coordinates is
integer arithmetic on immutable values.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class TileIndex:
    """A tile of the prediction grid: its level and its place in it."""

    level: int
    row: int
    col: int

    def parent(self) -> TileIndex:
        """The tile that covers this one, one level further out."""
        return TileIndex(self.level + 1, self.row >> 1, self.col >> 1)


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels of one level; it may reach beyond the imagery on any side."""

    row: int
    col: int
    height: int
    width: int

    @property
    def row_end(self) -> int:
        """The first row below the window."""
        return self.row + self.height

    @property
    def col_end(self) -> int:
        """The first column right of the window."""
        return self.col + self.width

    @property
    def is_empty(self) -> bool:
        """Whether the window holds no pixel."""
        return self.height <= 0 or self.width <= 0

    def intersection(self, other: Window) -> Window:
        """The pixels that both windows hold; height or width is 0 where they share none."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        return Window(
            row,
            col,
            max(0, min(self.row_end, other.row_end) - row),
            max(0, min(self.col_end, other.col_end) - col),
        )

    def padded(self, pixels: int) -> Window:
        """The window with ``pixels`` more on each side."""
        return Window(self.row - pixels, self.col - pixels, self.height + 2 * pixels, self.width + 2 * pixels)

    def scaled(self, factor: int) -> Window:
        """The same ground in pixels ``factor`` times as small."""
        return Window(self.row * factor, self.col * factor, self.height * factor, self.width * factor)

    def moved(self, rows: int, cols: int) -> Window:
        """The window moved down by ``rows`` and right by ``cols``."""
        return Window(self.row + rows, self.col + cols, self.height, self.width)

    def slices(self, within: Window) -> tuple[slice, slice]:
        """Row and column slices of this window in an array that holds ``within``."""
        row, col = self.row - within.row, self.col - within.col
        return slice(row, row + self.height), slice(col, col + self.width)


@dataclass(frozen=True)
class Extent:
    """A rectangle in map coordinates, in units of the CRS."""

    xmin: float
    ymin: float
    xmax: float
    ymax: float

    @property
    def centre(self) -> tuple[float, float]:
        """The x and y of the middle."""
        return (self.xmin + self.xmax) / 2, (self.ymin + self.ymax) / 2

    def touches(self, other: Extent) -> bool:
        """Whether the two share at least a border point."""
        return (
            self.xmin <= other.xmax
            and other.xmin <= self.xmax
            and self.ymin <= other.ymax
            and other.ymin <= self.ymax
        )


@dataclass(frozen=True)
class PredictionGrid:
    """Where a source's predictions live.

    Args:
        origin_x: map x of the top left corner.
        origin_y: map y of the top left corner.
        pixel_width: width of a level 0 pixel in units of the CRS, above 0.
        pixel_height: height of a level 0 pixel in units of the CRS, above 0 (rows go south).
        width: columns at level 0.
        height: rows at level 0.
        tile: side of a tile, in pixels of its level.
    """

    origin_x: float
    origin_y: float
    pixel_width: float
    pixel_height: float
    width: int
    height: int
    tile: int = 512

    def __post_init__(self) -> None:
        if not (self.pixel_width > 0 and self.pixel_height > 0):
            raise ValueError("a grid's pixels must have a positive size")
        if self.width < 1 or self.height < 1 or self.tile < 1:
            raise ValueError("a grid must have at least one pixel, and its tiles too")

    def size(self, level: int = 0) -> tuple[int, int]:
        """Rows and columns of the grid at ``level``; a last, partly covered one counts."""
        return -(-self.height >> level), -(-self.width >> level)

    def window(self, level: int = 0) -> Window:
        """The whole grid at ``level``."""
        return Window(0, 0, *self.size(level))

    def pixel_size(self, level: int = 0) -> tuple[float, float]:
        """Width and height of a pixel of ``level`` in units of the CRS."""
        return self.pixel_width * (1 << level), self.pixel_height * (1 << level)

    # -- tiles ---------------------------------------------------------------------------------

    def tile_window(self, index: TileIndex) -> Window:
        """The full square of a tile in pixels of its level, also where the grid ends inside it."""
        return Window(index.row * self.tile, index.col * self.tile, self.tile, self.tile)

    def map_window(self, index: TileIndex) -> Window:
        """The part of a tile that lies in the grid, in pixels of its level."""
        return self.tile_window(index).intersection(self.window(index.level))

    def chip_window(self, index: TileIndex, halo: int) -> Window:
        """Tile and halo, in pixels of the tile's level."""
        return self.tile_window(index).padded(halo)

    def tiles_in(self, window: Window, level: int = 0) -> Iterator[TileIndex]:
        """Tiles that share a pixel with ``window`` (pixels of ``level``), row by row."""
        inside = window.intersection(self.window(level))
        if inside.is_empty:
            return
        for row in range(inside.row // self.tile, (inside.row_end - 1) // self.tile + 1):
            for col in range(inside.col // self.tile, (inside.col_end - 1) // self.tile + 1):
                yield TileIndex(level, row, col)

    def tile_count(self, window: Window, level: int = 0) -> int:
        """How many tiles ``tiles_in`` gives."""
        inside = window.intersection(self.window(level))
        if inside.is_empty:
            return 0
        rows = (inside.row_end - 1) // self.tile - inside.row // self.tile + 1
        cols = (inside.col_end - 1) // self.tile - inside.col // self.tile + 1
        return rows * cols

    # -- map coordinates -----------------------------------------------------------------------

    def extent(self, window: Window | None = None, level: int = 0) -> Extent:
        """The ground that a window of ``level`` covers; without one, the whole grid's level 0."""
        window = self.window(level) if window is None else window
        width, height = self.pixel_size(level)
        return Extent(
            self.origin_x + window.col * width,
            self.origin_y - window.row_end * height,
            self.origin_x + window.col_end * width,
            self.origin_y - window.row * height,
        )

    def window_of(self, extent: Extent, level: int = 0) -> Window:
        """The pixels of ``level`` that ``extent`` touches, cut to the grid.

        A border within a thousandth of a pixel of a pixel edge counts as that edge, so that an
        extent written by :meth:`extent` comes back as the same window.
        """
        width, height = self.pixel_size(level)
        slack = 1e-3
        col = math.floor((extent.xmin - self.origin_x) / width + slack)
        col_end = math.ceil((extent.xmax - self.origin_x) / width - slack)
        row = math.floor((self.origin_y - extent.ymax) / height + slack)
        row_end = math.ceil((self.origin_y - extent.ymin) / height - slack)
        return Window(row, col, max(0, row_end - row), max(0, col_end - col)).intersection(self.window(level))

    def geotransform(self, window: Window, level: int = 0) -> tuple[float, float, float, float, float, float]:
        """GDAL's six numbers for a raster that holds ``window`` of ``level``."""
        width, height = self.pixel_size(level)
        return (
            self.origin_x + window.col * width,
            width,
            0.0,
            self.origin_y - window.row * height,
            0.0,
            -height,
        )


def nearest_level(pixel_size_m: float, wanted_m: float, max_level: int = 3) -> int:
    """The level whose pixels are nearest in size to ``wanted_m``, in log2; ties go to the finer.

    Args:
        pixel_size_m: ground size of a level 0 pixel, in metres.
        wanted_m: ground size asked for, in metres.
        max_level: the coarsest level to give.
    """
    if pixel_size_m <= 0 or wanted_m <= 0:
        return 0
    steps = math.log2(wanted_m / pixel_size_m)
    return max(0, min(max_level, math.ceil(steps - 0.5 - 1e-9)))
