"""A live view on inference servers that fail."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from tests.core.backends import fault_proxy as faults
from tests.core.backends.fault_proxy import proxies
from tests.core.backends.test_fleet import EVERY_SEVENTH, SPEC, fleet, server
from tests.live.feeds import make_feed, whole_view
from tests.rasters import noise, read_raster, write_raster


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_raster(tmp_path_factory.mktemp("image") / "a.tif", noise(3, 300, 421), nodata=None)


def look(feed: Any) -> tuple[np.ndarray, float]:
    """Ask as a canvas does until the view is whole; gives it, and the longest that one call took."""
    view, longest = whole_view(feed), 0.0
    end = time.monotonic() + 60
    while True:
        started = time.monotonic()
        there = feed.there(view, "classes")
        feed.ask(view, [i for i in view.tiles() if i not in there])
        longest = max(longest, time.monotonic() - started)
        if len(there) == len(view.tiles()):
            return feed.paint(view, there, "classes"), longest
        assert time.monotonic() < end, feed.error
        time.sleep(0.02)


FAULTS = (
    "connection refused",
    "reset in mid-body",
    "500",
    "503 with Retry-After",
    "stall",
    "truncated tensors",
)


@pytest.mark.parametrize("name", [*FAULTS, "one of three dies for good"])
def test_a_view_is_whole_whatever_servers_do_and_asking_never_waits(name: str, image: Path) -> None:
    fault = EVERY_SEVENTH.get(name)
    with server() as (url, _), proxies([url] * 3, lambda n: fault if n % 5 == 0 else None) as between:
        if fault is None:
            between[0].fault_of = lambda n: between[0].die() if n == 4 else None  # type: ignore[func-returns-value]
        feed = make_feed(image, SPEC, open_backend=lambda _: fleet([p.url for p in between]))
        try:
            classes, longest = look(feed)
        finally:
            feed.close()
            assert feed.join(10)
    np.testing.assert_array_equal(classes, 1 + read_raster(image).argmax(axis=0))
    assert longest < 1.0  # a stall holds an answer for 30 s


def test_a_view_whose_servers_are_all_dead_says_so_and_is_finished_when_one_is_back(image: Path) -> None:
    with server() as (url, _), proxies([url] * 2, lambda n: None) as between:
        ports = [p.port for p in between]
        for p in between:
            p.fault_of = lambda n, p=p: p.die() if n == 4 else None
        feed = make_feed(image, SPEC, open_backend=lambda _: fleet([p.url for p in between]))
        view = whole_view(feed)
        try:
            end = time.monotonic() + 30
            while feed.error is None:
                feed.ask(view, view.tiles())
                assert time.monotonic() < end
                time.sleep(0.02)
            assert str(feed.error).startswith("No inference server answers (http://127.0.0.1:")
            between[0].fault_of = lambda n: faults.status(503, Retry_After="0") if n % 3 == 0 else None
            between[0].start(ports[0])
            classes, _ = look(feed)
            assert feed.error is None
        finally:
            feed.close()
            assert feed.join(10)
    np.testing.assert_array_equal(classes, 1 + read_raster(image).argmax(axis=0))
