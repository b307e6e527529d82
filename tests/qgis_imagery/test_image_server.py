from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from qgis.core import QgsNetworkAccessManager, QgsRasterLayer

from landcover_plugin.core.bands import guess_bands
from landcover_plugin.core.errors import CancelledError, ImageryError
from landcover_plugin.core.grid import Window
from landcover_plugin.qgis_imagery import LayerImagery, band_count, image_server_info
from landcover_plugin.qgis_imagery.access import ServiceAccess
from tests.image_server import EMPTY_ROWS, HEIGHT, MAX_PX, PIXEL, WIDTH, XMIN, YMAX, ground
from tests.qgis_imagery.opening import opened
from tests.tile_server import REFERER, MapServer
from tests.tiny_model import write_tiny_model

KEY = "arcgismapserver"
HERE = Window(5000, 7000, 120, 150)


def test_a_service_gives_all_its_bands_in_its_own_pixels(server: MapServer) -> None:
    with opened(server.image_uri(), KEY) as source:
        assert source.geotransform == (XMIN, PIXEL, 0.0, YMAX, 0.0, -PIXEL)
        assert (source.width, source.height) == (WIDTH, HEIGHT)
        assert "3857" in source.crs_wkt
        assert [(b.name, b.dtype, b.nodata) for b in source.bands] == [
            (name, "uint8", 0.0) for name in ("Red", "Green", "Blue", "NearInfrared")
        ]
        wanted = ground(HERE.row, HERE.col, HERE.height, HERE.width)
        assert np.array_equal(source.read(HERE, (1, 2, 3, 4)), wanted)
        assert np.array_equal(source.read(HERE, (4, 1)), wanted[[3, 0]])
        assert source.read_mask(HERE).all()


def test_the_layer_is_offered_with_all_its_bands(server: MapServer) -> None:
    layer = QgsRasterLayer(server.image_uri(), "fields", KEY)
    image_server_info._known.clear()
    assert layer.bandCount() == 1
    assert band_count(layer) == 4  # as QGIS' own provider was told, so that nobody is asked again
    assert LayerImagery(layer).band_count == 4
    assert LayerImagery(layer).is_service


def test_a_window_larger_than_the_service_allows_comes_in_pieces(server: MapServer) -> None:
    window = Window(5000, 7000, MAX_PX + 30, 2 * MAX_PX + 1)
    with opened(server.image_uri(), KEY) as source:
        before = len(server.requests)
        assert np.array_equal(source.read(window, (4,)), ground(5000, 7000, window.height, window.width)[3:])
        assert source.read_mask(window).all()
        assert len(server.requests) - before == 6


def test_values_of_more_than_a_byte_stay_as_they_are(server: MapServer) -> None:
    with opened(server.image_uri("deep"), KEY) as source:
        assert {b.dtype for b in source.bands} == {"int16"}
        got = source.read(HERE, (2, 4))
        assert np.array_equal(got, ground(HERE.row, HERE.col, HERE.height, HERE.width, "int16")[[1, 3]])
        assert got.dtype == np.int16


@pytest.mark.parametrize("manner", ["fine", "unnamed"])
def test_near_infrared_is_found_by_what_the_service_says(
    server: MapServer, manner: str, tmp_path: Any
) -> None:
    spec = write_tiny_model(tmp_path / "model", bands=4)
    with opened(server.image_uri(manner), KEY) as source:
        mapping = guess_bands(source, spec)
        assert mapping.numbers == ((1, 2, 3, 4) if manner == "fine" else (4, 3, 2, 1))
        assert mapping.reason == "by band names"


def test_ground_without_imagery_is_masked_by_value_or_by_the_files_own_mask(server: MapServer) -> None:
    window = Window(EMPTY_ROWS - 40, 100, 80, 90)
    for manner in ("fine", "masked"):
        with opened(server.image_uri(manner), KEY) as source:
            values, mask = source.read(window, (1, 2, 3, 4)), source.read_mask(window)
            if manner == "masked":
                assert not mask[:40].any()
                assert mask[40:].all()
            assert (values[:, :40] == 0).all()
            assert source.bands[0].nodata == (0.0 if manner == "fine" else None)


def test_a_service_that_states_no_pixels_gets_the_models(server: MapServer) -> None:
    with opened(server.image_uri("ladder"), KEY, best=1.2) as source:
        middle = YMAX - HEIGHT * PIXEL / 2
        latitude = 2 * np.arctan(np.exp(middle / 6378137)) - np.pi / 2
        assert source.geotransform[1] == pytest.approx(1.2 / np.cos(latitude), rel=1e-9)
        assert source.read(Window(700, 800, 50, 60), (1, 4)).shape == (2, 50, 60)


def test_coarse_reads_are_made_by_the_service(server: MapServer) -> None:
    window = Window(5000, 7000, 160, 240)
    with opened(server.image_uri(), KEY) as source:
        got = source.read_decimated(window, (1, 4), 2)
        assert np.array_equal(got, ground(5000, 7000, 40, 60, step=4)[[0, 3]])


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        ("refused", "it said: Unable to complete operation. No room"),
        ("truncated", "picture that cannot be read"),
        ("garbage", "picture that cannot be read"),
        ("page", "it sent text/html, not a picture"),
        ("broken", "HTTP status 500"),
        ("slow-3", "in time"),
        ("shifted", "another place"),
        ("nothing", "nothing"),
    ],
)
def test_an_answer_that_is_no_imagery_is_an_error_in_one_sentence(
    server: MapServer, manner: str, reason: str
) -> None:
    with opened(server.image_uri(manner), KEY) as source:
        if reason == "in time":
            QgsNetworkAccessManager.setTimeout(1500)
        with pytest.raises(ImageryError) as caught:
            source.read(HERE, (1, 2, 3, 4))
    assert reason in str(caught.value)
    assert str(caught.value).startswith("some imagery could not be read (")
    assert "\n" not in str(caught.value)
    assert "http://" not in str(caught.value)


def test_a_service_that_does_not_describe_itself_says_why(server: MapServer) -> None:
    for url, reason in ((f"{server.url}/mute", "Token Required"), ("http://127.0.0.1:9", "reached")):
        with pytest.raises(ImageryError, match=f"^fields did not say what it has .*{reason}"):
            image_server_info.image_server_info(f"{url}/ImageServer", ServiceAccess(), "fields")


def test_a_request_that_fails_now_and_then_is_made_again(server: MapServer) -> None:
    with opened(server.image_uri("flaky"), KEY) as source:
        assert np.array_equal(source.read(HERE, (4,))[0], ground(HERE.row, HERE.col, 120, 150)[3])


def test_the_referer_of_the_layer_goes_along(server: MapServer) -> None:
    uri = server.image_uri("referred", f"referer='{REFERER}' http-header:referer='{REFERER}'")
    with opened(uri, KEY) as source:
        assert source.read(HERE, (1,)).any()
    with opened(server.image_uri("referred"), KEY) as source, pytest.raises(ImageryError, match="403"):
        source.read(HERE, (1,))


def test_a_cancelled_read_raises_soon_and_the_next_one_is_whole(server: MapServer) -> None:
    stop = threading.Event()
    with opened(server.image_uri("slow-3"), KEY, is_cancelled=stop.is_set) as source:
        threading.Timer(0.2, stop.set).start()
        start = time.monotonic()
        with pytest.raises(CancelledError):
            source.read(HERE, (1, 2, 3, 4))
        assert time.monotonic() - start < 2.8
        stop.clear()
        wanted = ground(HERE.row, HERE.col, HERE.height, HERE.width)
        assert np.array_equal(source.read(HERE, (1, 2, 3, 4)), wanted)
        assert source.read_mask(HERE).all()


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"bandCount": "4", "pixelType": "U8"},
        {"bandCount": 4, "pixelType": "C64"},
        {"bandCount": 10**9, "pixelType": "U8"},
        {"bandCount": 4, "pixelType": "U8"},
        {"bandCount": 4, "pixelType": "U8", "extent": [1, 2], "spatialReference": 4},
    ],
)
def test_a_description_that_makes_no_sense_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ImageryError, match="^fields "):
        image_server_info.read_info(said, [], [], "fields")
