"""Finished tiles of an unfinished job, on disk, so that a job killed at any moment goes on."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import OutputError
from .grid import TileIndex

Tile = Mapping[str, npt.NDArray[Any]]

_FORMAT = "landcover spool 1"
_TILES_A_TRANSACTION = 8
_SECONDS_A_TRANSACTION = 2.0
_TABLES = """
CREATE TABLE job (format TEXT NOT NULL, fingerprint TEXT NOT NULL);
CREATE TABLE tile (
    level INTEGER, row INTEGER, col INTEGER, output TEXT, dtype TEXT, shape TEXT, data BLOB NOT NULL,
    PRIMARY KEY (level, row, col, output)
) WITHOUT ROWID;
"""


class Spool:
    """A SQLite file of tiles with the fingerprint of the job they belong to.

    One thread opens, uses and closes it; one process at a time has it open. After :meth:`close`
    nothing may be called. A few tiles make a transaction: a killed job repeats at most those.
    """

    def __init__(self, path: Path, fingerprint: str, *, restart: bool = False) -> None:
        """Open the spool of a job, or begin a new one.

        Args:
            path: the file.
            fingerprint: of the job; tiles of another job are thrown away.
            restart: throw away tiles of this job too.

        Raises:
            OutputError: the folder cannot be written to, or another job has the spool open.
        """
        self._path = path
        self.note = ""
        """What happened to tiles found on disk, for people; empty where there were none."""
        self._uncommitted = 0
        self._last_commit = time.monotonic()
        with _faults(path):
            self._connection = self._open(fingerprint, restart)
        self.done = frozenset(self._indices())
        """Tiles that were there when the spool was opened."""
        if self.done:
            self.note = f"Going on with an unfinished job: {len(self.done)} tiles are there already."

    def _open(self, fingerprint: str, restart: bool) -> sqlite3.Connection:
        if self._path.exists() and self._path.stat().st_size:
            if not restart and (found := _connection_of(self._path, fingerprint)) is not None:
                return found
            self.note = (
                "Starting over, as asked."
                if restart
                else "Starting over: the unfinished job found beside the output is another one."
            )
            remove_spool(self._path)
        connection = _connect(self._path)
        connection.executescript("PRAGMA page_size = 16384;" + _TABLES)
        connection.execute("BEGIN")
        connection.execute("INSERT INTO job VALUES (?, ?)", (_FORMAT, fingerprint))
        connection.commit()
        return connection

    def _indices(self) -> Iterable[TileIndex]:
        rows = self._connection.execute("SELECT DISTINCT level, row, col FROM tile")
        return (TileIndex(*row) for row in rows)

    def add(self, index: TileIndex, tile: Tile) -> None:
        """Keep a tile.

        Raises:
            OutputError: the disk is full.
        """
        rows = [
            (*_key(index), name, array.dtype.str, repr(array.shape), zlib.compress(_bytes(array), 1))
            for name, array in tile.items()
        ]
        with _faults(self._path):
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN")
            self._connection.executemany("INSERT OR REPLACE INTO tile VALUES (?,?,?,?,?,?,?)", rows)
        self._uncommitted += 1
        waited = time.monotonic() - self._last_commit
        if self._uncommitted >= _TILES_A_TRANSACTION or waited > _SECONDS_A_TRANSACTION:
            self.commit()

    def commit(self) -> None:
        """Make what was added survive a crash.

        Raises:
            OutputError: the disk is full.
        """
        with _faults(self._path):
            self._connection.commit()
        self._uncommitted = 0
        self._last_commit = time.monotonic()

    def get(self, index: TileIndex) -> dict[str, npt.NDArray[Any]]:
        """A tile that was added, now or by an earlier run.

        Raises:
            OutputError: it is not there, or damaged.
        """
        with _faults(self._path):
            rows = self._connection.execute(
                "SELECT output, dtype, shape, data FROM tile WHERE level=? AND row=? AND col=?", _key(index)
            ).fetchall()
        try:
            return {
                name: np.frombuffer(zlib.decompress(data), dtype).reshape(_shape(shape))
                for name, dtype, shape, data in rows
            }
        except (zlib.error, ValueError, TypeError) as e:
            raise OutputError(f"{self._path} is damaged ({e}); delete it and start again.") from e

    def close(self, *, remove: bool) -> None:
        """Let go of the file; ``remove`` it once the job is done."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.commit()
        self._connection.close()
        if remove:
            remove_spool(self._path)


def remove_spool(path: Path) -> None:
    """Delete a spool and its journal."""
    for name in (path, path.with_name(path.name + "-journal")):
        with contextlib.suppress(FileNotFoundError):
            os.remove(name)


def _connection_of(path: Path, fingerprint: str) -> sqlite3.Connection | None:
    """The spool there, if it is one and belongs to the job.

    Raises:
        sqlite3.OperationalError: another process has it open.
    """
    connection = None
    try:
        connection = _connect(path)
        found = connection.execute("SELECT format, fingerprint FROM job").fetchone()
    except sqlite3.DatabaseError as e:
        if "locked" in str(e):
            raise
        found = None
    if found == (_FORMAT, fingerprint):
        return connection
    if connection is not None:
        connection.close()
    return None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    connection.commit()
    return connection


@contextlib.contextmanager
def _faults(path: Path) -> Any:
    try:
        yield
    except sqlite3.OperationalError as e:
        text = str(e)
        if "locked" in text:
            sentence = f"{path} is in use by another job that writes the same map; wait for it or stop it."
        elif "full" in text:
            sentence = (
                f"The disk of {path} is full; free some space and start again: finished tiles are kept."
            )
        else:
            sentence = f"{path} cannot be written ({text}); choose another folder for the map."
        raise OutputError(sentence) from e
    except sqlite3.DatabaseError as e:
        raise OutputError(f"{path} is damaged ({e}); delete it and start again.") from e
    except OSError as e:
        raise OutputError(
            f"{path} cannot be written ({e.strerror}); choose another folder for the map."
        ) from e


def _key(index: TileIndex) -> tuple[int, int, int]:
    return index.level, index.row, index.col


def _bytes(array: npt.NDArray[Any]) -> bytes:
    return np.ascontiguousarray(array).tobytes()


def _shape(text: str) -> tuple[int, ...]:
    return tuple(int(n) for n in text.strip("()").split(",") if n.strip())
