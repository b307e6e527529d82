"""Tiles in memory, the least recently used thrown out first."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
import numpy.typing as npt

from .tile_store import Arrays, TileKey

Array = npt.NDArray[np.uint8]


class MemoryTiles:
    """Arrays by tile and name, bounded by bytes. Any thread may call; arrays must not be changed.

    Each array of a tile is kept or thrown out by itself, so that a view that shows classes is not
    pushed out by probabilities that nobody looks at.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._arrays: OrderedDict[tuple[TileKey, str], Array] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def total_bytes(self) -> int:
        """Bytes of all arrays."""
        return self._bytes

    def get(self, key: TileKey, name: str) -> Array | None:
        """An array, or None where it is not here."""
        with self._lock:
            array = self._arrays.get((key, name))
            if array is not None:
                self._arrays.move_to_end((key, name))
            return array

    def put(self, key: TileKey, arrays: Arrays) -> None:
        """Keep the arrays of a tile."""
        with self._lock:
            for name, array in arrays.items():
                self._drop((key, name))
                array.setflags(write=False)
                self._arrays[key, name] = array
                self._bytes += array.nbytes
            while self._bytes > self.limit_bytes and self._arrays:
                self._drop(next(iter(self._arrays)))

    def _drop(self, place: tuple[TileKey, str]) -> None:
        array = self._arrays.pop(place, None)
        if array is not None:
            self._bytes -= array.nbytes

    def resize(self, limit_bytes: int) -> None:
        """Change the bound; what is beyond it goes at once."""
        self.limit_bytes = limit_bytes
        with self._lock:
            while self._bytes > limit_bytes and self._arrays:
                self._drop(next(iter(self._arrays)))

    def keys(self, series: str) -> set[TileKey]:
        """Tiles of a series of which at least one array is here."""
        with self._lock:
            return {key for key, _ in self._arrays if key.series == series}

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._arrays.clear()
            self._bytes = 0
