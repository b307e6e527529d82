from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import QgsAuthMethodConfig
from qgis.PyQt.QtCore import QThread

from landcover_plugin.core.errors import CancelledError, ImageryError
from landcover_plugin.core.grid import Extent, Window
from landcover_plugin.qgis_imagery.xyz_tiles import xyz_service
from tests.qgis_imagery.opening import opened
from tests.tile_server import HALF, REFERER, TILE, MapServer, shows, world_pixels

ZOOM = 17
SIZE = 2 * HALF / (TILE << ZOOM)
HERE = Window(4_500_077, 6_800_033, 300, 500)
SMALL = Window(HERE.row, HERE.col, 40, 60)


def test_a_tile_service_has_the_pixels_of_its_matrix(server: MapServer) -> None:
    with opened(server.xyz_uri(), best=1.2) as source:
        assert (source.width, source.height) == (TILE << ZOOM, TILE << ZOOM)
        assert source.geotransform[1] == pytest.approx(SIZE)
        assert source.geotransform[0] == pytest.approx(-HALF)
        assert [b.colour for b in source.bands] == ["red", "green", "blue"]
        colours = source.read(HERE, (1, 2, 3))
        assert shows(colours, ZOOM, HERE.row, HERE.col)
        assert np.array_equal(source.read(HERE, (3, 1)), colours[[2, 0]])
        assert source.read_mask(HERE).all()


def test_the_zoom_suits_the_ground_that_is_asked_for(server: MapServer) -> None:
    north = Extent(1_000_000, 8_399_000, 1_001_000, 8_400_000)  # 60 degrees: pixels half as large
    with opened(server.xyz_uri(), best=1.2, extent=north) as source:
        assert source.geotransform[1] == pytest.approx(2 * SIZE)


@pytest.mark.parametrize("manner", ["missing", "nothing"])
def test_tiles_that_are_not_there_are_no_imagery(server: MapServer, manner: str) -> None:
    with opened(server.xyz_uri(manner)) as source:
        assert not source.read_mask(HERE).any()


def test_a_request_that_fails_now_and_then_is_made_again(server: MapServer) -> None:
    with opened(server.xyz_uri("flaky")) as source:
        window = Window(HERE.row, HERE.col, 40, 60)
        assert shows(source.read(window, (1, 2, 3)), ZOOM, window.row, window.col)


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
        assert shows(got[0], ZOOM, HERE.row, HERE.col)


@pytest.mark.parametrize("place", ["{z}/{x}/{y}", "tms/{Z}/{X}/{-y}", "quad/{q}"])
def test_every_way_of_numbering_tiles_is_understood(server: MapServer, place: str) -> None:
    with opened(server.xyz_uri(place=place)) as source:
        assert shows(source.read(SMALL, (1, 2, 3)), ZOOM, SMALL.row, SMALL.col)


def test_tiles_of_twice_the_size_keep_all_their_pixels(server: MapServer) -> None:
    uri = server.xyz_uri(place="large/{z}/{x}/{y}", more="&tilePixelRatio=2")
    with opened(uri, best=1.2) as source:
        assert source.geotransform[1] == pytest.approx(SIZE)
        assert shows(source.read(HERE, (1, 2, 3)), ZOOM, HERE.row, HERE.col)


def test_the_referer_and_the_password_of_the_layer_go_along(server: MapServer) -> None:
    for uri in (
        server.xyz_uri("referred", more=f"&referer={REFERER}&http-header:referer={REFERER}"),
        server.xyz_uri("basic", more="&username=ada&password=lovelace"),
    ):
        with opened(uri) as source:
            assert shows(source.read(SMALL, (1, 2, 3)), ZOOM, SMALL.row, SMALL.col)
    for manner, status in (("referred", 403), ("basic", 401)):
        with opened(server.xyz_uri(manner)) as source, pytest.raises(ImageryError, match=f"status {status}"):
            source.read(SMALL, (1, 2, 3))


def test_an_entry_of_the_authentication_database_is_used(server: MapServer, auth_manager: Any) -> None:
    manager = auth_manager
    entry = QgsAuthMethodConfig("Basic")
    entry.setName("tiles")
    entry.setConfig("username", "ada")
    entry.setConfig("password", "lovelace")
    answer = manager.storeAuthenticationConfig(entry)
    if not (answer[0] if isinstance(answer, tuple) else answer):
        pytest.skip("this QGIS keeps no passwords here")
    entry = answer[1] if isinstance(answer, tuple) else entry
    try:
        with opened(server.xyz_uri("basic", more=f"&authcfg={entry.id()}")) as source:
            assert shows(source.read(SMALL, (1, 2, 3)), ZOOM, SMALL.row, SMALL.col)
    finally:
        manager.removeAuthenticationConfig(entry.id())


def test_heights_in_colours_and_unknown_places_are_left_to_qgis(server: MapServer) -> None:
    assert xyz_service(server.xyz_uri(more="&interpretation=terrariumterrain")) is None
    assert xyz_service(server.xyz_uri(place="{usage}/{z}/{x}/{y}")) is None
    assert xyz_service(server.wms_uri()) is None
    assert xyz_service(server.xyz_uri()) is not None


def test_tiles_in_a_folder_are_read_too(server: MapServer, tmp_path: Path) -> None:
    from tests.tile_server import png

    zoom, row, col = 17, HERE.row // 256, HERE.col // 256
    folder = tmp_path / str(zoom) / str(col)
    folder.mkdir(parents=True)
    (folder / f"{row}.png").write_bytes(png(world_pixels(zoom, row * 256, col * 256, 256, 256)))
    uri = f"type=xyz&url=file://{tmp_path}/%7Bz%7D/%7Bx%7D/%7By%7D.png&zmax=19&zmin=0"
    window = Window(row * 256 + 200, col * 256 + 100, 100, 100)
    with opened(uri) as source:
        got, mask = source.read(window, (1, 2, 3)), source.read_mask(window)
    assert shows(got[:, :56], zoom, window.row, window.col)
    assert mask[:56].all()
    assert not mask[56:].any()


def test_overviews_are_the_zooms_further_out(server: MapServer) -> None:
    with opened(server.xyz_uri()) as source:
        window = Window(HERE.row - HERE.row % 4, HERE.col - HERE.col % 4, 80, 120)
        got = source.read_decimated(window, (1, 2, 3), 2)
        assert shows(got, ZOOM - 2, window.row // 4, window.col // 4)


def test_a_tile_is_asked_for_once(server: MapServer) -> None:
    with opened(server.xyz_uri("fine", place="{z}/{x}/{y}")) as source:
        source.read(HERE, (1, 2, 3))
        asked = len(server.requests)
        source.read(HERE.moved(8, 8), (1, 2, 3))
        source.read_mask(HERE)
        assert len(server.requests) - asked <= 2 * 3


class Reader(QThread):
    """Reads windows one after the other, as a live worker does, and notes what came of each."""

    def __init__(self, source: Any, windows: list[Window]) -> None:
        super().__init__()
        self.source, self.windows = source, windows
        self.got: dict[Window, Any] = {}
        self.cancelled = 0

    def run(self) -> None:
        for window in self.windows:
            try:
                self.got[window] = (self.source.read(window, (1, 2, 3)), self.source.read_mask(window))
            except CancelledError:
                self.cancelled += 1


def test_no_read_cancelled_in_mid_flight_leaves_a_wrong_pixel_behind(server: MapServer) -> None:
    service = xyz_service(server.xyz_uri("slow-0.15"))
    with opened(server.xyz_uri("slow-0.15")) as opened_source:
        frame = opened_source._source._frame
        first = service.source(frame, opened_source.crs_wkt, "tiles")
    readers = [first, first.reopen()]
    random = np.random.default_rng(4)
    windows = [Window(4_500_000 + 150 * n, 6_800_000 + 90 * n, 300, 300) for n in range(10)]
    threads = [Reader(source, windows) for source in readers]
    for thread in threads:
        thread.start()
    while any(thread.isRunning() for thread in threads):
        time.sleep(random.uniform(0.02, 0.3))
        readers[int(random.integers(2))].cancel()
    assert all(thread.wait(20_000) for thread in threads)
    assert sum(thread.cancelled for thread in threads) >= 4
    # whatever was kept of all this is whole: each window again, without being cancelled
    again = Reader(first.reopen(), windows)
    again.start()
    assert again.wait(30_000)
    assert again.cancelled == 0
    for thread in (*threads, again):
        for window, (colours, mask) in thread.got.items():
            assert mask.all()
            assert shows(colours, ZOOM, window.row, window.col)
    assert len(again.got) == len(windows)
