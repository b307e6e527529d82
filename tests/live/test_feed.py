from __future__ import annotations

import gc
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

from landcover_plugin.core.backends import Priority
from landcover_plugin.core.classify import ClassifyOptions, classify
from landcover_plugin.core.errors import BackendError, ImageryError
from landcover_plugin.core.model import PixelSize
from landcover_plugin.live.disk_tiles import DiskTiles
from landcover_plugin.live.memory_tiles import MemoryTiles
from landcover_plugin.live.tile_cache import TileCache
from tests.fake_backend import FakeBackend, fake_spec
from tests.live.feeds import IO, make_feed, part, predicted, whole_view
from tests.rasters import noise, read_raster, write_raster


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_raster(tmp_path / "image.tif", noise(4, 300, 421), nodata=None)


def until(condition, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_live_classes_equal_the_batch_jobs_at_every_level(image: Path, tmp_path: Path, level: int):
    spec = fake_spec(pixel_size_m=PixelSize(0.6, 0.3, 6.0))
    backend = FakeBackend(spec, reach=3)
    feed = make_feed(image, spec, backend)
    live = predicted(feed, whole_view(feed, level))
    result = classify(
        IO.open(str(image)), spec, backend, tmp_path / "map.tif", ClassifyOptions(level=level), io=IO
    )
    np.testing.assert_array_equal(live, read_raster(result.path)[0])
    feed.close()
    assert feed.join(5)


def test_nodata_is_nodata_in_every_output(tmp_path: Path):
    values = noise(4, 200, 200)
    values[:, 40:90, :70] = 0
    image = write_raster(tmp_path / "holes.tif", values, nodata=0)
    feed = make_feed(image)
    view = whole_view(feed)
    classes, blend, confidence = (predicted(feed, view, o) for o in ("classes", "blend", "confidence"))
    assert (classes[40:90, :70] == 255).all()
    assert (confidence[40:90, :70] == 255).all()
    assert (blend[40:90, :70] == 0).all()
    assert (classes[100:] != 255).all()
    assert (blend[100:, :, 3] == 255).all()
    feed.close()


def test_blend_is_the_class_colours_weighted_by_probability(image: Path):
    spec = fake_spec()
    feed = make_feed(image, spec)
    view = whole_view(feed)
    blend = predicted(feed, view, "blend")
    probabilities = {i: feed.cache.get(feed.setup.series, i, "probabilities8") for i in view.tiles()}
    index = view.tiles()[0]
    square = feed.grid.map_window(index)
    p = probabilities[index].astype(float)
    colours = np.array([c.rgb for c in spec.legend], float)
    expected = np.einsum("crk,cx->rkx", p, colours) / np.maximum(p.sum(axis=0), 1)[..., None]
    got = blend[square.row : square.row_end, square.col : square.col_end, 2::-1].astype(float)
    assert np.abs(got - expected[: square.height, : square.width]).max() <= 0.51
    feed.close()


def test_asking_returns_at_once_and_tiles_come_from_the_centre_outwards(image: Path):
    spec = fake_spec()
    backend = FakeBackend(spec, seconds=0.02, in_flight=1)
    feed = make_feed(image, spec, backend)
    order = []
    real = feed.arrived
    feed.arrived = lambda index: (order.append(index), real(index))  # type: ignore[method-assign]
    view = whole_view(feed)
    started = time.monotonic()
    feed.ask(view, view.tiles())
    assert time.monotonic() - started < 0.05
    until(lambda: len(order) == len(view.tiles()))
    assert order == view.tiles()
    middle = order[0]
    assert abs((middle.row + 0.5) * 64 - 150) <= 64
    assert abs((middle.col + 0.5) * 64 - 210) <= 64
    assert set(backend.priorities) == {Priority.LIVE}
    feed.close()


def test_a_jump_elsewhere_goes_before_what_is_left_of_the_old_view(image: Path):
    spec = fake_spec()
    feed = make_feed(image, spec, FakeBackend(spec, seconds=0.05, in_flight=1))
    old = feed.view(part(feed, 0, 0, 300, 300), 300, 300)
    new = feed.view(part(feed, 0, 340, 60, 60), 60, 60)
    order = []
    real = feed.arrived
    feed.arrived = lambda index: (order.append(index), real(index))  # type: ignore[method-assign]
    feed.ask(old, old.tiles())
    until(lambda: len(order) >= 3)
    at = len(order)
    feed.ask(new, new.tiles())
    until(lambda: new.tiles()[0] in order)
    assert order.index(new.tiles()[0]) - at <= 2
    feed.close()


def test_a_pan_is_read_ahead_in_its_direction(image: Path):
    feed = make_feed(image)
    first = feed.view(part(feed, 64, 0, 128, 128), 128, 128)
    second = feed.view(part(feed, 64, 64, 128, 128), 128, 128)
    predicted(feed, first)
    feed.ask(first, [])
    predicted(feed, second)
    feed.ask(second, [])
    ahead = feed.view(part(feed, 64, 192, 128, 64), 128, 64)
    until(lambda: len(feed.there(ahead, "classes")) == len(ahead.tiles()))
    behind = feed.view(part(feed, 256, 0, 44, 64), 44, 64)
    assert feed.there(behind, "classes") == {}
    feed.close()


def test_two_outputs_share_tiles(image: Path):
    spec = fake_spec()
    backend = FakeBackend(spec)
    feed = make_feed(image, spec, backend)
    view = whole_view(feed)
    predicted(feed, view, "classes")
    requests = backend.requests
    predicted(feed, view, "blend")
    predicted(feed, view, "confidence")
    assert backend.requests == requests
    feed.close()


def test_tiles_of_an_earlier_session_are_not_predicted_again(image: Path, tmp_path: Path):
    spec = fake_spec()
    pictures = []
    for expected in (35, 0):
        cache = TileCache(MemoryTiles(64 << 20), DiskTiles(tmp_path / "tiles.sqlite", 64 << 20))
        backend = FakeBackend(spec)
        feed = make_feed(image, spec, backend, cache)
        pictures.append(predicted(feed, whole_view(feed)))
        assert backend.requests == expected
        feed.close()
        assert feed.join(5)
        cache.close()
    np.testing.assert_array_equal(*pictures)


def test_a_changed_file_is_predicted_anew(image: Path, tmp_path: Path):
    spec = fake_spec()
    cache = TileCache(MemoryTiles(64 << 20))
    backend = FakeBackend(spec)
    feed = make_feed(image, spec, backend, cache)
    before = predicted(feed, whole_view(feed))
    feed.close()
    assert feed.join(5)
    write_raster(image, noise(4, 300, 421, seed=9))
    backend = FakeBackend(spec)
    feed = make_feed(image, spec, backend, cache)
    after = predicted(feed, whole_view(feed))
    assert backend.requests == 35
    assert (before != after).mean() > 0.2
    feed.close()


def test_a_memory_smaller_than_the_view_does_not_predict_for_ever(image: Path):
    spec = fake_spec()
    backend = FakeBackend(spec)
    feed = make_feed(image, spec, backend, TileCache(MemoryTiles(64 * 64 * 8 * 10)))
    view = whole_view(feed)
    for _ in range(30):
        there = feed.there(view, "classes")
        feed.ask(view, [i for i in view.tiles() if i not in there])
        time.sleep(0.02)
    settled = backend.requests
    for _ in range(10):
        there = feed.there(view, "classes")
        feed.ask(view, [i for i in view.tiles() if i not in there][: max(0, 8 - len(there))])
        time.sleep(0.02)
    assert backend.requests - settled <= 8
    np.testing.assert_array_equal(predicted(feed, view).shape, (300, 421))  # who waits still gets all
    feed.close()


def test_a_backend_that_dies_and_comes_back_finishes_the_view(image: Path):
    spec = fake_spec()
    opened = []

    def open_backend(_):
        if len(opened) == 1:
            opened.append(None)
            raise BackendError("The server is not there; start it.")

        def fail(n):
            return (
                BackendError("The worker died; it is started again.") if n > 5 and len(opened) == 1 else None
            )

        opened.append(FakeBackend(spec, fail=fail))
        return opened[-1]

    feed = make_feed(image, spec, open_backend=open_backend)
    feed._preparation.reopening._clock = lambda: time.monotonic() * 10  # ten times the patience
    feed.queue._clock = feed._preparation.reopening._clock
    view = whole_view(feed)
    told = []
    feed.listeners.append(lambda f: told.append(f.error))

    def painted() -> bool:
        there = feed.there(view, "classes")
        feed.ask(view, [i for i in view.tiles() if i not in there])
        return len(there) == len(view.tiles())

    until(painted, 20)
    assert len(opened) == 3
    assert any(isinstance(e, BackendError) for e in told)
    assert feed.error is None
    feed.close()
    assert feed.join(5)


def test_who_waits_is_told_of_a_tile_that_cannot_be_made(image: Path):
    spec = fake_spec()
    feed = make_feed(image, spec, FakeBackend(spec, fail=lambda n: BackendError("No.") if n == 4 else None))
    with pytest.raises(BackendError, match="No"):
        feed.wait(whole_view(feed), "classes", lambda: False)
    feed.close()


def test_who_waits_can_give_up(image: Path):
    spec = fake_spec()
    feed = make_feed(image, spec, FakeBackend(spec, seconds=0.5))
    with pytest.raises(InterruptedError):
        feed.wait(whole_view(feed), "classes", lambda: True)
    assert feed.queue.waiting == 0
    feed.close()


def test_imagery_that_does_not_fit_the_model_is_said(tmp_path: Path):
    image = write_raster(tmp_path / "gray.tif", noise(1, 200, 200))
    feed = make_feed(image)
    with pytest.raises(ImageryError, match="1 band"):
        feed.wait(whole_view(feed), "classes", lambda: False)
    assert isinstance(feed.error, ImageryError)
    feed.close()


def test_a_view_from_far_away_asks_for_nothing_and_shows_what_is_there(image: Path):
    spec = fake_spec(pixel_size_m=PixelSize(0.6, 0.5, 0.7))
    backend = FakeBackend(spec)
    feed = make_feed(image, spec, backend)
    extent = feed.grid.extent()
    assert feed.view(extent, 30, 42) is None
    assert feed.far(extent, 30, 42, "classes") is None
    near = predicted(feed, whole_view(feed))
    far = feed.far(extent, 30, 42, "classes")
    assert far.shape == (30, 42)
    assert set(np.unique(far)) <= {1, 2, 3}
    assert (far == near[5::10, 5::10][:30, :42]).mean() > 0.4
    assert feed.far(extent, 30, 42, "blend")[..., 3].min() == 255
    feed.close()


def test_two_workers_make_the_same_map(image: Path):
    spec = fake_spec()
    pictures = []
    for workers in (1, 3):
        feed = make_feed(image, spec, FakeBackend(spec, in_flight=4), workers=workers)
        pictures.append(predicted(feed, whole_view(feed)))
        feed.close()
        assert feed.join(5)
    np.testing.assert_array_equal(*pictures)


def test_closing_in_mid_view_leaves_no_thread(image: Path):
    before = set(threading.enumerate())
    for n in range(5):
        spec = fake_spec()
        feed = make_feed(image, spec, FakeBackend(spec, seconds=0.01), workers=2)
        view = whole_view(feed)
        feed.ask(view, view.tiles())
        time.sleep(0.01 * n)
        feed.close()
        assert feed.join(5)
    left = [t for t in threading.enumerate() if t not in before]
    assert left == []


def test_a_closed_feed_goes_without_waiting_for_pythons_collector(image: Path):
    feed = make_feed(image, workers=2)
    predicted(feed, whole_view(feed))
    feed.close()
    assert feed.join(5)
    gone = weakref.ref(feed)
    gc.disable()  # in QGIS it looks at old objects once in many minutes
    try:
        del feed
        assert gone() is None
    finally:
        gc.enable()


def test_asking_a_closed_feed_does_nothing(image: Path):
    feed = make_feed(image)
    feed.close()
    view = whole_view(feed)
    feed.ask(view, view.tiles())
    with pytest.raises(ImageryError, match="closed"):
        feed.wait(view, "classes", lambda: False)
