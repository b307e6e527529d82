from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from landcover_plugin.core.grid import Extent, PredictionGrid, Window
from landcover_plugin.core.model import PixelSize
from landcover_plugin.live.asked_view import asked_view, paint, tiles_ahead, zoom_out
from landcover_plugin.live.levels import Levels, LevelsOfViews

GRID = PredictionGrid(1000.3, 5000.7, 0.6, 0.6, 500, 400, 64)


def numbered(level: int) -> dict:
    """Tiles whose pixels hold their own place."""
    tiles = {}
    for index in GRID.tiles_in(GRID.window(level), level):
        square = GRID.tile_window(index)
        rows, cols = np.mgrid[square.row : square.row_end, square.col : square.col_end]
        tiles[index] = (rows * 1000 + cols).astype(np.int64)
    return tiles


@given(
    st.integers(0, 3),
    st.floats(950, 1350),
    st.floats(4700, 5050),
    st.floats(3, 400),
    st.floats(3, 400),
    st.integers(1, 90),
    st.integers(1, 90),
)
def test_each_asked_pixel_shows_the_grid_pixel_at_its_centre(level, x, y, across, down, width, height):
    view = asked_view(GRID, Extent(x, y, x + across, y + down), height, width, level)
    got = paint(view, numbered(level), np.int64(-1))
    rows, cols = GRID.size(level)
    size = GRID.pixel_size(level)[0]
    for row, col in ((0, 0), (height - 1, width - 1), (height // 2, width // 3)):
        at_x = x + (col + 0.5) * across / width
        at_y = y + down - (row + 0.5) * down / height
        r, c = int(np.floor((5000.7 - at_y) / size)), int(np.floor((at_x - 1000.3) / size))
        inside = 0 <= r < rows and 0 <= c < cols
        assert got[row, col] == (r * 1000 + c if inside else -1)


def test_at_native_scale_the_picture_is_the_grid():
    window = Window(37, 81, 200, 300)
    view = asked_view(GRID, GRID.extent(window), 200, 300, 0)
    rows, cols = np.mgrid[37:237, 81:381]
    np.testing.assert_array_equal(paint(view, numbered(0), np.int64(-1)), rows * 1000 + cols)


def test_the_first_tile_is_the_one_in_the_middle():
    view = asked_view(GRID, GRID.extent(Window(64, 64, 192, 192)), 192, 192, 0)
    assert (view.tiles()[0].row, view.tiles()[0].col) == (2, 2)
    assert len(view.tiles()) == 9


def test_ahead_lies_in_the_direction_of_travel_and_out_of_view():
    view = asked_view(GRID, GRID.extent(Window(64, 128, 128, 128)), 128, 128, 0)
    ahead = tiles_ahead(view, (128.0, 128.0), 8)
    assert {(i.row, i.col) for i in ahead} == {(1, 4), (2, 4)}
    assert tiles_ahead(view, (128.0, 192.0), 8) == []


def test_the_level_is_the_nearest_in_log2_and_ties_are_finer():
    levels = Levels(0, 2, 0.6)
    assert [levels.nearest(z) for z in (0.1, 1, 1.41, 1.42, 2.8, 2.9, 8.0, 8.1)] == [
        0,
        0,
        0,
        1,
        1,
        2,
        2,
        None,
    ]
    assert Levels(2, 3, 0.1).nearest(1.0) == 2


def test_levels_keep_within_the_models_ground_pixel_sizes():
    def at_equator(x, y):
        return x / 111319.49, y / 110574.3

    grid = PredictionGrid(0, 10000, 0.3, 0.3, 20000, 20000, 512)
    levels = LevelsOfViews(grid, PixelSize(0.6, 0.5, 1.3), at_equator).at(grid.extent())
    assert (levels.finest, levels.coarsest, levels.in_range) == (1, 2, True)
    assert abs(levels.pixel_size_m - 0.3) < 0.001
    beyond = LevelsOfViews(grid, PixelSize(10, 8, 12), at_equator).at(grid.extent())
    assert (beyond.finest, beyond.coarsest, beyond.in_range) == (3, 3, False)
    unknown = LevelsOfViews(grid, PixelSize(10, 8, 12), None).at(grid.extent())
    assert (unknown.finest, unknown.coarsest, unknown.pixel_size_m) == (0, 3, None)


def test_zoom_out_is_relative_to_the_finest_pixels():
    assert zoom_out(GRID, GRID.extent(), 100, 125) == 4.0
