"""Whether a map can be written where it was asked for, found out before anything is written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np

from .errors import OutputError
from .imagery import ImagerySource
from .map_raster import CLASSES, CONFIDENCE, PROBABILITIES
from .plan import Plan

_SPOOL_RATIO, _RASTER_RATIO = 0.25, 0.35


def check_name(source: ImagerySource, out: Path) -> None:
    """Refuse a path that no map can have.

    Raises:
        OutputError: the folder is missing or closed, or the name is wrong or the imagery's own.
    """
    if out.suffix.lower() not in (".tif", ".tiff"):
        raise OutputError(f"{out} must be a GeoTIFF; give it a name that ends in .tif.")
    folder = out.parent
    if not folder.is_dir():
        raise OutputError(f"The folder {folder} does not exist; make it or choose another.")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"The folder {folder} cannot be written to; choose another.")
    if out.is_dir():
        raise OutputError(f"{out} is a folder; give the map a file name.")
    if out.exists() and os.path.exists(source.name) and os.path.samefile(out, source.name):
        raise OutputError(f"{out} is the imagery itself; give the map another name.")


def check_space(plan: Plan) -> None:
    """Refuse a job whose spool, rasters and overviews the disk has no room for.

    Raises:
        OutputError: says what is needed and what is free.
    """
    out = plan.outputs[0].path
    classes = len(plan.spec.legend)
    bytes_a_pixel = {CLASSES: 1.0, CONFIDENCE: 1.0, PROBABILITIES: float(classes)}
    pixels = plan.window.height * plan.window.width
    wanted = 0.0
    for output in plan.outputs:
        size = pixels * bytes_a_pixel[output.kind] * np.dtype(output.dtype).itemsize
        wanted += size * (_SPOOL_RATIO + _RASTER_RATIO * 4 / 3)
    free = shutil.disk_usage(out.parent).free
    if wanted > free:
        raise OutputError(
            f"The map {out} needs about {wanted / 1e6:,.0f} MB while it is made but its disk has "
            f"{free / 1e6:,.0f} MB free; free some space or choose another folder."
        )
