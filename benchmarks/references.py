"""The ways of working that ours is measured against."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import Resampling

from benchmarks.inputs import Bench
from benchmarks.processes import run_measured
from landcover_plugin.core.backends import Priority


def graph_alone(bench: Bench, chips: list[npt.NDArray[Any]]) -> float:
    """Seconds of nothing but inference, chips in memory, as many requests under way as in a job."""
    started = time.perf_counter()
    pending: deque[Any] = deque()
    for chip in chips:
        pending.append(bench.backend.submit(chip))
        if len(pending) >= bench.backend.in_flight:
            pending.popleft().result()
    while pending:
        pending.popleft().result()
    return time.perf_counter() - started


def serial_way(bench: Bench, delay: float) -> float:
    """Read, infer, paste into a whole-raster array, one after another; then write with overviews."""
    bench.out.unlink(missing_ok=True)
    started = time.perf_counter()
    reader, tiles = bench.reader(delay)
    whole = np.full((bench.size, bench.size), 255, np.uint8)
    tile = bench.spec.tile
    for index in tiles:
        # a live request that is alone has all threads; one of batch would leave most of them idle
        pixels = reader.read(index).pixels[None]
        answer = bench.backend.submit(pixels, priority=Priority.LIVE).result()["classes"][0]
        row, col = index.row * tile, index.col * tile
        part = whole[row : row + tile, col : col + tile]
        part[:] = answer[: part.shape[0], : part.shape[1]]
    write_whole(bench.image, bench.out, whole)
    return time.perf_counter() - started


def write_whole(image: Path, out: Path, classes: npt.NDArray[np.uint8]) -> None:
    """A whole array as a compressed GeoTIFF with overviews."""
    with rasterio.open(image) as source:
        profile = {"driver": "GTiff", "width": classes.shape[1], "height": classes.shape[0], "count": 1,
                   "dtype": "uint8", "crs": source.crs, "transform": source.transform, "nodata": 255,
                   "compress": "deflate", "tiled": True, "blockxsize": 512, "blockysize": 512}  # fmt: skip
    with rasterio.open(out, "w", **profile) as dataset:
        dataset.write(classes, 1)
    with rasterio.open(out, "r+") as dataset:
        dataset.build_overviews([2, 4, 8, 16], Resampling.mode)


def deepness_way(bench: Bench) -> tuple[float, float]:
    """Seconds and peak bytes of Deepness' segmentation path, in a process of its own.

    As its version 0.6.5 does it: a session, then per tile a read per band, the conversion to 0..1
    in float64, standardisation, inference, argmax as int64, the centre pasted into an array of the
    whole extent; then a median blur over all of it. Written after its description, not its code.
    """
    arguments = json.dumps(
        {"image": str(bench.image), "model": str(bench.spec.folder), "out": str(bench.out)}
    )
    return run_measured([sys.executable, "-m", "benchmarks.deepness", arguments], os.environ)
