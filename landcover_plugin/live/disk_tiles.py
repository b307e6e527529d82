"""Tiles on disk: a SQLite file that several QGIS may share."""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..core.grid import TileIndex
from ..translation import tr
from .tile_store import Arrays, Series, TileKey

VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tile (
    id INTEGER PRIMARY KEY, series TEXT NOT NULL, level INTEGER NOT NULL, row INTEGER NOT NULL,
    col INTEGER NOT NULL, made REAL NOT NULL, UNIQUE (series, level, row, col));
CREATE TABLE IF NOT EXISTS recent (id INTEGER PRIMARY KEY, used REAL NOT NULL, bytes INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS recent_used ON recent (used, bytes);
CREATE TABLE IF NOT EXISTS array (
    id INTEGER NOT NULL, name TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (id, name));
"""
_LOCK_WAIT_S = 0.25
_KEPT_AFTER_CUT = 0.9
_MAX_LOCKED = 3
_REST_S = 10.0
_PAGE_OVERHEAD = 512
_T = TypeVar("_T")


class DiskTiles:
    """Tiles by key in a file bounded by bytes. Any thread may call; calls may take some 10 ms.

    It never raises for the sake of the file: what cannot be read is not there, what cannot be
    written is not kept. ``note`` then says why, once. A file that another program holds is left
    alone for some seconds and then tried again.

    Args:
        path: of the SQLite file; its folder is made.
        limit_bytes: the file's tiles are cut to nine tenths of it when they exceed it.
        note: told one sentence when the file had to be set aside or cannot be used.
    """

    def __init__(self, path: Path, limit_bytes: int, note: Callable[[str], None] = lambda _: None) -> None:
        self._path, self._note = path, note
        self.limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._touched: set[int] = set()
        self._locked = 0
        self._said: set[str] = set()
        self._connection: sqlite3.Connection | None = None
        self._opens_at = 0.0  # the file is opened when it is needed first; infinite when it is given up

    @property
    def is_open(self) -> bool:
        """Whether tiles are kept at all."""
        with self._lock:
            self._open_in_time()
            return self._connection is not None

    def get(self, series: Series, index: TileIndex) -> Arrays | None:
        """All arrays of a tile, or None where it is not there, too old or damaged."""
        with self._lock:
            return self._guarded(lambda c: self._get(c, series, index))

    def indices(self, series: Series) -> set[TileIndex]:
        """The tiles of a series that are there."""
        with self._lock:
            rows = self._guarded(
                lambda c: c.execute(
                    "SELECT level, row, col FROM tile WHERE series = ?", (series.key,)
                ).fetchall()
            )
        return {TileIndex(*row) for row in rows or ()}

    def put(self, tiles: list[tuple[TileKey, Arrays]]) -> None:
        """Keep tiles, in one transaction."""
        packed = [
            (key, {n: zlib.compress(a.tobytes(), 1) for n, a in arrays.items()}) for key, arrays in tiles
        ]
        with self._lock:
            self._guarded(lambda c: self._put(c, packed))

    def clear(self) -> None:
        """Remove all tiles."""
        with self._lock:
            self._guarded(_remove_all)

    def total_bytes(self) -> int:
        """Bytes of all tiles."""
        with self._lock:
            return self._guarded(_total) or 0

    def close(self) -> None:
        """Let go of the file; nothing is kept from then on."""
        with self._lock:
            if self._connection is not None:
                self._guarded(self._touch)
            self._give_up()

    # -- the file --------------------------------------------------------------------------------

    def _open_in_time(self) -> None:
        if self._connection is None and time.monotonic() >= self._opens_at:
            self._open()

    def _give_up(self) -> None:
        self._close()
        self._opens_at = math.inf

    def _open(self) -> None:
        # SQLite does not wait by itself while another program makes the same file
        until = time.monotonic() + _LOCK_WAIT_S
        damaged = False
        while True:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._connection = self._connected()
                return
            except (sqlite3.DatabaseError, _NewerFileError) as e:
                self._close()
                if _is_locked(e) and time.monotonic() < until:
                    time.sleep(_LOCK_WAIT_S / 10)
                elif not _is_damage(e):
                    self._give_way(e)
                    return
                elif damaged or not self._set_aside(e):
                    self._give_up()
                    return
                else:
                    damaged = True
            except OSError as e:
                self._give_up()
                self._say(
                    tr("The tile cache {} cannot be made ({}); tiles are kept in memory only.").format(
                        self._path, e.strerror
                    )
                )
                return

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            str(self._path), timeout=_LOCK_WAIT_S, check_same_thread=False, isolation_level=None
        )
        self._connection = connection  # so that a failure below closes it
        # a network disk may refuse WAL and answer with another mode, which serves as well
        connection.execute("PRAGMA journal_mode=WAL").fetchone()
        connection.execute("PRAGMA synchronous=NORMAL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise _NewerFileError(tr("it was written by a newer version"))
        if version < VERSION:
            with _transaction(connection):
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={VERSION:d}")
        connection.execute("SELECT count(*) FROM tile WHERE series = ''").fetchone()
        return connection

    def _set_aside(self, why: Exception) -> bool:
        aside = self._path.with_name(f"{self._path.name}.aside")
        try:
            os.replace(self._path, aside)
            for tail in ("-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.remove(f"{self._path}{tail}")
        except OSError as e:
            self._say(tr("The tile cache {} is damaged and cannot be moved ({}); tiles are kept in memory only.")
                      .format(self._path, e.strerror))  # fmt: skip
            return False
        self._say(
            tr("The tile cache could not be read ({}); it was moved to {} and a new one was begun.").format(
                why, aside
            )
        )
        return True

    def _close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._note(sentence)

    def _guarded(self, work: Callable[[sqlite3.Connection], _T]) -> _T | None:
        """What ``work`` gives, or None where the file does not allow it."""
        self._open_in_time()
        if self._connection is None:
            return None
        try:
            result = work(self._connection)
            self._locked = 0
            return result
        except sqlite3.DatabaseError as e:
            if _is_damage(e):
                self._close()
                if self._set_aside(e):
                    self._open()
                else:
                    self._give_up()
            else:
                self._give_way(e)
        return None

    def _give_way(self, error: Exception) -> None:
        if not _is_locked(error):
            self._give_up()
            self._say(
                tr("The tile cache {} cannot be used ({}), so new tiles are kept in memory only.").format(
                    self._path, error
                )
            )
            return
        self._locked += 1
        if self._locked >= _MAX_LOCKED:
            self._close()
            self._opens_at = time.monotonic() + _REST_S
            self._say(
                tr(
                    "The tile cache {} is held by another program; until it lets go, "
                    "new tiles are kept in memory only."
                ).format(self._path)
            )

    # -- statements ------------------------------------------------------------------------------

    def _get(self, connection: sqlite3.Connection, series: Series, index: TileIndex) -> Arrays | None:
        found = connection.execute(
            "SELECT id, made FROM tile WHERE series = ? AND level = ? AND row = ? AND col = ?",
            (series.key, index.level, index.row, index.col),
        ).fetchone()
        if found is None or (series.keeps_for_s is not None and time.time() - found[1] > series.keeps_for_s):
            return None
        blobs = dict(connection.execute("SELECT name, data FROM array WHERE id = ?", (found[0],)))
        arrays = {}
        for name, shape in series.shapes.items():
            raw = _inflated(blobs.get(name), int(np.prod(shape)))
            if raw is None:
                _remove(connection, found[0])
                return None
            arrays[name] = np.frombuffer(raw, np.uint8).reshape(shape)
        self._touched.add(found[0])
        return arrays

    def _put(self, connection: sqlite3.Connection, packed: list[tuple[TileKey, dict[str, bytes]]]) -> None:
        now = time.time()
        with _transaction(connection):
            self._touch(connection)
            for key, blobs in packed:
                place = (key.series, key.index.level, key.index.row, key.index.col)
                found = connection.execute(
                    "SELECT id FROM tile WHERE series = ? AND level = ? AND row = ? AND col = ?", place
                ).fetchone()
                if found:
                    _remove(connection, found[0])
                tile = connection.execute(
                    "INSERT INTO tile (series, level, row, col, made) VALUES (?, ?, ?, ?, ?)", (*place, now)
                ).lastrowid
                size = sum(len(b) for b in blobs.values()) + _PAGE_OVERHEAD
                connection.execute("INSERT INTO recent VALUES (?, ?, ?)", (tile, now, size))
                connection.executemany(
                    "INSERT INTO array VALUES (?, ?, ?)", [(tile, n, b) for n, b in blobs.items()]
                )
            self._cut(connection)

    def _cut(self, connection: sqlite3.Connection) -> None:
        beyond = _total(connection) - self.limit_bytes
        if beyond <= 0:
            return
        beyond += int(self.limit_bytes * (1 - _KEPT_AFTER_CUT))
        for tile, size in connection.execute("SELECT id, bytes FROM recent ORDER BY used, id").fetchall():
            if beyond <= 0:
                return
            _remove(connection, tile)
            beyond -= size

    def _touch(self, connection: sqlite3.Connection) -> None:
        touched, self._touched = self._touched, set()
        now = time.time()
        connection.executemany("UPDATE recent SET used = ? WHERE id = ?", [(now, i) for i in touched])


class _NewerFileError(Exception):
    """The file was written by a version that this one does not know."""


def _is_locked(error: Exception) -> bool:
    """Whether another program holds the file ("database is locked", "locking protocol")."""
    return isinstance(error, sqlite3.OperationalError) and "lock" in str(error)


def _is_damage(error: Exception) -> bool:
    """Whether the file itself is wrong, not its disk or another program that holds it."""
    return not isinstance(error, sqlite3.OperationalError) or "no such" in str(error)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _remove(connection: sqlite3.Connection, tile: int) -> None:
    connection.execute("DELETE FROM tile WHERE id = ?", (tile,))
    connection.execute("DELETE FROM recent WHERE id = ?", (tile,))
    connection.execute("DELETE FROM array WHERE id = ?", (tile,))


def _remove_all(connection: sqlite3.Connection) -> None:
    with _transaction(connection):
        connection.execute("DELETE FROM tile")
        connection.execute("DELETE FROM recent")
        connection.execute("DELETE FROM array")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("VACUUM")


def _total(connection: sqlite3.Connection) -> int:
    (total,) = connection.execute("SELECT coalesce(sum(bytes), 0) FROM recent").fetchone()
    return int(total)


def _inflated(blob: object, size: int) -> bytes | None:
    """``size`` bytes from what a row holds; None where it holds anything else."""
    if not isinstance(blob, bytes):
        return None
    try:
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(blob, size + 1)
    except zlib.error:
        return None
    return raw if len(raw) == size and unpacker.eof else None
