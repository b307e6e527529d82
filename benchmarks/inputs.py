"""What is measured on: mosaics of real chips, the models, the job."""

from __future__ import annotations

import os
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from rasterio.windows import Window as RioWindow

from landcover_plugin.core.backends import Backend, Priority, open_backend
from landcover_plugin.core.chips import ChipReader
from landcover_plugin.core.classify import ClassifyOptions, classify
from landcover_plugin.core.errors import LandcoverError
from landcover_plugin.core.grid import Window
from landcover_plugin.core.imagery import ImagerySource, grid_of
from landcover_plugin.core.model import ModelSpec
from landcover_plugin.core.model_library import find_model
from landcover_plugin.core.raster_io import raster_io
from landcover_plugin.core.recipe import choose_recipe

CHIP = 256
DEFAULT_MODEL = "naip-landcover"


def data_folder() -> Path:
    """``$LANDCOVER_DATA``; the benchmark ends with one sentence where it is unset."""
    name = os.environ.get("LANDCOVER_DATA")
    if not name:
        sys.exit(
            "The benchmark runs on real chips: set LANDCOVER_DATA to the folder that holds data/naip_chips."
        )
    return Path(name)


def cut_mosaic(folder: Path, size: int) -> Path:
    """A square GeoTIFF of real chips side by side, 0.6 m, near infrared tagged alpha, DEFLATE."""
    path = folder / f"mosaic-{size}.tif"
    if path.exists():
        return path
    chips = sorted((data_folder() / "data" / "naip_chips").glob("*.tif"))
    random.Random(1).shuffle(chips)
    profile = {"driver": "GTiff", "width": size, "height": size, "count": 4, "dtype": "uint8", "tiled": True,
               "crs": "EPSG:26911", "transform": from_origin(400_000.2, 3_800_000.4, 0.6, 0.6),
               "blockxsize": CHIP, "blockysize": CHIP, "photometric": "RGB", "compress": "deflate",
               "predictor": 2, "bigtiff": "if_safer", "num_threads": "all_cpus"}  # fmt: skip
    places = [(row, col) for row in range(0, size, CHIP) for col in range(0, size, CHIP)]
    with rasterio.open(path, "w", **profile) as mosaic:
        mosaic.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
        for n, (row, col) in enumerate(places):
            side = min(CHIP, size - row), min(CHIP, size - col)
            with rasterio.open(chips[n % len(chips)]) as chip:
                mosaic.write(
                    chip.read(window=RioWindow(0, 0, side[1], side[0])),
                    window=RioWindow(col, row, *side[::-1]),
                )
    return path


class SlowSource:
    """A source whose every read takes longer, as a network's would."""

    def __init__(self, source: ImagerySource, seconds: float) -> None:
        self._source, self._seconds = source, seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def read(self, window: Window, bands: Any) -> npt.NDArray[Any]:
        """Chips take ``seconds`` longer; the few samples of the recipe do not."""
        if window.height > CHIP:
            time.sleep(self._seconds)
        return self._source.read(window, bands)

    def reopen(self) -> SlowSource:
        """As slow."""
        return SlowSource(self._source.reopen(), self._seconds)


@dataclass
class Bench:
    """One model on one mosaic.

    Args:
        image: the mosaic.
        size: its side in pixels.
        spec: the model.
        backend: in process.
        folder: for what the runs write.
    """

    image: Path
    size: int
    spec: ModelSpec
    backend: Backend
    folder: Path

    @property
    def mpx(self) -> float:
        """Million map pixels of a run."""
        return self.size**2 / 1e6

    @property
    def out(self) -> Path:
        """Where runs write."""
        return self.folder / "map.tif"

    def reader(self, delay: float = 0.0) -> tuple[ChipReader, list[Any]]:
        """A chip reader over the mosaic and all its tiles."""
        source = raster_io("rasterio").open(str(self.image))
        slow = SlowSource(source, delay) if delay else source
        grid = grid_of(source, self.spec.tile)
        recipe = choose_recipe(source, self.spec).recipe
        return ChipReader(slow, grid, recipe), list(grid.tiles_in(grid.window()))

    def chips(self) -> list[npt.NDArray[Any]]:
        """Every chip of the mosaic, in memory."""
        reader, tiles = self.reader()
        return [reader.read(index).pixels[None] for index in tiles]

    def tile_seconds(self) -> float:
        """Seconds of inferring one chip alone."""
        reader, tiles = self.reader()
        chip = reader.read(tiles[0]).pixels[None]
        self.backend.submit(chip, priority=Priority.LIVE).result()
        times = []
        for _ in range(5):
            started = time.perf_counter()
            self.backend.submit(chip, priority=Priority.LIVE).result()
            times.append(time.perf_counter() - started)
        return float(np.median(times))

    def classify(self, delay: float = 0.0) -> float:
        """Seconds of one whole job, overviews included."""
        io = raster_io("rasterio")
        source = io.open(str(self.image))
        self.out.unlink(missing_ok=True)
        started = time.perf_counter()
        slow: Any = SlowSource(source, delay) if delay else source
        classify(slow, self.spec, self.backend, self.out, ClassifyOptions(level=0), io=io)
        return time.perf_counter() - started

    def close(self) -> None:
        """Close the backend."""
        self.backend.close()


def open_bench(folder: Path, model: str, size: int) -> Bench:
    """A bench for a model; the 2018 model is imported, the default one may not exist yet."""
    if model == "chesapeake-2018":
        spec = model_of_2018(folder)
    else:
        try:
            spec = find_model(DEFAULT_MODEL)
        except LandcoverError:
            print(f"There is no {DEFAULT_MODEL} yet: the 2018 model stands in for it.")
            spec, size = model_of_2018(folder), 2048
    return Bench(cut_mosaic(folder, size), size, spec, open_backend("onnxruntime:cpu", spec), folder)


def model_of_2018(folder: Path) -> ModelSpec:
    """The 2018 model, imported into a folder where it is not there yet."""
    from landcover_plugin.core.model_formats import import_model

    where = folder / "chesapeake-2018"
    if where.exists():
        return find_model(str(where))
    return import_model(data_folder() / "models" / "cntk" / "250epochs.model", where)
