"""Rasters on disk, through rasterio or through QGIS' own osgeo.gdal: the same calls over either.

Inside QGIS the adapter is always osgeo's, because QGIS has it and must not load a second GDAL.
Elsewhere rasterio is taken where it is installed. ``LANDCOVER_RASTER_IO`` (``gdal`` or
``rasterio``) overrides that.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

from ..errors import OptionError
from .protocol import Polygon, RasterIo, RasterLayout, RasterWriter

__all__ = ["Polygon", "RasterIo", "RasterLayout", "RasterWriter", "raster_io"]

_MODULES = {"gdal": "gdal_adapter", "rasterio": "rasterio_adapter"}


def raster_io(name: str | None = None) -> RasterIo:
    """The adapter to use.

    Args:
        name: ``gdal`` or ``rasterio``; chosen by what is there where None.

    Raises:
        OptionError: neither is installed, or the name is unknown.
    """
    name = name or os.environ.get("LANDCOVER_RASTER_IO") or _best()
    if name not in _MODULES:
        raise OptionError(f"Raster adapter '{name}' is not known; use gdal or rasterio.")
    adapter: RasterIo = importlib.import_module(f".{_MODULES[name]}", __name__).ADAPTER
    return adapter


def _best() -> str:
    if "qgis.core" in sys.modules:
        return "gdal"
    if importlib.util.find_spec("rasterio"):
        return "rasterio"
    if importlib.util.find_spec("osgeo"):
        return "gdal"
    raise OptionError("Neither rasterio nor osgeo.gdal is installed; run: pip install rasterio.")
