from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from qgis.core import QgsNetworkAccessManager, QgsRasterLayer
from qgis.PyQt.QtCore import QCoreApplication

from landcover_plugin.core.errors import CancelledError, ImageryError
from landcover_plugin.core.grid import Window
from landcover_plugin.qgis_imagery import LayerImagery
from tests.image_server import HEIGHT, WIDTH, ground
from tests.qgis_imagery.opening import opened
from tests.rasters import noise, write_raster
from tests.tile_server import HALF, MapServer, world_pixels


def test_a_wms_has_pixels_of_the_models_size_at_its_centre(server: MapServer) -> None:
    with opened(server.wms_uri(), best=1.0) as source:
        size = source.geotransform[1]
        x, y = source.geotransform[0], source.geotransform[3]
        latitude = np.degrees(2 * np.arctan(np.exp((y - source.height * size / 2) / 6378137)) - np.pi / 2)
        assert size == pytest.approx(1 / np.cos(np.radians(latitude)), rel=1e-6)
        assert (x + HALF) / size == pytest.approx(round((x + HALF) / size), abs=1e-4)
        window = Window(1000, 2000, 300, 400)
        row, col = round((HALF - y) / size) + 1000, round((x + HALF) / size) + 2000
        assert np.array_equal(source.read(window, (1, 2, 3)), world_pixels(0, row, col, 300, 400))


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        ("broken", "HTTP status 500"),
        ("page", "text/html"),
        ("garbage", "picture that cannot be read"),
        ("truncated", "picture that cannot be read"),
        ("slow-3", "in time"),
    ],
)
@pytest.mark.parametrize("kind", ["xyz", "wms", "wcs"])
def test_a_read_that_fails_on_the_network_is_an_error(
    server: MapServer, manner: str, reason: str, kind: str
) -> None:
    place = f"{kind}{manner}"
    uri = {"xyz": server.xyz_uri, "wms": server.wms_uri, "wcs": server.wcs_uri}[kind](place)
    with opened(uri, "wcs" if kind == "wcs" else "wms") as source:
        server.turn(place, manner)  # a coverage service must answer when its layer is opened
        if reason == "in time":
            QgsNetworkAccessManager.setTimeout(1500)
        with pytest.raises(ImageryError, match=f"some imagery .*{reason}"):
            source.read(Window(5000, 6000, 50, 50), (1, 2, 3))


def test_a_coverage_keeps_its_bands_and_pixels(server: MapServer) -> None:
    with opened(server.wcs_uri(), "wcs") as source:
        assert (source.width, source.height) == (WIDTH, HEIGHT)
        window = Window(5000, 7000, 60, 70)
        assert np.array_equal(source.read(window, (1, 2, 3, 4)), ground(5000, 7000, 60, 70))
    assert LayerImagery(QgsRasterLayer(server.wcs_uri(), "fields", "wcs")).is_service


def test_another_reader_of_a_map_service_has_a_clone_of_its_own(server: MapServer) -> None:
    window = Window(1000, 2000, 30, 40)
    layer = QgsRasterLayer(server.wms_uri(), "world", "wms")
    first, second = LayerImagery(layer).readers(1.0, None, 2)
    assert first is not second
    assert np.array_equal(first.reopen().read(window, (1, 2, 3)), second.read(window, (1, 2, 3)))


@pytest.mark.parametrize("kind", ["xyz", "wms"])
def test_a_cancelled_read_raises_and_ends_soon(server: MapServer, kind: str) -> None:
    stop = threading.Event()
    uri = server.xyz_uri("slow-6") if kind == "xyz" else server.wms_uri("slow-6")
    with opened(uri, is_cancelled=stop.is_set) as source:
        threading.Timer(0.3, stop.set).start()
        start = time.monotonic()
        with pytest.raises(CancelledError):
            source.read(Window(5000, 6000, 50, 50), (1, 2, 3))
        assert time.monotonic() - start < 5


def test_a_file_is_read_by_gdal_itself(tmp_path: Path) -> None:
    values = noise(4, 40, 50)
    path = write_raster(tmp_path / "image.tif", values)
    with opened(str(path), "gdal") as source:
        assert np.array_equal(source.read(Window(3, 4, 20, 30), (4, 1)), values[[3, 0], 3:23, 4:34])
        assert type(source).__name__ == "GdalSource"


def test_a_file_without_a_crs_takes_the_one_the_layer_was_given(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "image.tif", noise(4, 40, 50), crs=None)
    layer = QgsRasterLayer(str(path), "bare", "gdal")
    from qgis.core import QgsCoordinateReferenceSystem

    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:26911"))
    source = LayerImagery(layer).open(0.6)
    assert "26911" in source.crs_wkt
    source.close()


def test_a_provider_of_values_keeps_them(tmp_path: Path) -> None:
    values = noise(2, 60, 70, dtype="uint16") * 100
    path = write_raster(tmp_path / "image.tif", values, nodata=0)
    uri = f"?crs=EPSG:26911&extent=400000.2,3799964.4,400042.2,3800000.4&width=70&height=60&formula=%22i@2%22&i:provider=gdal&i:uri={path}"
    layer = QgsRasterLayer(uri, "virtual", "virtualraster")
    if not layer.isValid():
        pytest.skip("this QGIS makes no virtual rasters")
    source = LayerImagery(layer).open(0.6)
    got = source.read(Window(5, 6, 20, 30), (1,))
    assert np.array_equal(got[0], values[1, 5:25, 6:36])
    source.close()
    QCoreApplication.processEvents()
