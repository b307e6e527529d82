"""A GeoTIFF that came over the network, decoded in memory."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from osgeo import gdal

from ..imagery import Geotransform

_NO_PLACE = (0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class DecodedRaster:
    """Pixels, and what the file says of them.

    Args:
        values: ``(band, row, col)``.
        valid: ``(row, col)``, False where the file says that there is nothing.
        geotransform: GDAL's six numbers, None where the file does not say where it lies.
    """

    values: npt.NDArray[Any]
    valid: npt.NDArray[np.bool_]
    geotransform: Geotransform | None


def decode_geotiff(data: bytes, bands: int, height: int, width: int) -> DecodedRaster:
    """The first bands of a GeoTIFF of a known size; any thread may call.

    A mask of the file's own, a NoData value that all bands hold, and a transparency band beyond those
    asked for count as no imagery. A band tagged alpha among them does not: near infrared often is.

    Args:
        data: the file. Other formats are refused, for some can refer to further files.
        bands: how many are wanted.
        height: rows that the file must have.
        width: columns that the file must have.

    Raises:
        ValueError: it is no GeoTIFF, damaged, or of another size; says so in words that go into brackets.
    """
    path = f"/vsimem/landcover-{uuid.uuid4().hex}.tif"
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        gdal.FileFromMemBuffer(path, data)
        dataset = gdal.OpenEx(path, gdal.OF_RASTER, allowed_drivers=["GTiff"])
        if dataset is None:
            raise ValueError("it sent a picture that cannot be read")
        if (dataset.RasterYSize, dataset.RasterXSize) != (height, width) or dataset.RasterCount < bands:
            raise ValueError(
                f"it sent {dataset.RasterCount} bands of {dataset.RasterXSize} × {dataset.RasterYSize} pixels "
                f"in place of {bands} of {width} × {height}"
            )
        return _decoded(dataset, bands)
    except RuntimeError as e:
        raise ValueError("it sent a picture that cannot be read") from e
    finally:
        dataset = None
        gdal.Unlink(path)
        gdal.PopErrorHandler()


def _decoded(dataset: Any, bands: int) -> DecodedRaster:
    layers = [dataset.GetRasterBand(n + 1).ReadAsArray() for n in range(bands)]
    if any(layer is None for layer in layers):
        raise ValueError("it sent a picture that cannot be read")
    place = tuple(dataset.GetGeoTransform())
    return DecodedRaster(np.stack(layers), _valid(dataset, layers), None if place == _NO_PLACE else place)


def _valid(dataset: Any, layers: list[npt.NDArray[Any]]) -> npt.NDArray[np.bool_]:
    bands = len(layers)
    if dataset.RasterCount > bands:
        extra = dataset.GetRasterBand(bands + 1)
        if extra.GetColorInterpretation() == gdal.GCI_AlphaBand:
            return np.asarray(extra.ReadAsArray() > 0)
    flags = dataset.GetRasterBand(1).GetMaskFlags()
    if flags & gdal.GMF_PER_DATASET and not flags & gdal.GMF_ALPHA:
        return np.asarray(dataset.GetRasterBand(1).GetMaskBand().ReadAsArray() > 0)
    nodata = dataset.GetRasterBand(1).GetNoDataValue()
    if nodata is None or np.isnan(nodata):
        return np.ones(layers[0].shape, np.bool_)
    empty: npt.NDArray[np.bool_] = np.logical_and.reduce([layer == nodata for layer in layers])
    return ~empty
