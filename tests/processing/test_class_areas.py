"""``landcover:classareas``: the core's areas, as a table and as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import QgsProcessingException, QgsRasterLayer, QgsRectangle, QgsVectorLayer
from rasterio.transform import from_origin

from landcover_plugin.core.areas import class_areas
from landcover_plugin.core.raster_io import raster_io
from tests.processing.test_classify import polygon_layer
from tests.rasters import ORIGIN, PIXEL, write_raster
from tests.tile_server import MapServer


@pytest.fixture
def map_path(tmp_path: Path) -> Path:
    values = np.ones((1, 100, 200), np.uint8)
    values[0, :, 150:] = 2
    values[0, :10, :20] = 255
    return write_raster(tmp_path / "map.tif", values, nodata=255, colours=())


def rows(path: str) -> list[dict[str, Any]]:
    table = QgsVectorLayer(path, "t", "ogr")
    assert table.isValid()
    return [dict(zip(f.fields().names(), f.attributes())) for f in table.getFeatures()]


def test_areas_of_the_whole_map(run: Any, map_path: Path, tmp_path: Path) -> None:
    table, page = str(tmp_path / "areas.csv"), str(tmp_path / "areas.html")
    results, said = run("classareas", {"INPUT": str(map_path), "OUTPUT_TABLE": table, "OUTPUT_HTML": page})
    assert Path(results["OUTPUT_TABLE"]).name == "areas.csv"
    got = rows(table)
    assert [(r["class"], int(r["pixels"])) for r in got] == [("1", 14800), ("2", 5000)] or [
        (int(r["class"]), int(r["pixels"])) for r in got
    ] == [(1, 14800), (2, 5000)]
    expected = class_areas(raster_io(), str(map_path))
    assert [float(r["area_m2"]) for r in got] == pytest.approx([a.area_m2 for a in expected], rel=1e-9)
    assert sum(float(r["share"]) for r in got) == pytest.approx(1)
    assert "class 1" in Path(page).read_text("utf-8")
    assert "class 2" in said.tables[0]


def test_areas_of_zones_by_name_from_another_crs(run: Any, map_path: Path, tmp_path: Path) -> None:
    x, y = ORIGIN
    left = QgsRectangle(x, y - 100 * PIXEL, x + 100 * PIXEL, y)
    right = QgsRectangle(x + 100 * PIXEL, y - 100 * PIXEL, x + 200 * PIXEL, y)
    zones = polygon_layer("EPSG:26911", left, right)
    table = str(tmp_path / "areas.gpkg")
    run("classareas", {"INPUT": str(map_path), "ZONES": zones, "ZONE_NAME": "name", "OUTPUT_TABLE": table})
    got = {(r["zone"], r["class"]): r["pixels"] for r in rows(table)}
    assert got == {("zone 0", 1): 9800, ("zone 0", 2): 0, ("zone 1", 1): 5000, ("zone 1", 2): 5000}


def test_a_map_in_degrees_has_areas_on_the_ellipsoid(run: Any, tmp_path: Path) -> None:
    values = np.ones((1, 10, 10), np.uint8)
    path = write_raster(
        tmp_path / "d.tif", values, crs="EPSG:4326", transform=from_origin(10, 60, 0.1, 0.1), colours=()
    )
    results, _ = run("classareas", {"INPUT": str(path), "OUTPUT_TABLE": str(tmp_path / "a.gpkg")})
    (row,) = rows(results["OUTPUT_TABLE"])
    # 1 degree x 1 degree below 60 N on WGS 84, by Karney's GeographicLib Planimeter
    assert row["area_m2"] == pytest.approx(6.2e9, rel=0.02)


def test_a_map_without_crs_has_no_areas(run: Any, tmp_path: Path) -> None:
    path = write_raster(tmp_path / "bare.tif", np.ones((1, 9, 9), np.uint8), crs=None, colours=())
    with pytest.raises(QgsProcessingException, match=r"bare\.tif has no CRS, so its pixels have no area"):
        run("classareas", {"INPUT": str(path), "OUTPUT_TABLE": str(tmp_path / "a.csv")})


def test_a_service_is_no_map(run: Any, server: MapServer, tmp_path: Path) -> None:
    layer = QgsRasterLayer(server.xyz_uri(), "world", "wms")
    with pytest.raises(QgsProcessingException, match="world is not a raster file; export it"):
        run("classareas", {"INPUT": layer, "OUTPUT_TABLE": str(tmp_path / "a.csv")})


def test_values_that_are_no_classes_are_refused(run: Any, tmp_path: Path) -> None:
    path = write_raster(tmp_path / "dem.tif", np.ones((1, 9, 9), np.float32), colours=())
    with pytest.raises(QgsProcessingException, match=r"dem\.tif holds float32, not classes"):
        run("classareas", {"INPUT": str(path), "OUTPUT_TABLE": str(tmp_path / "a.csv")})
