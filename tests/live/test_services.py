from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from landcover_plugin.core.backends.opening import open_backend
from landcover_plugin.core.classify import ClassifyOptions, classify
from landcover_plugin.core.grid import Extent, Window
from landcover_plugin.core.model_library import find_model
from landcover_plugin.core.raster_io import raster_io
from tests.image_server import ground
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
    for bands in (3, 4):
        write_brightest_band_model(
            folder / f"bright{bands}",
            bands=bands,
            tile=256,
            pixel_size_m=(0.6, 0.3, 2.0),
            name=f"bright{bands}",
        )
    return folder


@pytest.fixture(autouse=True)
def time_limit(qgis_app) -> Iterator[None]:
    """QGIS' limit on the network; a test that is to meet it makes it short once its layer is open."""
    before = qgis.QgsNetworkAccessManager.timeout()
    qgis.QgsNetworkAccessManager.setTimeout(20_000)
    yield
    qgis.QgsNetworkAccessManager.setTimeout(before)


@dataclass(frozen=True)
class Kind:
    """A kind of service: how a layer of it is opened, and what it shows."""

    provider: str
    uri: Callable[[MapServer, str], str]
    model: str
    window: Callable[[object], Window]
    pixels: Callable[[object, Window], np.ndarray]


def middle_of_the_matrix(grid) -> Window:
    return Window(grid.height // 2 + 100, grid.width // 2 + 100, 600, 600)


def fields(grid, window: Window) -> np.ndarray:
    return ground(window.row, window.col, window.height, window.width)


def world_of_wms(grid, window: Window) -> np.ndarray:
    row = round((HALF - grid.origin_y) / grid.pixel_height) + window.row
    col = round((grid.origin_x + HALF) / grid.pixel_width) + window.col
    return world_pixels(0, row, col, window.height, window.width)


KINDS = {
    "xyz": Kind(
        "wms",
        lambda server, manner: server.xyz_uri(manner),
        "bright3",
        middle_of_the_matrix,
        lambda grid, w: world_pixels(ZOOM, w.row, w.col, w.height, w.width),
    ),
    "wms": Kind(
        "wms",
        lambda server, manner: server.wms_uri(manner),
        "bright3",
        middle_of_the_matrix,
        world_of_wms,
    ),
    "wcs": Kind(
        "wcs",
        lambda server, manner: server.wcs_uri(manner),
        "bright4",
        lambda grid: Window(5000, 7000, 600, 600),
        fields,
    ),
    "image": Kind(
        "arcgismapserver",
        lambda server, manner: server.image_uri(manner),
        "bright4",
        lambda grid: Window(5000, 7000, 600, 600),
        fields,
    ),
}


def live_layer(kind: Kind, uri: str):
    from landcover_plugin.live.uri import LiveUri

    text = LiveUri(uri, kind.provider, kind.model, at=(0.0, 0.0)).text()
    layer = qgis.QgsRasterLayer(text, "live", "landcover")
    assert layer.isValid()
    assert layer.dataProvider().live.problem == ""
    return layer


def wait_for(condition, seconds: float = 30) -> float:
    """Wait with the event loop running; the longest time in seconds that it was held up."""
    from qgis.PyQt.QtCore import QCoreApplication

    end = time.monotonic() + seconds
    longest, last = 0.0, time.monotonic()
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        QCoreApplication.processEvents()
        time.sleep(0.01)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    return longest


def linger(seconds: float) -> None:
    until = time.monotonic() + seconds
    wait_for(lambda: time.monotonic() > until)


def asked(layer, window: Window):
    feed = layer.dataProvider().live.feed
    view = feed.view(feed.grid.extent(window), window.height, window.width)
    feed.ask(view, view.tiles())
    return feed, view


def looked_at(feed, view) -> int:
    """How many tiles of a view are missing; whoever looks wants them."""
    there = feed.there(view, "classes")
    missing = [index for index in view.tiles() if index not in there]
    feed.ask(view, missing)
    return len(missing)


def picture(layer, window: Window) -> np.ndarray:
    feed, view = asked(layer, window)
    wait_for(lambda: looked_at(feed, view) == 0)
    return feed.paint(view, feed.there(view, "classes"), "classes")


def batch(kind: Kind, uri: str, models: Path, extent: Extent, out: Path) -> np.ndarray:
    """The batch job over the same ground, as the Toolbox does it."""
    from landcover_plugin.qgis_imagery import LayerImagery

    spec = find_model(kind.model, [models])
    source = LayerImagery(qgis.QgsRasterLayer(uri, "imagery", kind.provider)).open(
        spec.pixel_size_m.best, extent
    )
    backend = open_backend("onnxruntime:cpu", spec)
    try:
        classify(source, spec, backend, out, ClassifyOptions(extent=extent, level=0), io=raster_io("gdal"))
    finally:
        backend.close()
        source.close()
    return read_raster(out)[0]


@pytest.mark.parametrize("name", list(KINDS))
def test_a_service_is_predicted_pixel_by_pixel_and_as_in_batch(session, server, models, tmp_path, name):
    kind = KINDS[name]
    uri = kind.uri(server, "fine")
    layer = live_layer(kind, uri)
    feed = layer.dataProvider().live.feed
    before = len(server.requests)
    window = kind.window(feed.grid)
    got = picture(layer, window)
    requests = len(server.requests) - before
    np.testing.assert_array_equal(got, kind.pixels(feed.grid, window).argmax(axis=0) + 1)
    np.testing.assert_array_equal(
        got, batch(kind, uri, models, feed.grid.extent(window), tmp_path / "map.tif")
    )
    if name == "xyz":
        assert feed.grid.pixel_width == pytest.approx(2 * HALF / 256 / 2**ZOOM)
    # 9 tiles are in view and their halos reach into 16 more; a look all over the world takes 64 and more
    assert requests <= 36


def test_an_image_server_is_read_with_near_infrared(session, server):
    layer = live_layer(KINDS["image"], server.image_uri("unnamed"))
    picture(layer, Window(5000, 7000, 100, 100))
    setup = layer.dataProvider().live.feed.setup
    assert setup.choice.recipe.bands == (4, 3, 2, 1)


@pytest.mark.parametrize(
    ("name", "manner", "reason"),
    [
        ("xyz", "garbage", "cannot be read"),
        ("xyz", "broken", "HTTP status 500"),
        ("wms", "page", "text/html"),
        ("wms", "garbage", "cannot be read"),
        ("wms", "slow-4", "in time"),
        ("wcs", "truncated", "cannot be read"),
        ("image", "refused", "Unable to complete operation"),
    ],
)
def test_a_service_that_fails_is_said_once_and_the_layer_stays_blank(session, server, name, manner, reason):
    kind, place = KINDS[name], f"{name}{manner}"
    layer = live_layer(kind, kind.uri(server, place))
    server.turn(place, manner)
    if reason == "in time":
        qgis.QgsNetworkAccessManager.setTimeout(1500)
    said = []
    session.said.connect(lambda text, about: said.append(text))
    window = kind.window(layer.dataProvider().live.feed.grid)
    feed, view = asked(layer, Window(window.row, window.col, 100, 100))
    held_up_s = wait_for(lambda: looked_at(feed, view) and bool(said), 40)
    assert feed.there(view, "classes") == {}
    assert len(said) == 1
    assert reason in said[0]
    assert "127.0.0.1" in said[0]
    assert "http" not in said[0].replace("HTTP", "")
    assert held_up_s < 3  # a window that waited for the service itself would be held up for longer


def test_a_service_that_comes_back_is_predicted_after_all(session, server):
    kind = KINDS["wms"]
    layer = live_layer(kind, server.wms_uri("moody"))
    server.turn("moody", "broken")
    window = middle_of_the_matrix(layer.dataProvider().live.feed.grid)
    feed, view = asked(layer, window)
    wait_for(lambda: looked_at(feed, view) and feed.error is not None)
    server.turn("moody", "fine")
    got = picture(layer, window)
    np.testing.assert_array_equal(got, world_of_wms(feed.grid, window).argmax(axis=0) + 1)
    assert feed.error is None


@pytest.mark.parametrize("name", ["xyz", "wms", "image"])
def test_a_view_that_is_left_cancels_its_reads(session, server, name):
    kind = KINDS[name]
    layer = live_layer(kind, kind.uri(server, "slow-8"))
    feed, view = asked(layer, kind.window(layer.dataProvider().live.feed.grid))
    wait_for(lambda: feed.setup is not None)
    time.sleep(0.3)
    feed.looked_at([Extent(1e7, 1e6, 1e7 + 10, 1e6 + 10)], only=True)
    wait_for(lambda: not feed.queue.is_busy, 7)
    assert feed.there(view, "classes") == {}


@pytest.mark.parametrize("name", ["xyz", "image"])
def test_views_left_in_mid_flight_leave_no_wrong_tile(session, server, name):
    kind = KINDS[name]
    layer = live_layer(kind, kind.uri(server, "slow-0.1"))
    feed = layer.dataProvider().live.feed
    start = kind.window(feed.grid)
    windows = [start.moved(200 * step, 300 * step) for step in range(5)]
    for window in windows:
        asked(layer, window)
        linger(0.35)
        feed.looked_at([feed.grid.extent(window)], only=True)
    for window in windows:
        got = picture(layer, window)
        np.testing.assert_array_equal(got, kind.pixels(feed.grid, window).argmax(axis=0) + 1)


def test_a_view_of_a_tile_service_is_exported_beside_its_live_layer(session, server, tmp_path):
    from landcover_plugin.core.backends import open_backend
    from landcover_plugin.core.raster_io import raster_io
    from landcover_plugin.live.exporting import export_view
    from landcover_plugin.live.imagery import reader_for
    from landcover_plugin.processing.reporting import FeedbackReporter

    kind = KINDS["xyz"]
    layer = live_layer(kind, kind.uri(server, "fine"))
    live = layer.dataProvider().live
    window = kind.window(live.feed.grid)
    extent = live.feed.grid.extent(window)
    seen = picture(layer, window)
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
