from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import Qgis, QgsNetworkAccessManager, QgsRasterLayer
from qgis.PyQt.QtCore import QCoreApplication

from landcover_plugin.core.errors import CancelledError, ImageryError
from landcover_plugin.core.grid import Extent, Window
from landcover_plugin.core.imagery import ImagerySource
from landcover_plugin.qgis_imagery import LayerImagery
from tests.rasters import noise, write_raster
from tests.tile_server import HALF, TILE, MapServer, shows, world_pixels

ZOOM = 17
SIZE = 2 * HALF / (TILE << ZOOM)
TILES_ARE_EXACT = Qgis.QGIS_VERSION_INT < 34200
"""QGIS 3.44 paints each tile of a matrix one pixel too large, so that parts of it are a pixel off."""
HERE = Window(45_000 * 256 // 256 * 100 + 77, 68_000 * 100 + 33, 300, 500)


@pytest.fixture(autouse=True)
def short_time_limit(qgis_app: Any) -> Iterator[None]:
    before = QgsNetworkAccessManager.timeout()
    QgsNetworkAccessManager.setTimeout(1500)
    yield
    QgsNetworkAccessManager.setTimeout(before)


@contextmanager
def opened(uri: str, provider: str = "wms", best: float = 1.2, **options: Any) -> Iterator[ImagerySource]:
    layer = QgsRasterLayer(uri, "some imagery", provider)
    assert layer.isValid()
    source = LayerImagery(layer).open(best, **options)
    try:
        yield source
    finally:
        source.close()


def test_a_tile_service_has_the_pixels_of_its_matrix(server: MapServer) -> None:
    with opened(server.xyz_uri(), best=1.2) as source:
        assert (source.width, source.height) == (TILE << ZOOM, TILE << ZOOM)
        assert source.geotransform[1] == pytest.approx(SIZE)
        assert source.geotransform[0] == pytest.approx(-HALF)
        assert [b.colour for b in source.bands] == ["red", "green", "blue"]
        colours = source.read(HERE, (1, 2, 3))
        assert shows(colours, ZOOM, HERE.row, HERE.col, TILES_ARE_EXACT)
        assert np.array_equal(source.read(HERE, (3, 1)), colours[[2, 0]])
        assert source.read_mask(HERE).all()


def test_the_zoom_suits_the_ground_that_is_asked_for(server: MapServer) -> None:
    north = Extent(1_000_000, 8_399_000, 1_001_000, 8_400_000)  # 60 degrees: pixels half as large
    with opened(server.xyz_uri(), best=1.2, extent=north) as source:
        assert source.geotransform[1] == pytest.approx(2 * SIZE)


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


@pytest.mark.parametrize("manner", ["missing", "nothing"])
def test_tiles_that_are_not_there_are_no_imagery(server: MapServer, manner: str) -> None:
    with opened(server.xyz_uri(manner)) as source:
        assert not source.read_mask(HERE).any()


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        ("broken", "HTTP status 500"),
        ("page", "text/html"),
        ("garbage", "picture that cannot be read"),
        ("slow-3", "in time"),
    ],
)
@pytest.mark.parametrize("kind", ["xyz", "wms"])
def test_a_read_that_fails_on_the_network_is_an_error(
    server: MapServer, manner: str, reason: str, kind: str
) -> None:
    uri = server.xyz_uri(manner) if kind == "xyz" else server.wms_uri(manner)
    with opened(uri) as source, pytest.raises(ImageryError, match=f"some imagery .*{reason}"):
        source.read(Window(5000, 6000, 50, 50), (1, 2, 3))


def test_a_request_that_fails_now_and_then_is_made_again(server: MapServer) -> None:
    with opened(server.xyz_uri("flaky")) as source:
        window = Window(HERE.row, HERE.col, 40, 60)
        assert shows(source.read(window, (1, 2, 3)), ZOOM, window.row, window.col, TILES_ARE_EXACT)


def test_a_cancelled_read_raises_and_ends_soon(server: MapServer) -> None:
    stop = threading.Event()
    with opened(server.xyz_uri("slow-1.2"), is_cancelled=stop.is_set) as source:
        threading.Timer(0.3, stop.set).start()
        start = time.monotonic()
        with pytest.raises(CancelledError):
            source.read(HERE, (1, 2, 3))
        assert time.monotonic() - start < 1.0


def test_reading_works_from_a_python_thread_while_this_one_waits(server: MapServer) -> None:
    got: list[Any] = []
    with opened(server.xyz_uri()) as source:
        mine = source.reopen()

        def read() -> None:
            got.append(mine.read(HERE, (1, 2, 3)))
            mine.close()

        thread = threading.Thread(target=read)
        thread.start()
        thread.join(20)
        assert shows(got[0], ZOOM, HERE.row, HERE.col, TILES_ARE_EXACT)


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
