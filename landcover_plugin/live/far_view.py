"""Views too far out to predict for: what was predicted before, made small."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np

from ..core.grid import Extent, PredictionGrid, TileIndex
from ..core.legend import Legend
from .asked_view import AskedView, asked_view
from .looks import Bytes, commonest, flat_look
from .outputs import BLEND, CLASSES
from .tile_cache import TileCache
from .tile_store import Series

_SIDE = 64
_TILES = 4096


class FarView:
    """Small pictures of tiles in memory, laid together. Any thread may call.

    Args:
        grid: of the predictions.
        legend: of the model.
        cache: where tiles are.
    """

    def __init__(self, grid: PredictionGrid, legend: Legend, cache: TileCache) -> None:
        self._grid, self._legend, self._cache = grid, legend, cache
        self._lock = threading.Lock()
        self._small: OrderedDict[TileIndex, Bytes] = OrderedDict()

    def forget(self, index: TileIndex) -> None:
        """The tile was made anew."""
        with self._lock:
            self._small.pop(index, None)

    def picture(self, series: Series, extent: Extent, height: int, width: int, output: str) -> Bytes:
        """What an output shows of an extent, as :func:`~.looks.look` gives it."""
        shape, empty = ((height, width, 4), 0) if output == BLEND else ((height, width), 255)
        picture = np.full(shape, empty, np.uint8)
        views: dict[int, AskedView] = {}
        # finer levels first: coarser ones, made for wider views, lie above
        for index in sorted({key.index for key in self._cache.memory.keys(series.key)}):
            if index.level not in views:
                views[index.level] = asked_view(self._grid, extent, height, width, index.level)
            small = self._small_tile(series, index)
            if small is None:
                continue
            factor = self._grid.tile // len(small)
            for _, rows, cols, tile_rows, tile_cols in views[index.level].parts([index]):
                classes = small[tile_rows // factor][:, tile_cols // factor]
                picture[rows, cols] = flat_look(output, classes, self._legend)
        return picture

    def _small_tile(self, series: Series, index: TileIndex) -> Bytes | None:
        with self._lock:
            small = self._small.get(index)
        if small is not None:
            return small
        classes = self._cache.get(series, index, CLASSES)
        if classes is None:
            return None
        factor = max(1, self._grid.tile // _SIDE)
        small = commonest(classes, factor) if self._grid.tile % factor == 0 else classes
        with self._lock:
            self._small[index] = small
            while len(self._small) > _TILES:
                self._small.popitem(last=False)
        return small
