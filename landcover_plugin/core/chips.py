"""Chips: tile and halo as the array that a backend gets, assembled from a source by a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .grid import PredictionGrid, TileIndex, Window
from .imagery import ImagerySource
from .recipe import Recipe

_STRIP_ROWS = 1024


@dataclass(frozen=True)
class Chip:
    """One tile's imagery with its halo.

    Args:
        index: of the tile.
        pixels: ``(band, tile + 2 halo, tile + 2 halo)`` in the recipe's dtype.
        valid: ``(row, col)`` of the tile, False where the map will hold NoData; None where the
            whole tile is valid.
    """

    index: TileIndex
    pixels: npt.NDArray[Any]
    valid: npt.NDArray[np.bool_] | None

    @property
    def is_empty(self) -> bool:
        """Whether no pixel of the tile is valid, so that there is nothing to predict."""
        return self.valid is not None and not self.valid.any()


class ChipReader:
    """Makes chips from one source. It belongs to one thread, as its source does."""

    def __init__(self, source: ImagerySource, grid: PredictionGrid, recipe: Recipe) -> None:
        self._source = source
        self._grid = grid
        self._recipe = recipe

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def read(self, index: TileIndex) -> Chip:
        """The chip of a tile.

        Raises:
            ImageryError: the source cannot be read there.
        """
        recipe, level = self._recipe, index.level
        wanted = self._grid.chip_window(index, recipe.halo)
        there = wanted.intersection(self._grid.window(level))
        values, valid = self._read_level(there, level)
        values = scaled(values, recipe)
        whole = bool(valid.all())
        pixels = self._filled(values, valid, whole, wanted, there, level)
        tile = self._grid.tile_window(index)
        inside = tile.intersection(there)
        if whole and inside == tile:
            return Chip(index, pixels, None)
        mask = np.zeros((recipe.tile, recipe.tile), np.bool_)
        mask[inside.slices(tile)] = valid[inside.slices(there)]
        return Chip(index, pixels, None if mask.all() else mask)

    def _read_level(self, window: Window, level: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        """Values ``(band, row, col)`` and validity ``(row, col)`` of a window of a level."""
        full = Window(0, 0, self._source.height, self._source.width)
        if level == 0:
            return self._read_full(window)
        if self._recipe.overviews:
            return self._read_overview(window.scaled(1 << level).intersection(full), level)
        rows = max(1, _STRIP_ROWS >> level)
        strips = [
            Window(row, window.col, min(rows, window.row_end - row), window.width)
            for row in range(window.row, window.row_end, rows)
        ]
        parts = []
        for strip in strips:
            values, valid = self._read_full(strip.scaled(1 << level).intersection(full))
            parts.append(mean_of_valid(values, valid, 1 << level))
        return np.concatenate([p[0] for p in parts], axis=1), np.concatenate([p[1] for p in parts])

    def _read_full(self, window: Window) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        """Values and validity of a window of level 0 that lies inside the source."""
        recipe = self._recipe
        bands = recipe.bands if recipe.alpha is None else (*recipe.bands, recipe.alpha)
        values = self._source.read(window, bands)
        mask = self._source.read_mask(window) if recipe.use_mask else None
        return self._masked(values, mask)

    def _read_overview(self, window: Window, level: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        recipe = self._recipe
        bands = recipe.bands if recipe.alpha is None else (*recipe.bands, recipe.alpha)
        return self._masked(self._source.read_decimated(window, bands, level), None)

    def _masked(
        self, values: npt.NDArray[Any], mask: npt.NDArray[np.bool_] | None
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        recipe = self._recipe
        valid = np.ones(values.shape[1:], np.bool_) if mask is None else mask
        if recipe.alpha is not None:
            valid = valid & (values[-1] > 0)
            values = values[:-1]
        return values, valid & ~missing(values, recipe.nodata)

    def _filled(
        self,
        values: npt.NDArray[Any],
        valid: npt.NDArray[np.bool_],
        whole: bool,
        wanted: Window,
        there: Window,
        level: int,
    ) -> npt.NDArray[Any]:
        """The chip: values of ``there`` set into ``wanted``, the rest filled."""
        fill = self._recipe.fill
        if fill == "reflect":
            if not whole:
                values = nearest_valid(values, valid)
            if there == wanted:
                return np.ascontiguousarray(values)
            rows, cols = self._grid.size(level)
            row_index = reflected(wanted.row, wanted.height, rows, there.row, there.height)
            col_index = reflected(wanted.col, wanted.width, cols, there.col, there.width)
            return np.ascontiguousarray(values[:, row_index][:, :, col_index])
        constants = means_of(values, valid) if fill == "mean" else np.full(len(values), fill)
        constants = as_dtype(constants, values.dtype)
        pixels = np.empty((len(values), wanted.height, wanted.width), values.dtype)
        if there != wanted:
            pixels[:] = constants[:, None, None]
        pixels[(slice(None), *there.slices(wanted))] = (
            values if whole else np.where(valid, values, constants[:, None, None])
        )
        return pixels


def missing(values: npt.NDArray[Any], nodata: tuple[float | None, ...]) -> npt.NDArray[np.bool_]:
    """``(row, col)``: True where every band holds its NoData value, or any band is NaN."""
    gone = np.zeros(values.shape[1:], np.bool_)
    numbers = [n for n in nodata if n is not None and not np.isnan(n)]
    if len(numbers) == len(nodata) and numbers:
        gone = np.ones(values.shape[1:], np.bool_)
        for band, number in zip(values, numbers):
            gone &= band == number
    if np.issubdtype(values.dtype, np.floating):
        gone |= ~np.isfinite(values).all(axis=0)
    return gone


def scaled(values: npt.NDArray[Any], recipe: Recipe) -> npt.NDArray[Any]:
    """Values as the model's dtype; with a declared range, its ends become 0 and 255."""
    if recipe.scaling is None:
        return values if values.dtype == recipe.dtype else values.astype(recipe.dtype)
    low, high = recipe.scaling
    stretched = (values.astype(np.float32) - np.float32(low)) * np.float32(255 / (high - low))
    return as_dtype(np.nan_to_num(stretched), np.dtype(recipe.dtype))


def as_dtype(values: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Values rounded half up and cut to the range of an integer type; floats just converted."""
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        values = np.clip(np.floor(values + 0.5), limits.min, limits.max)
    return values.astype(dtype)


def means_of(values: npt.NDArray[Any], valid: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Mean of each band over the valid pixels; 0 where there are none."""
    count = int(valid.sum())
    if count == 0:
        return np.zeros(len(values))
    return np.array([band.sum(where=valid, dtype=np.float64) / count for band in values])


def mean_of_valid(
    values: npt.NDArray[Any], valid: npt.NDArray[np.bool_], factor: int
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Blocks of ``factor`` × ``factor`` pixels become one: the mean of their valid pixels.

    Args:
        values: ``(band, row, col)``; a last block that is cut off counts with what it has.
        valid: ``(row, col)``.
        factor: side of a block.

    Returns:
        The means in the dtype of ``values``, rounded half up, 0 where a block has no valid pixel;
        and which blocks have one.
    """
    bands, rows, cols = values.shape
    out_rows, out_cols = -(-rows // factor), -(-cols // factor)
    pad = ((0, out_rows * factor - rows), (0, out_cols * factor - cols))
    valid = np.pad(valid, pad)
    counts = _block_sums(valid, out_rows, out_cols, factor, np.dtype(np.int64))
    integer = np.issubdtype(values.dtype, np.integer)
    means = np.zeros((bands, out_rows, out_cols), values.dtype)
    for n, band in enumerate(values):
        kept = np.where(valid, np.pad(band, pad), 0)
        if integer:
            sums = _block_sums(kept, out_rows, out_cols, factor, np.dtype(np.int64))
            means[n] = np.floor_divide(2 * sums + counts, np.maximum(2 * counts, 1))
        else:
            sums = _block_sums(kept, out_rows, out_cols, factor, np.dtype(np.float64))
            means[n] = sums / np.maximum(counts, 1)
    return means, counts > 0


def _block_sums(
    values: npt.NDArray[Any], rows: int, cols: int, factor: int, dtype: np.dtype[Any]
) -> npt.NDArray[Any]:
    by_row = values.reshape(rows * factor, cols, factor).sum(axis=2, dtype=dtype)
    sums: npt.NDArray[Any] = by_row.reshape(rows, factor, cols).sum(axis=1, dtype=dtype)
    return sums


def reflected(start: int, length: int, size: int, there: int, there_length: int) -> npt.NDArray[np.intp]:
    """Indices that mirror an axis at the imagery's edges, the edge pixel itself not repeated.

    Args:
        start: first pixel wanted, may be negative.
        length: pixels wanted.
        size: pixels of the whole imagery.
        there: first pixel that was read.
        there_length: pixels that were read; what mirrors further away takes the nearest of them.

    Returns:
        For each wanted pixel its place among those that were read.
    """
    wanted = np.arange(start, start + length)
    if size > 1:
        period = 2 * (size - 1)
        wanted = np.abs(np.mod(wanted + size - 1, period) - (size - 1))
    else:
        wanted = np.zeros(length, wanted.dtype)
    return np.clip(wanted - there, 0, there_length - 1)


def nearest_valid(values: npt.NDArray[Any], valid: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Holes filled with the nearest valid pixel, by city-block distance.

    Two sweeps over the array: the nearest valid pixel of each column, then the best of those along
    each row (Rosenfeld and Pfaltz 1966). Without any valid pixel the values come back as they are.

    Args:
        values: ``(band, row, col)``.
        valid: ``(row, col)``.
    """
    if valid.all() or not valid.any():
        return values
    rows, cols = valid.shape
    row_index = np.arange(rows)[:, None]
    far = rows + cols
    above = np.maximum.accumulate(np.where(valid, row_index, -far), axis=0)
    below = np.minimum.accumulate(np.where(valid, row_index, rows + far)[::-1], axis=0)[::-1]
    nearest_row = np.where(row_index - above <= below - row_index, above, below)
    down = np.minimum(np.abs(row_index - nearest_row), 2 * far)
    # distance along the row added by a running minimum of (distance - column), column in the low digits
    col_index = np.arange(cols)[None, :]
    leftward = np.minimum.accumulate((down - col_index + cols) * cols + col_index, axis=1)
    rightward = np.minimum.accumulate(((down + col_index) * cols + col_index)[:, ::-1], axis=1)[:, ::-1]
    left_cost = leftward // cols - cols + col_index
    right_cost = rightward // cols - col_index
    nearest_col = np.where(left_cost <= right_cost, leftward % cols, rightward % cols)
    source_row = np.clip(np.take_along_axis(nearest_row, nearest_col, axis=1), 0, rows - 1)
    filled = values[:, source_row, nearest_col]
    return np.where(valid, values, filled)
