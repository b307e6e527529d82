"""Chips hold what the recipe says, everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp

from landcover_plugin.core.chips import ChipReader, mean_of_valid, nearest_valid, reflected
from landcover_plugin.core.grid import TileIndex
from landcover_plugin.core.imagery import grid_of
from landcover_plugin.core.raster_io import raster_io
from landcover_plugin.core.recipe import choose_recipe
from tests.fake_backend import fake_spec
from tests.rasters import noise, write_raster

ADAPTERS = ("gdal", "rasterio")


def read_chip(path: Path, index: TileIndex, adapter: str = "rasterio", **changes: object):
    spec = fake_spec(**{"tile": 32, "halo": 8, **changes})
    source = raster_io(adapter).open(str(path))
    recipe = choose_recipe(source, spec).recipe
    chip = ChipReader(source, grid_of(source, spec.tile), recipe).read(index)
    source.close()
    return chip


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_inner_chip_is_the_imagery_itself(tmp_path: Path, adapter: str) -> None:
    values = noise(4, 100, 100)
    chip = read_chip(write_raster(tmp_path / "a.tif", values), TileIndex(0, 1, 1), adapter)
    assert chip.valid is None
    np.testing.assert_array_equal(chip.pixels, values[:, 24:72, 24:72])


def test_reflect_mirrors_at_the_edge_of_the_imagery_like_numpy(tmp_path: Path) -> None:
    values = noise(4, 40, 50)
    chip = read_chip(write_raster(tmp_path / "a.tif", values), TileIndex(0, 0, 0))
    expected = np.pad(values, ((0, 0), (8, 8), (8, 8)), mode="reflect")[:, :48, :48]
    np.testing.assert_array_equal(chip.pixels, expected)


@given(st.integers(1, 60), st.integers(0, 3), st.integers(4, 32))
def test_reflected_indices_agree_with_numpy_wherever_a_prediction_can_see_them(
    size: int, tile_no: int, tile: int
) -> None:
    halo = 4
    start = tile_no * tile - halo
    first, last = max(0, start), min(size, start + tile + 2 * halo)
    if first >= last or tile_no * tile >= size:
        return
    index = reflected(start, tile + 2 * halo, size, first, last - first)
    assert ((index >= 0) & (index < last - first)).all()
    line = np.pad(np.arange(size), size + tile + 8, mode="reflect") if size > 1 else None
    for place, got in enumerate(index):
        wanted = start + place
        seen = -halo <= wanted < size + halo and wanted < (tile_no + 1) * tile + halo
        if line is not None and seen and halo < size:
            assert first + got == line[wanted + size + tile + 8]


def test_a_constant_fill_and_the_mean_fill(tmp_path: Path) -> None:
    values = noise(4, 20, 20)
    path = write_raster(tmp_path / "a.tif", values)
    constant = read_chip(path, TileIndex(0, 0, 0), fill=7.0)
    assert (constant.pixels[:, :8] == 7).all() and (constant.pixels[:, 28:] == 7).all()
    mean = read_chip(path, TileIndex(0, 0, 0), fill="mean")
    expected = np.floor(values.reshape(4, -1).mean(axis=1) + 0.5)
    np.testing.assert_array_equal(mean.pixels[:, 0, 0], expected)
    np.testing.assert_array_equal(mean.pixels[:, 8:28, 8:28], values)
    assert mean.valid is not None
    assert mean.valid[:20, :20].all() and mean.valid.sum() == 400


def test_a_pixel_is_missing_only_where_all_bands_hold_nodata(tmp_path: Path) -> None:
    values = np.full((4, 32, 32), 100, np.uint8)
    values[:, 3, 4] = 0
    values[3, 10, 10] = 0  # black in near infrared: water, not a hole
    chip = read_chip(write_raster(tmp_path / "a.tif", values, nodata=0), TileIndex(0, 0, 0), fill=1.0)
    assert chip.valid is not None
    assert not chip.valid[3, 4] and chip.valid[10, 10] and chip.valid.sum() == 32 * 32 - 1
    assert (chip.pixels[:, 8 + 3, 8 + 4] == 1).all()


def test_a_nan_in_any_band_is_missing(tmp_path: Path) -> None:
    values = noise(4, 32, 32).astype("float32")
    values[2, 5, 6] = np.nan
    chip = read_chip(write_raster(tmp_path / "a.tif", values), TileIndex(0, 0, 0))
    assert chip.valid is not None and not chip.valid[5, 6] and chip.valid.sum() == 32 * 32 - 1


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_near_infrared_tagged_alpha_is_imagery_also_where_it_is_zero(tmp_path: Path, adapter: str) -> None:
    values = noise(4, 64, 64)
    values[3, :10, :10] = 0
    colours = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
    chip = read_chip(write_raster(tmp_path / "a.tif", values, colours=colours), TileIndex(0, 0, 0), adapter)
    assert chip.valid is None
    np.testing.assert_array_equal(chip.pixels[:, 8:40, 8:40], values[:, :32, :32])


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_true_alpha_band_masks(tmp_path: Path, adapter: str) -> None:
    values = noise(4, 64, 64)
    values[3] = 255
    values[3, :10, :10] = 0
    colours = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
    path = write_raster(tmp_path / "a.tif", values, colours=colours)
    bands = fake_spec().bands[:3]
    chip = read_chip(path, TileIndex(0, 0, 0), adapter, bands=bands)
    assert chip.valid is not None
    assert not chip.valid[:10, :10].any() and chip.valid.sum() == 32 * 32 - 100


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_sixteen_bits_that_are_eight_bits_times_257_give_the_same_chip(tmp_path: Path, adapter: str) -> None:
    values = noise(4, 64, 64)
    values[0, 0, 0] = 255
    wide = write_raster(tmp_path / "wide.tif", values.astype("uint16") * 257)
    narrow = write_raster(tmp_path / "narrow.tif", values)
    np.testing.assert_array_equal(
        read_chip(wide, TileIndex(0, 0, 0), adapter).pixels,
        read_chip(narrow, TileIndex(0, 0, 0), adapter).pixels,
    )


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_level_is_the_mean_of_valid_pixels_also_over_many_strips(tmp_path: Path, level: int) -> None:
    values = noise(4, 700, 300)
    values[:, 20:40, 20:40] = 0
    path = write_raster(tmp_path / "a.tif", values, nodata=0)
    chip = read_chip(path, TileIndex(level, 0, 0), tile=64, halo=0)
    factor = 2**level
    rows, cols = min(64, -(-700 // factor)), min(64, -(-300 // factor))
    for row, col in ((0, 0), (rows // 2, cols // 2), (rows - 1, cols - 1)):
        block = values[:, row * factor : (row + 1) * factor, col * factor : (col + 1) * factor]
        valid = (block != 0).any(axis=0)
        if valid.any():
            expected = np.floor(block[:, valid].mean(axis=1) + 0.5)
            np.testing.assert_array_equal(chip.pixels[:, row, col], expected)


@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from([2, 4, 8]), st.integers(0, 1000))
@settings(max_examples=40)
def test_means_count_every_valid_pixel_once(rows: int, cols: int, factor: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.integers(0, 1000, (2, rows, cols)).astype(np.float64)
    valid = random.random((rows, cols)) < 0.7
    means, some = mean_of_valid(values, valid, factor)
    for row in range(means.shape[1]):
        for col in range(means.shape[2]):
            cut = slice(row * factor, (row + 1) * factor), slice(col * factor, (col + 1) * factor)
            assert some[row, col] == valid[cut].any()
            if some[row, col]:
                np.testing.assert_allclose(
                    means[:, row, col], values[(slice(None), *cut)][:, valid[cut]].mean(axis=1)
                )


@given(st.integers(1, 12), st.integers(1, 12), st.floats(0.05, 0.9), st.integers(0, 1000))
@settings(max_examples=60)
def test_holes_take_a_nearest_valid_pixel(rows: int, cols: int, share: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    valid = random.random((rows, cols)) < share
    values = np.arange(rows * cols).reshape(1, rows, cols)
    filled = nearest_valid(values, valid)
    if not valid.any():
        np.testing.assert_array_equal(filled, values)
        return
    places = np.argwhere(valid)
    for row, col in np.ndindex(rows, cols):
        got = np.array(divmod(int(filled[0, row, col]), cols))
        best = np.abs(places - (row, col)).sum(axis=1).min()
        assert valid[tuple(got)] and np.abs(got - (row, col)).sum() == best
