"""Rasters on disk, through rasterio or through QGIS' own osgeo.gdal: the same calls over either.

Inside QGIS the adapter is always osgeo's, because QGIS has it and must not load a second GDAL.
Elsewhere rasterio is taken where it is installed. ``LANDCOVER_RASTER_IO`` (``gdal`` or
``rasterio``) overrides that.
"""

from __future__ import annotations

import importlib.util
import os
import sys

from ..errors import OptionError
from .protocol import Polygon, RasterIo, RasterLayout, RasterWriter

__all__ = ["Polygon", "RasterIo", "RasterLayout", "RasterWriter", "raster_io"]


def raster_io(name: str | None = None) -> RasterIo:
    """The adapter to use.

    Args:
        name: ``gdal`` or ``rasterio``; chosen by what is there where None.

    Raises:
        OptionError: neither is installed, or the name is unknown.
    """
    name = name or os.environ.get("LANDCOVER_RASTER_IO") or _best()
    # import statements, for of a plugin that is unloaded QGIS forgets no module that came otherwise
    if name == "gdal":
        from . import gdal_adapter

        return gdal_adapter.ADAPTER
    if name == "rasterio":
        from . import rasterio_adapter

        return rasterio_adapter.ADAPTER
    raise OptionError(f"Raster adapter '{name}' is not known; use gdal or rasterio.")


def _best() -> str:
    if "qgis.core" in sys.modules:
        return "gdal"
    if importlib.util.find_spec("rasterio"):
        return "rasterio"
    if importlib.util.find_spec("osgeo"):
        return "gdal"
    raise OptionError("Neither rasterio nor osgeo.gdal is installed; run: pip install rasterio.")
