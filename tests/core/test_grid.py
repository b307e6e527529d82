"""The grid's arithmetic holds for any size, tile, level and halo."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from landcover_plugin.core.grid import Extent, PredictionGrid, TileIndex, Window, nearest_level

sizes = st.integers(1, 3000)
tiles = st.sampled_from([1, 7, 64, 128, 500, 512, 1024])
levels = st.integers(0, 3)


@st.composite
def grids(draw: st.DrawFn) -> PredictionGrid:
    origin = st.floats(-2e7, 2e7, allow_nan=False)
    pixel = st.floats(1e-6, 1e3, allow_nan=False)
    return PredictionGrid(
        draw(origin), draw(origin), draw(pixel), draw(pixel), draw(sizes), draw(sizes), draw(tiles)
    )


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([7, 16, 64, 100]), levels)
def test_tiles_partition_the_grid(width: int, height: int, tile: int, level: int) -> None:
    grid = PredictionGrid(0, 0, 1, 1, width, height, tile)
    seen = np.zeros(grid.size(level), int)
    indices = list(grid.tiles_in(grid.window(level), level))
    for index in indices:
        seen[grid.map_window(index).slices(grid.window(level))] += 1
    assert (seen == 1).all()
    assert len(indices) == grid.tile_count(grid.window(level), level) == len(set(indices))


@given(grids(), levels, st.integers(0, 128))
def test_chips_of_neighbours_overlap_by_twice_the_halo(grid: PredictionGrid, level: int, halo: int) -> None:
    left = grid.chip_window(TileIndex(level, 0, 0), halo)
    right = grid.chip_window(TileIndex(level, 0, 1), halo)
    assert left.intersection(right).width == min(2 * halo, grid.tile + 2 * halo)
    assert right.col - left.col == grid.tile


@given(grids(), levels, st.data())
def test_an_extent_written_by_the_grid_comes_back_as_the_same_window(
    grid: PredictionGrid, level: int, data: st.DataObject
) -> None:
    # where a pixel is below the precision of the coordinates, nothing can come back
    far = max(abs(grid.origin_x), abs(grid.origin_y), 1.0)
    if min(grid.pixel_width, grid.pixel_height) < far * 1e-11:
        return
    rows, cols = grid.size(level)
    row, col = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, cols - 1))
    window = Window(row, col, data.draw(st.integers(1, rows - row)), data.draw(st.integers(1, cols - col)))
    assert grid.window_of(grid.extent(window, level), level) == window


@given(grids(), levels)
def test_four_tiles_of_a_level_share_one_parent(grid: PredictionGrid, level: int) -> None:
    parent = TileIndex(level + 1, 3, 5)
    children = [TileIndex(level, 6 + i, 10 + j) for i in (0, 1) for j in (0, 1)]
    assert {c.parent() for c in children} == {parent}
    outer = grid.tile_window(parent).scaled(2)
    assert all(grid.tile_window(c).intersection(outer) == grid.tile_window(c) for c in children)


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_the_nearest_level_is_nearest_in_log2_and_ties_go_to_the_finer(size: float, wanted: float) -> None:
    level = nearest_level(size, wanted)
    distance = [abs(np.log2(size * 2**n) - np.log2(wanted)) for n in range(4)]
    assert distance[level] <= min(distance) + 1e-6


def test_a_tie_between_levels_goes_to_the_finer() -> None:
    assert nearest_level(1.0, 2**0.5) == 0
    assert nearest_level(1.0, 2**0.5 + 0.01) == 1


def test_a_window_beyond_the_grid_has_no_tiles() -> None:
    grid = PredictionGrid(0, 0, 1, 1, 100, 100, 64)
    assert list(grid.tiles_in(Window(200, 200, 10, 10))) == []
    assert grid.window_of(Extent(1000, 1000, 1010, 1010)).is_empty


@given(st.integers(1, 5000), levels)
def test_a_partly_covered_last_pixel_of_a_level_counts(width: int, level: int) -> None:
    grid = PredictionGrid(0, 0, 1, 1, width, 1, 512)
    assert grid.size(level) == (1, -(-width // 2**level))
