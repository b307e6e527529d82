"""Whole batch jobs through the worker."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import sys
from pathlib import Path

import pytest

from landcover_plugin.core.backends import configure, open_backend
from landcover_plugin.core.backends.worker import worker_process
from landcover_plugin.core.classify import classify
from landcover_plugin.core.progress import Progress, Silent
from landcover_plugin.core.raster_io import raster_io
from tests.rasters import noise, write_raster
from tests.tiny_model import write_tiny_model

for package in ("onnx", "onnxruntime", "starlette", "uvicorn"):
    pytest.importorskip(package)


@pytest.fixture(autouse=True)
def this_python_runs_the_worker():
    configure(worker_python=sys.executable)
    yield
    configure()


class Killer(Silent):
    """Kills the worker with SIGKILL after some tiles."""

    def __init__(self, *after: int) -> None:
        self.after, self.tiles, self.due, self.killed = after, 0, 0, set()

    def progress(self, progress: Progress) -> None:
        self.tiles += 1
        self.due += self.tiles in self.after
        pid = worker_process().pid
        # the one that was killed just now may not have another in its place yet
        if self.due and pid is not None and pid not in self.killed:
            self.due -= 1
            self.killed.add(pid)
            os.kill(pid, signal.SIGKILL)


def map_of(image: Path, spec, url: str, out: Path, reporter: Silent | None = None) -> tuple[str, int]:
    """SHA-256 of the map that a job makes, and its number of tiles."""
    io = raster_io("rasterio")
    with (
        contextlib.closing(io.open(str(image))) as source,
        contextlib.closing(open_backend(url, spec)) as backend,
    ):
        result = classify(source, spec, backend, out, io=io, reporter=reporter or Silent())
    return hashlib.sha256(out.read_bytes()).hexdigest(), result.inferred


def test_a_job_whose_worker_is_killed_again_and_again_gives_the_same_bytes(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "m", tile=128, halo=8, kernel=5, depth=2, pixel_size_m=(0.6, 0.3, 1.2))
    image = write_raster(tmp_path / "a.tif", noise(4, 900, 1100))
    wanted = map_of(image, spec, "onnxruntime:cpu", tmp_path / "near.tif")
    assert wanted == map_of(image, spec, "worker:", tmp_path / "far.tif")
    killer = Killer(1, 20, 40, 41, 65)
    assert map_of(image, spec, "worker:", tmp_path / "killed.tif", killer) == wanted
    assert len(killer.killed) >= 4
