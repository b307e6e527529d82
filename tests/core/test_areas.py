"""Areas per class are the ground's, in every CRS, for the map and for zones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from shapely.geometry import box

from landcover_plugin.core.areas import areas_csv, areas_html, areas_text, class_areas, format_area
from landcover_plugin.core.errors import CancelledError, ImageryError, NoCrsError
from landcover_plugin.core.grid import Extent
from landcover_plugin.core.legend import NODATA, LandClass, Legend
from landcover_plugin.core.raster_io import Polygon, raster_io
from landcover_plugin.core.raster_io.pam import aux_xml
from tests.fake_backend import LEGEND
from tests.rasters import write_raster

ADAPTERS = ("gdal", "rasterio")


def a_map(path: Path, crs: str = "EPSG:32611", transform=None) -> Path:
    values = np.full((1, 600, 700), 1, np.uint8)
    values[0, :300] = 2
    values[0, 500:, :100] = NODATA
    write_raster(path, values, crs=crs, transform=transform, nodata=NODATA)
    Path(f"{path}.aux.xml").write_text(aux_xml(LEGEND, {}), "utf-8")
    return path


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_pixels_and_areas_of_a_whole_map(tmp_path: Path, adapter: str) -> None:
    table = class_areas(raster_io(adapter), str(a_map(tmp_path / "m.tif")))
    pixels = {row.name: row.pixels for row in table}
    assert pixels == {"Water": 300 * 700 - 100 * 100, "Trees & shrubs": 300 * 700, "Grass": 0}
    assert sum(row.share for row in table) == pytest.approx(1)
    # UTM at 400 km east: scale 0.9997, so ground area is 0.06 % above the map's
    trees = next(row for row in table if row.value == 2)
    assert trees.area_m2 == pytest.approx(300 * 700 * 0.36 * 1.00055, rel=2e-4)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_the_same_ground_has_the_same_area_in_three_systems(tmp_path: Path, adapter: str) -> None:
    from rasterio.warp import Resampling, calculate_default_transform, reproject

    utm = a_map(tmp_path / "utm.tif")
    totals = []
    for crs in ("EPSG:32611", "EPSG:3857", "EPSG:4326"):
        path = tmp_path / f"{crs[5:]}.tif"
        with rasterio.open(utm) as source:
            transform, width, height = calculate_default_transform(
                source.crs, crs, source.width, source.height, *source.bounds
            )
            values = np.full((1, height, width), NODATA, np.uint8)
            reproject(rasterio.band(source, 1), values[0], dst_transform=transform, dst_crs=crs,
                      dst_nodata=NODATA, resampling=Resampling.nearest)  # fmt: skip
        write_raster(path, values, crs=crs, transform=transform, nodata=NODATA)
        totals.append(sum(row.area_m2 for row in class_areas(raster_io(adapter), str(path))))
    assert totals[1] == pytest.approx(totals[0], rel=3e-3)
    assert totals[2] == pytest.approx(totals[0], rel=3e-3)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_zones_count_pixels_whose_centre_lies_inside_and_may_overlap(tmp_path: Path, adapter: str) -> None:
    path = a_map(tmp_path / "m.tif", transform=from_origin(4e5, 3.8e6, 1, 1))
    zones = []
    for name, bounds in {
        "a": (0, -600, 700, 0),
        "b": (10.4, -20.4, 20.6, -10.6),
        "away": (9e4, 9e4, 9.1e4, 9.1e4),
    }.items():
        shape = box(4e5 + bounds[0], 3.8e6 + bounds[1], 4e5 + bounds[2], 3.8e6 + bounds[3])
        zones.append(Polygon(name, shape.wkb, Extent(*shape.bounds)))
    table = class_areas(raster_io(adapter), str(path), zones)
    pixels = {(row.zone, row.value): row.pixels for row in table}
    assert pixels["a", 2] == 300 * 700 and pixels["b", 2] == 11 * 9 and pixels["b", 1] == 0
    assert all(row.pixels == 0 for row in table if row.zone == "away")


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_zones_are_read_from_a_file_in_another_crs(tmp_path: Path, adapter: str) -> None:
    import geopandas

    path = a_map(tmp_path / "m.tif")
    shape = box(400_010, 3_799_900, 400_100, 3_799_990)
    frame = geopandas.GeoDataFrame({"name": ["parcel 7"]}, geometry=[shape], crs="EPSG:32611").to_crs(
        "EPSG:4326"
    )
    frame.to_file(tmp_path / "zones.gpkg")
    io = raster_io(adapter)
    source = io.open(str(path))
    zones = io.read_polygons(str(tmp_path / "zones.gpkg"), source.crs_wkt)
    source.close()
    table = class_areas(io, str(path), zones)
    assert {row.zone for row in table} == {"parcel 7"}
    assert sum(row.area_m2 for row in table) == pytest.approx(90 * 90, rel=0.02)


def test_a_map_without_crs_has_no_areas(tmp_path: Path) -> None:
    write_raster(tmp_path / "m.tif", np.zeros((1, 9, 9), np.uint8), crs=None)
    with pytest.raises(NoCrsError, match="no CRS"):
        class_areas(raster_io("rasterio"), str(tmp_path / "m.tif"))


def test_imagery_is_not_a_map(tmp_path: Path) -> None:
    write_raster(tmp_path / "m.tif", np.zeros((1, 9, 9), np.uint16))
    with pytest.raises(ImageryError, match="not classes"):
        class_areas(raster_io("rasterio"), str(tmp_path / "m.tif"))


def test_it_stops_when_told(tmp_path: Path) -> None:
    with pytest.raises(CancelledError):
        class_areas(raster_io("rasterio"), str(a_map(tmp_path / "m.tif")), progress=lambda share: share < 0.5)


def test_the_table_as_text_csv_and_page(tmp_path: Path) -> None:
    table = class_areas(raster_io("rasterio"), str(a_map(tmp_path / "m.tif")))
    assert "Trees & shrubs" in areas_text(table) and "ha" in areas_text(table)
    assert areas_csv(table).splitlines()[0] == "zone,class,name,pixels,area_m2,share"
    assert "Trees &amp; shrubs" in areas_html(table, "a <map>") and "a &lt;map&gt;" in areas_html(
        table, "a <map>"
    )


@pytest.mark.parametrize(("area", "text"), [(12.4, "12 m²"), (25_000, "2.50 ha"), (2.5e7, "25.0 km²")])
def test_areas_have_the_unit_that_suits(area: float, text: str) -> None:
    assert format_area(area) == text


def test_no_data_classes_are_named_only_where_they_occur() -> None:
    legend = Legend((LandClass(0, "No data", "#000000", is_land_cover=False), *LEGEND))
    assert "No data" not in aux_xml(legend, {1: 5})
    assert "No data" in aux_xml(legend, {0: 1, 1: 5})
    assert aux_xml(legend, {1: 5}).count("<Category>") == 4
