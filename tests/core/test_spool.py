"""Finished tiles survive, another job's do not, and faults are one sentence."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from landcover_plugin.core.errors import OutputError
from landcover_plugin.core.grid import TileIndex
from landcover_plugin.core.spool import Spool

TILE = {
    "classes": np.arange(64, dtype=np.uint8).reshape(8, 8),
    "probabilities": np.ones((2, 8, 8), np.float32) / 3,
}


def test_tiles_come_back_as_they_were_after_reopening(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "a.spool", "job")
    spool.add(TileIndex(1, 2, 3), TILE)
    spool.close(remove=False)
    again = Spool(tmp_path / "a.spool", "job")
    assert again.done == {TileIndex(1, 2, 3)} and "1 tiles" in again.note
    for name, array in again.get(TileIndex(1, 2, 3)).items():
        np.testing.assert_array_equal(array, TILE[name])
        assert array.dtype == TILE[name].dtype
    again.close(remove=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("fingerprint", "restart"), [("other", False), ("job", True)])
def test_another_job_or_a_restart_begins_anew_and_says_so(
    tmp_path: Path, fingerprint: str, restart: bool
) -> None:
    spool = Spool(tmp_path / "a.spool", "job")
    spool.add(TileIndex(0, 0, 0), TILE)
    spool.close(remove=False)
    again = Spool(tmp_path / "a.spool", fingerprint, restart=restart)
    assert not again.done and again.note.startswith("Starting over")
    again.close(remove=True)


def test_a_file_that_is_no_spool_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.spool").write_bytes(b"not a database at all" * 100)
    spool = Spool(tmp_path / "a.spool", "job")
    assert not spool.done
    spool.add(TileIndex(0, 0, 0), TILE)
    spool.close(remove=True)


def test_two_jobs_cannot_write_one_map(tmp_path: Path) -> None:
    first = Spool(tmp_path / "a.spool", "job")
    with pytest.raises(OutputError, match="in use by another job"):
        Spool(tmp_path / "a.spool", "job")
    first.close(remove=True)


def test_uncommitted_tiles_are_few(tmp_path: Path) -> None:
    path = tmp_path / "a.spool"
    spool = Spool(path, "job")
    for n in range(20):
        spool.add(TileIndex(0, 0, n), TILE)
    copy = tmp_path / "copy.spool"
    for suffix in ("", "-journal"):
        if Path(f"{path}{suffix}").exists():
            Path(f"{copy}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    kept = sqlite3.connect(copy).execute("SELECT count(*) FROM (SELECT DISTINCT col FROM tile)").fetchone()[0]
    assert 12 <= kept <= 20
    spool.close(remove=True)


def test_a_damaged_tile_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.spool"
    spool = Spool(path, "job")
    spool.add(TileIndex(0, 0, 0), TILE)
    spool.close(remove=False)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE tile SET data = x'0011'")
    connection.close()
    again = Spool(path, "job")
    with pytest.raises(OutputError, match="damaged.*delete it"):
        again.get(TileIndex(0, 0, 0))
    again.close(remove=True)
