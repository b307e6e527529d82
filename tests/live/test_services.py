from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.rasters import read_raster
from tests.tile_server import HALF, MapServer, world_pixels
from tests.tiny_model import write_brightest_band_model

qgis = pytest.importorskip("qgis.core")

ZOOM = 18


@pytest.fixture(scope="module")
def server() -> Iterator[MapServer]:
    running = MapServer()
    yield running
    running.close()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    write_brightest_band_model(
        folder / "bright", bands=3, tile=256, pixel_size_m=(0.6, 0.3, 2.0), name="bright"
    )
    return folder


def live_layer(uri: str):
    from landcover_plugin.live.uri import LiveUri

    layer = qgis.QgsRasterLayer(LiveUri(uri, "wms", "bright", at=(0.0, 0.0)).text(), "live", "landcover")
    assert layer.isValid()
    return layer


def wait_for(condition, seconds: float = 30) -> None:
    from qgis.PyQt.QtCore import QCoreApplication

    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        QCoreApplication.processEvents()
        time.sleep(0.01)


def near_the_middle(layer, pixels: int = 600):
    """A view at native scale whose corner is 100 pixels east and south of 0, 0."""
    from landcover_plugin.core.grid import Extent

    size = layer.dataProvider().live.feed.grid.pixel_width
    return Extent(100 * size, -(100 + pixels) * size, (100 + pixels) * size, -100 * size)


def picture(layer, extent, pixels: int = 600) -> np.ndarray:
    feed = layer.dataProvider().live.feed
    view = feed.view(extent, pixels, pixels)
    feed.ask(view, view.tiles())
    wait_for(lambda: len(feed.there(view, "classes")) == len(view.tiles()))
    return feed.paint(view, feed.there(view, "classes"), "classes")


def test_a_tile_service_is_predicted_pixel_by_pixel(session, server):
    layer = live_layer(server.xyz_uri())
    feed = layer.dataProvider().live.feed
    assert feed.grid.pixel_width == pytest.approx(2 * HALF / 256 / 2**ZOOM)
    asked = len(server.requests)
    got = picture(layer, near_the_middle(layer))
    middle = 256 * 2 ** (ZOOM - 1)
    rgb = world_pixels(ZOOM, middle + 100, middle + 100, 600, 600)
    np.testing.assert_array_equal(got, rgb.argmax(axis=0) + 1)
    # 9 tiles are in view and QGIS asks for neighbours too; a look all over the world takes 64 and more
    assert len(server.requests) - asked <= 36


@pytest.mark.parametrize("manner", ["garbage", "broken"])
def test_a_service_that_fails_is_said_and_the_layer_stays_blank(session, server, manner):
    layer = live_layer(server.xyz_uri(manner))
    feed = layer.dataProvider().live.feed
    said = []
    session.said.connect(lambda text, about: said.append(text))
    extent = near_the_middle(layer, 100)
    view = feed.view(extent, 100, 100)
    feed.ask(view, view.tiles())
    wait_for(lambda: bool(said), 40)
    assert feed.there(view, "classes") == {}
    assert len(said) == 1


def test_a_view_that_is_left_cancels_its_reads(session, server):
    layer = live_layer(server.xyz_uri("slow-2"))
    feed = layer.dataProvider().live.feed
    extent = near_the_middle(layer)
    view = feed.view(extent, 600, 600)
    feed.ask(view, view.tiles())
    wait_for(lambda: feed.setup is not None)
    time.sleep(0.3)
    from landcover_plugin.core.grid import Extent

    feed.looked_at([Extent(1e7, 1e6, 1e7 + 10, 1e6 + 10)], only=True)
    wait_for(lambda: not feed.queue.is_busy, 3)
    assert feed.there(view, "classes") == {}


def test_a_view_of_a_tile_service_is_exported_beside_its_live_layer(session, server, tmp_path):
    from landcover_plugin.core.backends import open_backend
    from landcover_plugin.core.raster_io import raster_io
    from landcover_plugin.live.exporting import export_view
    from landcover_plugin.live.imagery import reader_for
    from landcover_plugin.processing.reporting import FeedbackReporter

    layer = live_layer(server.xyz_uri())
    live = layer.dataProvider().live
    extent = near_the_middle(layer)
    seen = picture(layer, extent)
    open_source = reader_for(live.uri, live.spec)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        exported = pool.submit(
            lambda: (
                export_view(
                    live.feed,
                    open_source(lambda: False),
                    lambda: open_backend("onnxruntime:cpu", live.spec),
                    extent,
                    0,
                    tmp_path / "view.tif",
                    raster_io("gdal"),
                    FeedbackReporter(qgis.QgsProcessingFeedback()),
                ).path
            )
        )
        wait_for(exported.done)
    np.testing.assert_array_equal(read_raster(exported.result())[0], seen)
