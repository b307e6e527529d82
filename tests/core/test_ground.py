"""Sizes on the ellipsoid agree with PROJ's geodesics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Geod, Transformer

from landcover_plugin.core.grid import PredictionGrid, Window
from landcover_plugin.core.ground import pixel_size_m, row_areas
from landcover_plugin.core.raster_io import raster_io

GEOD = Geod(ellps="WGS84")


def to_lonlat(crs: str, adapter: str = "rasterio"):
    wkt = CRS.from_user_input(crs).to_wkt()
    return lambda x, y: raster_io(adapter).to_lonlat(wkt, x, y)


def geodesic_area(lon: np.ndarray, lat: np.ndarray) -> float:
    return abs(GEOD.polygon_area_perimeter(lon, lat)[0])


@pytest.mark.parametrize("adapter", ["gdal", "rasterio"])
@pytest.mark.parametrize(
    ("crs", "pixel", "at"),
    [
        ("EPSG:26911", 0.6, (4e5, 3.8e6)),
        ("EPSG:3857", 1.0, (-1.31e7, 7e6)),
        ("EPSG:4326", 1e-5, (-80.0, 60.0)),
    ],
)
def test_the_ground_size_of_a_pixel(crs: str, pixel: float, at: tuple[float, float], adapter: str) -> None:
    grid = PredictionGrid(at[0], at[1], pixel, pixel, 100, 100)
    got = pixel_size_m(grid, to_lonlat(crs, adapter), at)
    half = pixel / 2
    x = at[0] + np.array([-half, half, half, -half])
    y = at[1] + np.array([half, half, -half, -half])
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    assert got == pytest.approx(geodesic_area(lon, lat) ** 0.5, rel=1e-4)


@given(st.floats(-85, 84), st.floats(1e-5, 1.0))
def test_rows_of_a_geographic_raster_have_the_exact_area_at_any_latitude(top: float, pixel: float) -> None:
    grid = PredictionGrid(10.0, top, pixel, pixel, 50, 3)
    areas = row_areas(grid, lambda x, y: (x, y), Window(0, 0, 3, 50))
    for row in range(3):
        north, south = top - row * pixel, top - (row + 1) * pixel
        # a parallel is no geodesic: follow it with many short ones
        along = np.linspace(0, pixel, 60)
        lon = np.concatenate([10 + along, 10 + along[::-1]])
        lat = np.concatenate([np.full(60, north), np.full(60, south)])
        assert areas[row] == pytest.approx(geodesic_area(lon, lat), rel=2e-3 if pixel > 0.1 else 1e-4)


def test_the_whole_earth_has_its_area() -> None:
    grid = PredictionGrid(-180.0, 90.0, 1.0, 1.0, 360, 180)
    total = 0.0
    for col in range(0, 360, 90):
        window = Window(0, col, 180, 90)
        total += row_areas(grid, lambda x, y: (x, y), window).sum() * 90
    assert total == pytest.approx(510065621.724e6, rel=1e-9)


def test_web_mercator_pixels_shrink_with_latitude() -> None:
    grid = PredictionGrid(0.0, 8399737.9, 10.0, 10.0, 256, 256)  # 60° north
    areas = row_areas(grid, to_lonlat("EPSG:3857"), Window(0, 0, 256, 256))
    assert areas[0] == pytest.approx(100 * 0.2512, rel=5e-3)
    assert (np.diff(areas) > 0).all()
