"""Live predictions as the batch job's kind of GeoTIFF."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..core.backends import Backend
from ..core.classify import ClassifyOptions, MapResult, classify
from ..core.errors import CancelledError, OutputError
from ..core.grid import Extent, TileIndex, Window
from ..core.imagery import ImagerySource
from ..core.legend import NODATA
from ..core.map_raster import MapFrame, MapOutput, MapRaster
from ..core.progress import Reporter
from ..core.raster_io import RasterIo
from ..core.spool import Tile
from ..translation import tr
from .feed import TileFeed
from .outputs import CLASSES
from .tile_cache import TileCache
from .tile_store import Series


def export_view(
    feed: TileFeed,
    source: ImagerySource,
    open_backend: Callable[[], Backend],
    extent: Extent,
    level: int,
    out: Path,
    io: RasterIo,
    reporter: Reporter,
) -> MapResult:
    """The land cover of a view: the batch job over its extent, at its level.

    Args:
        feed: of the layer.
        source: its imagery, for the calling thread, which closes it.
        open_backend: gives the backend of the layer, for the calling thread to close.
        extent: of the view, in the imagery's CRS.
        level: that the view shows.
        out: the GeoTIFF.
        io: writes it.
        reporter: progress and cancellation.

    Raises:
        LandcoverError: nothing is at ``out`` then.
    """
    with contextlib.closing(source), contextlib.closing(open_backend()) as backend:
        options = ClassifyOptions(bands=feed.bands, extent=extent, level=level)
        return classify(source, feed.spec, backend, out, options, io=io, reporter=reporter)


def export_predicted(
    feed: TileFeed, level: int, crs_wkt: str | None, out: Path, io: RasterIo, is_cancelled: Callable[[], bool]
) -> Path:
    """All that has been predicted at a level, NoData elsewhere.

    Args:
        feed: of the layer.
        level: of the map.
        crs_wkt: of the imagery.
        out: the GeoTIFF.
        io: writes it.
        is_cancelled: asked now and then.

    Returns:
        Where it is.

    Raises:
        OutputError: nothing has been predicted at that level, or it cannot be written.
        CancelledError: ``is_cancelled`` said so.
    """
    setup = feed.setup
    there = sorted(i for i in feed.cache.indices(setup.series) if i.level == level) if setup else []
    if setup is None or not there:
        raise OutputError(tr("Nothing has been predicted at this zoom yet; wait for the first squares."))
    tags = {"LANDCOVER_MODEL": f"{feed.spec.name} {feed.spec.version}", "LANDCOVER_LEVEL": str(level),
            "LANDCOVER_MODEL_SHA256": feed.spec.sha256, "LANDCOVER_RECIPE": setup.choice.recipe.hash,
            "LANDCOVER_NUMERIC_KIND": setup.backend.numeric_kind}  # fmt: skip
    frame = MapFrame(feed.grid, level, around(feed, there), crs_wkt, feed.spec.legend, tags)
    raster = MapRaster(io, frame, MapOutput(CLASSES, out, CLASSES))
    tiles = _Tiles(feed.cache, setup.series, set(there), is_cancelled)
    try:
        raster.advance(lambda _: True, tiles.get)
        raster.close()
        return raster.finish()
    finally:
        raster.discard()


def around(feed: TileFeed, tiles: list[TileIndex]) -> Window:
    """The smallest window that holds tiles of one level."""
    windows = [feed.grid.map_window(index) for index in tiles]
    row, col = min(w.row for w in windows), min(w.col for w in windows)
    return Window(row, col, max(w.row_end for w in windows) - row, max(w.col_end for w in windows) - col)


class _Tiles:
    """Tiles of the cache, for a raster that is written."""

    def __init__(
        self, cache: TileCache, series: Series, there: set[TileIndex], is_cancelled: Callable[[], bool]
    ) -> None:
        self._cache, self._series, self._there = cache, series, there
        self._is_cancelled = is_cancelled
        self._empty = np.full(series.shapes[CLASSES], NODATA, np.uint8)

    def get(self, index: TileIndex) -> Tile:
        """The classes of a tile, NoData where it was not predicted or has left the cache."""
        if self._is_cancelled():
            raise CancelledError(tr("The export was stopped; nothing was written."))
        if index in self._there and self._cache.load(self._series, index):
            classes = self._cache.get(self._series, index, CLASSES)
            if classes is not None:
                return {CLASSES: classes}
        return {CLASSES: self._empty}
