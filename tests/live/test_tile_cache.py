from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from landcover_plugin.core.grid import TileIndex
from landcover_plugin.live import disk_tiles
from landcover_plugin.live.disk_tiles import VERSION, DiskTiles
from landcover_plugin.live.memory_tiles import MemoryTiles
from landcover_plugin.live.tile_cache import TileCache
from landcover_plugin.live.tile_store import Series, TileKey

SIDE = 32
SERIES = Series("a" * 32, {"classes": (SIDE, SIDE), "probabilities8": (3, SIDE, SIDE)})


def tile(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {n: rng.integers(0, 5, shape, np.uint8) for n, shape in SERIES.shapes.items()}


def key(n: int) -> TileKey:
    return TileKey(SERIES.key, TileIndex(0, n, 7))


def test_memory_throws_out_what_was_used_least_recently_and_keeps_within_its_bound():
    memory = MemoryTiles(3 * SIDE * SIDE)
    for n in range(3):
        memory.put(key(n), {"classes": tile(n)["classes"]})
    memory.get(key(0), "classes")
    memory.put(key(3), {"classes": tile(3)["classes"]})
    kept = [n for n in range(4) if memory.get(key(n), "classes") is not None]
    assert kept == [0, 2, 3]
    assert memory.total_bytes == 3 * SIDE * SIDE


def test_putting_the_same_tile_again_counts_its_bytes_once():
    memory = MemoryTiles(1 << 20)
    for _ in range(5):
        memory.put(key(0), tile(0))
    assert memory.total_bytes == SERIES.tile_bytes


def test_a_stored_array_cannot_be_changed():
    memory = MemoryTiles(1 << 20)
    memory.put(key(0), tile(0))
    with pytest.raises(ValueError, match="read-only"):
        memory.get(key(0), "classes")[0, 0] = 1


def test_tiles_survive_a_restart(tmp_path: Path):
    first = TileCache(MemoryTiles(1 << 20), DiskTiles(tmp_path / "c" / "tiles.sqlite", 1 << 20))
    for n in range(10):
        first.put(SERIES, TileIndex(0, n, 7), tile(n))
    first.close()
    second = TileCache(MemoryTiles(1 << 20), DiskTiles(tmp_path / "c" / "tiles.sqlite", 1 << 20))
    for n in range(10):
        assert second.get(SERIES, TileIndex(0, n, 7), "classes") is None  # memory only
        assert second.load(SERIES, TileIndex(0, n, 7))
        for name, array in tile(n).items():
            np.testing.assert_array_equal(second.get(SERIES, TileIndex(0, n, 7), name), array)
    assert not second.load(SERIES, TileIndex(1, 0, 7))
    assert not second.load(Series("b" * 32, SERIES.shapes), TileIndex(0, 0, 7))
    second.close()


def test_a_tile_of_the_wrong_shape_is_refused():
    cache = TileCache(MemoryTiles(1 << 20))
    with pytest.raises(ValueError, match="must have"):
        cache.put(SERIES, TileIndex(0, 0, 0), {"classes": np.zeros((2, 2), np.uint8)})


def test_the_file_is_cut_to_its_bound_and_the_latest_used_stay(tmp_path: Path):
    disk = DiskTiles(tmp_path / "t.sqlite", 40_000)
    for n in range(30):
        disk.put([(key(n), tile(n))])
        assert disk.total_bytes() <= 40_000
    assert disk.get(SERIES, TileIndex(0, 29, 7)) is not None
    assert disk.get(SERIES, TileIndex(0, 0, 7)) is None
    disk.close()
    assert os.path.getsize(tmp_path / "t.sqlite") < 120_000


def test_tiles_of_a_source_without_dates_are_trusted_for_a_while_only(tmp_path: Path, monkeypatch):
    disk = DiskTiles(tmp_path / "t.sqlite", 1 << 20)
    disk.put([(key(0), tile(0))])
    week = Series(SERIES.key, SERIES.shapes, keeps_for_s=7 * 86400)
    assert disk.get(week, TileIndex(0, 0, 7)) is not None
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 8 * 86400)
    assert disk.get(week, TileIndex(0, 0, 7)) is None
    assert disk.get(SERIES, TileIndex(0, 0, 7)) is not None
    disk.close()


def test_a_damaged_row_is_not_there(tmp_path: Path):
    path = tmp_path / "t.sqlite"
    disk = DiskTiles(path, 1 << 20)
    disk.put([(key(n), tile(n)) for n in range(3)])
    with sqlite3.connect(path) as other:
        other.execute("UPDATE array SET data = x'00112233' WHERE id = 1 AND name = 'classes'")
        other.execute("UPDATE array SET data = 'text' WHERE id = 2 AND name = 'classes'")
    other.close()
    assert disk.get(SERIES, TileIndex(0, 0, 7)) is None
    assert disk.get(SERIES, TileIndex(0, 1, 7)) is None
    assert disk.get(SERIES, TileIndex(0, 2, 7)) is not None
    disk.close()


def test_a_row_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path):
    import zlib

    path = tmp_path / "t.sqlite"
    disk = DiskTiles(path, 1 << 30)
    disk.put([(key(0), tile(0))])
    bomb = zlib.compress(bytes(50 << 20), 9)
    with sqlite3.connect(path) as other:
        other.execute("UPDATE array SET data = ? WHERE name = 'classes'", (bomb,))
    other.close()
    assert disk.get(SERIES, TileIndex(0, 0, 7)) is None
    disk.close()


@pytest.mark.parametrize(
    "content", [b"this is not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_damaged_file_is_set_aside_and_said_once(tmp_path: Path, content: bytes):
    path = tmp_path / "t.sqlite"
    path.write_bytes(content)
    said: list[str] = []
    disk = DiskTiles(path, 1 << 20, said.append)
    disk.put([(key(0), tile(0))])
    assert disk.get(SERIES, TileIndex(0, 0, 7)) is not None
    disk.close()
    assert len(said) == 1
    assert "moved to" in said[0]
    assert (tmp_path / "t.sqlite.aside").read_bytes() == content


def test_a_file_truncated_while_it_is_open_does_not_raise(tmp_path: Path):
    path = tmp_path / "t.sqlite"
    said: list[str] = []
    disk = DiskTiles(path, 1 << 20, said.append)
    disk.put([(key(n), tile(n)) for n in range(20)])
    disk.close()
    path.write_bytes(path.read_bytes()[:9000])
    disk = DiskTiles(path, 1 << 20, said.append)
    for n in range(20):
        disk.get(SERIES, TileIndex(0, n, 7))
        disk.put([(key(n), tile(n))])
    assert len(said) <= 2
    disk.close()


def test_a_newer_file_is_set_aside(tmp_path: Path):
    path = tmp_path / "t.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE future (x)")
        other.execute(f"PRAGMA user_version = {VERSION + 1}")
    other.close()
    said: list[str] = []
    disk = DiskTiles(path, 1 << 20, said.append)
    assert disk.is_open
    assert "newer version" in said[0]
    disk.close()


def test_a_locked_file_means_memory_only_until_it_is_let_go(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(disk_tiles, "_REST_S", 0.3)
    path = tmp_path / "t.sqlite"
    DiskTiles(path, 1 << 20).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode=DELETE")
    other.execute("BEGIN EXCLUSIVE")
    said: list[str] = []
    disk = DiskTiles(path, 1 << 20, said.append)
    cache = TileCache(MemoryTiles(1 << 20), disk)
    for n in range(5):
        cache.put(SERIES, TileIndex(0, n, 7), tile(n))
        assert cache.get(SERIES, TileIndex(0, n, 7), "classes") is not None
    time.sleep(0.4)
    assert not disk.is_open
    other.execute("ROLLBACK")
    other.close()
    time.sleep(0.4)
    cache.put(SERIES, TileIndex(0, 9, 7), tile(9))
    cache.close()
    assert len(said) == 1
    assert "memory only" in said[0]
    disk = DiskTiles(path, 1 << 20)
    assert disk.get(SERIES, TileIndex(0, 9, 7)) is not None
    disk.close()


def test_a_lock_met_while_the_file_is_opened_passes(tmp_path: Path):
    path = tmp_path / "t.sqlite"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    said: list[str] = []
    disk = DiskTiles(path, 1 << 20, said.append)
    disk.put([(key(0), tile(0))])
    other.execute("ROLLBACK")
    other.close()
    disk.put([(key(1), tile(1))])
    assert disk.get(SERIES, TileIndex(0, 1, 7)) is not None
    assert not said
    disk.close()


def test_a_file_that_another_program_is_making_is_waited_for(tmp_path: Path, monkeypatch):
    connected = DiskTiles._connected
    refusals = iter(range(3))

    def refused_at_first(self):
        if next(refusals, None) is not None:
            raise sqlite3.OperationalError("database is locked")
        return connected(self)

    monkeypatch.setattr(DiskTiles, "_connected", refused_at_first)
    disk = DiskTiles(tmp_path / "t.sqlite", 1 << 20)
    disk.put([(key(0), tile(0))])
    assert disk.get(SERIES, TileIndex(0, 0, 7)) is not None
    disk.close()


def test_a_full_disk_means_memory_only(tmp_path: Path):
    path = tmp_path / "t.sqlite"
    said: list[str] = []
    disk = DiskTiles(path, 1 << 20, said.append)
    assert disk.is_open
    disk._connection.execute("PRAGMA max_page_count=1")
    for n in range(5):
        disk.put([(key(n), tile(n))])
    assert not disk.is_open
    assert len(said) == 1
    assert "full" in said[0]


def test_a_folder_that_cannot_be_made_means_memory_only(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    said: list[str] = []
    disk = DiskTiles(tmp_path / "file" / "t.sqlite", 1 << 20, said.append)
    assert not disk.is_open
    assert disk.get(SERIES, TileIndex(0, 0, 0)) is None
    assert len(said) == 1


def _writer(path: str, start: int) -> None:
    disk = DiskTiles(Path(path), 8 << 20)
    for n in range(start, start + 25):
        disk.put([(key(n), tile(n))])
        disk.get(SERIES, TileIndex(0, n, 7))
    disk.close()


def test_two_processes_share_a_file(tmp_path: Path):
    path = tmp_path / "t.sqlite"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_writer, args=(str(path), start)) for start in (0, 100)]
    for p in processes:
        p.start()
    for p in processes:
        p.join(60)
        assert p.exitcode == 0
    disk = DiskTiles(path, 8 << 20)
    found = sum(disk.get(SERIES, TileIndex(0, n, 7)) is not None for n in (*range(25), *range(100, 125)))
    assert found >= 48  # a write that met a lock may be lost, no more
    disk.close()


def test_disk_waits_while_predictions_are_wanted(tmp_path: Path):
    cache = TileCache(MemoryTiles(1 << 20), DiskTiles(tmp_path / "t.sqlite", 1 << 20))
    busy = threading.Event()
    busy.set()
    cache.is_busy = busy.is_set
    cache.put(SERIES, TileIndex(0, 0, 7), tile(0))
    time.sleep(0.4)
    assert cache.disk.total_bytes() == 0
    cache.memory.clear()
    assert cache.load(SERIES, TileIndex(0, 0, 7))  # from what is still to be written
    busy.clear()
    time.sleep(0.7)
    assert cache.disk.total_bytes() > 0
    cache.close()
    assert not any(t.name == "landcover-tile-cache" for t in threading.enumerate())


def test_clear_leaves_nothing(tmp_path: Path):
    cache = TileCache(MemoryTiles(1 << 20), DiskTiles(tmp_path / "t.sqlite", 1 << 20))
    for n in range(5):
        cache.put(SERIES, TileIndex(0, n, 7), tile(n))
    time.sleep(0.6)
    cache.clear()
    assert cache.memory.total_bytes == 0
    assert not cache.load(SERIES, TileIndex(0, 0, 7))
    cache.close()
