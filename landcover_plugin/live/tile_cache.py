"""Tiles that were predicted before: in memory, and behind it on disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..core.grid import TileIndex
from .disk_tiles import DiskTiles
from .memory_tiles import Array, MemoryTiles
from .tile_store import Arrays, Series, TileKey, fits

_BATCH = 4
_PATIENCE_S = 5.0
_PENDING_BYTES = 64 << 20


class TileCache:
    """Memory first, then disk. Any thread may call.

    Looking into memory takes microseconds; :meth:`load` looks at the disk and belongs into a
    worker thread. Tiles are written to disk by a thread of the cache's own, when nobody waits for
    predictions or after some seconds. :meth:`close` writes what is left and ends that thread.

    Args:
        memory: tiles in memory.
        disk: tiles on disk, or None for memory only.
    """

    def __init__(self, memory: MemoryTiles, disk: DiskTiles | None = None) -> None:
        self.memory, self.disk = memory, disk
        self.is_busy: Callable[[], bool] = lambda: False
        self._pending: list[tuple[TileKey, Arrays, float]] = []
        self._change = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def get(self, series: Series, index: TileIndex, name: str) -> Array | None:
        """An array of a tile, from memory only."""
        return self.memory.get(TileKey(series.key, index), name)

    def load(self, series: Series, index: TileIndex) -> bool:
        """Bring a whole tile into memory; False where it is neither there nor on disk."""
        key = TileKey(series.key, index)
        if all(self.memory.get(key, name) is not None for name in series.shapes):
            return True
        arrays = self._unwritten(key) or (self.disk.get(series, index) if self.disk else None)
        if arrays is None:
            return False
        self.memory.put(key, arrays)
        return True

    def indices(self, series: Series) -> set[TileIndex]:
        """All tiles of a series, in memory and on disk; looks at the disk."""
        here = {key.index for key in self.memory.keys(series.key)}
        return here | (self.disk.indices(series) if self.disk else set())

    def put(self, series: Series, index: TileIndex, arrays: Arrays) -> None:
        """Keep a new tile.

        Raises:
            ValueError: its arrays are not those of the series.
        """
        if not fits(series, arrays):
            found = {n: (a.shape, str(a.dtype)) for n, a in arrays.items()}
            raise ValueError(f"a tile must have {dict(series.shapes)}, not {found}")
        key = TileKey(series.key, index)
        self.memory.put(key, arrays)
        if self.disk is None or not self.disk.is_open:
            return
        with self._change:
            if self._closed or sum(_size(a) for _, a, _ in self._pending) > _PENDING_BYTES:
                return
            self._pending.append((key, arrays, time.monotonic()))
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="landcover-tile-cache", daemon=True)
                self._thread.start()
            self._change.notify_all()

    def keep_look(self, series: Series, index: TileIndex, output: str, look: Array) -> None:
        """Keep in memory what an output makes of a tile; :meth:`get` gives it by the output's name."""
        self.memory.put(TileKey(series.key, index), {output: look})

    def clear(self) -> None:
        """Remove all tiles, in memory and on disk."""
        with self._change:
            self._pending.clear()
        self.memory.clear()
        if self.disk:
            self.disk.clear()

    def close(self) -> None:
        """Write what is left, and end."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join()
        if self.disk:
            self.disk.close()
        self.memory.clear()

    def _unwritten(self, key: TileKey) -> Arrays | None:
        with self._change:
            return next((arrays for k, arrays, _ in self._pending if k == key), None)

    def _write(self) -> None:
        while True:
            with self._change:
                while not self._closed and not self._is_time():
                    self._change.wait(0.25 if self._pending else None)
                batch = self._pending[:_BATCH]
                if not batch:
                    if self._closed:
                        return
                    continue
            if self.disk:
                self.disk.put([(key, arrays) for key, arrays, _ in batch])
            with self._change:
                # clear() may have emptied the list meanwhile
                written = {id(entry) for entry in batch}
                self._pending = [entry for entry in self._pending if id(entry) not in written]

    def _is_time(self) -> bool:
        if not self._pending:
            return False
        return time.monotonic() - self._pending[0][2] > _PATIENCE_S or not self.is_busy()


def _size(arrays: Arrays) -> int:
    return sum(a.nbytes for a in arrays.values())
