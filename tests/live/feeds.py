"""Feeds over real rasters and a fake backend, without Qt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from landcover_plugin.core.grid import Extent
from landcover_plugin.core.raster_io import raster_io
from landcover_plugin.live.asked_view import AskedView
from landcover_plugin.live.feed import TileFeed
from landcover_plugin.live.feed_source import FeedSource
from landcover_plugin.live.memory_tiles import MemoryTiles
from landcover_plugin.live.tile_cache import TileCache
from tests.fake_backend import FakeBackend, fake_spec

IO = raster_io("gdal")


def start_thread(run: Callable[[], None], name: str) -> Callable[[float], bool]:
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()

    def join(wait_s: float) -> bool:
        thread.join(wait_s)
        return not thread.is_alive()

    return join


def make_feed(
    path: Path,
    spec: Any = None,
    backend: FakeBackend | None = None,
    cache: TileCache | None = None,
    workers: int = 1,
    open_backend: Callable[[Any], Any] | None = None,
) -> TileFeed:
    spec = spec or fake_spec()
    backend = backend or FakeBackend(spec)
    sources = tuple(IO.open(str(path)) for _ in range(workers))
    wkt = sources[0].crs_wkt
    lonlat = (lambda x, y: IO.to_lonlat(wkt, x, y)) if wkt else None
    return TileFeed(
        FeedSource(sources, lonlat),
        spec,
        open_backend or (lambda _: backend),
        cache or TileCache(MemoryTiles(64 << 20)),
        start_thread,
    )


def whole_view(feed: TileFeed, level: int = 0) -> AskedView:
    rows, cols = feed.grid.size(level)
    extent = feed.grid.extent(level=level)
    view = feed.view(extent, rows, cols)
    assert view is not None
    assert view.level == level
    return view


def part(feed: TileFeed, row: int, col: int, height: int, width: int) -> Extent:
    from landcover_plugin.core.grid import Window

    return feed.grid.extent(Window(row, col, height, width))


def predicted(feed: TileFeed, view: AskedView, output: str = "classes") -> np.ndarray:
    return feed.paint(view, feed.wait(view, output, lambda: False), output)
