"""Small GeoTIFFs for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

PIXEL = 0.6
ORIGIN = (400_000.2, 3_800_000.4)
DEFAULT_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.undefined)


def write_raster(
    path: Path,
    values: npt.NDArray[Any],
    *,
    crs: str | None = "EPSG:26911",
    transform: Any = None,
    nodata: float | None = None,
    colours: tuple[ColorInterp, ...] | None = None,
    **profile: Any,
) -> Path:
    """Write ``(band, row, col)`` as a GeoTIFF at 0.6 m."""
    bands, height, width = values.shape
    settings = {
        "driver": "GTiff",
        "width": width,
        "height": height,
        "count": bands,
        "dtype": values.dtype,
        "crs": crs,
        "transform": transform or from_origin(*ORIGIN, PIXEL, PIXEL),
        "nodata": nodata,
        **profile,
    }
    with rasterio.open(path, "w", **settings) as dataset:
        dataset.write(values)
        chosen = DEFAULT_COLOURS[:bands] if colours is None and bands <= 4 else colours
        if chosen:
            dataset.colorinterp = chosen
    return path


def noise(bands: int, height: int, width: int, seed: int = 0, dtype: str = "uint8") -> npt.NDArray[Any]:
    """Blocky noise, so that neighbouring pixels are alike but not equal."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 200, (bands, -(-height // 7), -(-width // 7)))
    blocky = coarse.repeat(7, axis=1).repeat(7, axis=2)[:, :height, :width]
    return (blocky + random.integers(0, 56, (bands, height, width))).astype(dtype)


def read_raster(path: Path) -> npt.NDArray[Any]:
    """``(band, row, col)`` of a whole raster."""
    with rasterio.open(path) as dataset:
        values: npt.NDArray[Any] = dataset.read()
        return values
