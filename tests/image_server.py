"""What an ArcGIS ImageServer answers: its description, and ``exportImage`` of pixels that are known."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import numpy.typing as npt

PIXEL = 1.0
XMIN, YMAX = -8_500_000.0, 4_700_000.0
WIDTH, HEIGHT = 20_000, 16_000
BAND_NAMES = ["Red", "Green", "Blue", "NearInfrared"]
EMPTY_ROWS = 300
"""The first rows hold NoData."""
MAX_PX = 700


def ground(
    row: int, col: int, height: int, width: int, dtype: str = "uint8", step: int = 1
) -> npt.NDArray[Any]:
    """``(band, row, col)``: fields of some pixels across with grain, each band its own, as farmland has.

    Args:
        row: of the service's first pixel.
        col: of that.
        height: rows given.
        width: columns given.
        dtype: ``uint8``, or a larger one for larger values.
        step: only every so many-th pixel is given.
    """
    rows = row + step * np.arange(height)[:, None]
    cols = col + step * np.arange(width)[None, :]
    bands = []
    for band in range(4):
        field = ((cols // 37 + band) * 7919 + (rows // 29) * 104_729 + band * 611) % 190
        grain = (cols * (3 + band) + rows * (5 + 2 * band)) % 61
        bands.append(field + grain + 1)
    values = np.stack(bands)
    values[:, (rows < EMPTY_ROWS)[:, 0]] = 0
    return (values * (40 if dtype != "uint8" else 1)).astype(dtype)


def description(manner: str) -> dict[str, Any]:
    """The service in JSON."""
    name = manner.partition("-")[0]
    if name == "mute":
        return {"error": {"code": 499, "message": "Token Required", "details": []}}
    place = {
        "xmin": XMIN,
        "ymin": YMAX - HEIGHT * PIXEL,
        "xmax": XMIN + WIDTH * PIXEL,
        "ymax": YMAX,
        "spatialReference": {"wkid": 102100, "latestWkid": 3857},
    }
    said: dict[str, Any] = {
        "currentVersion": 10.81,
        "name": "USGSNAIPPlus",
        "description": "Fields",
        "extent": place,
        "fullExtent": place,
        "spatialReference": place["spatialReference"],
        "pixelSizeX": PIXEL,
        "pixelSizeY": PIXEL,
        "bandCount": 4,
        "pixelType": "S16" if name == "deep" else "U8",
        "noDataValue": 0,
        "serviceDataType": "esriImageServiceDataTypeGeneric",
        "capabilities": "Image,Metadata,Catalog",
        "maxImageHeight": MAX_PX,
        "maxImageWidth": MAX_PX,
        "rasterFunctionInfos": [{"name": "NaturalColor"}, {"name": "None"}],
        "singleFusedMapCache": False,
    }
    if name == "unnamed":
        said["bandNames"] = ["Band_1", "Band_2", "Band_3", "Band_4"]
    else:
        said["bandNames"] = BAND_NAMES
    if name == "ladder":
        del said["pixelSizeX"], said["pixelSizeY"]
    if name == "masked":
        del said["noDataValue"]
    return said


def key_properties() -> dict[str, Any]:
    """The page that knows what the bands are: near infrared first."""
    bands = [("NearInfrared", 750, 950), ("Blue", 420, 500), ("Green", 500, 580), ("Red", 600, 690)]
    return {"BandProperties": [{"BandName": n, "WavelengthMin": a, "WavelengthMax": b} for n, a, b in bands]}


def json_answer(path: str) -> dict[str, Any] | None:
    """What a path that asks for text gets; None for one that asks for pixels."""
    parts = urlsplit(path)
    folders = parts.path.strip("/").split("/")
    if "keyProperties" in folders:
        return key_properties()
    return None if "exportImage" in folders else description(folders[0])


def export(path: str) -> bytes:
    """The GeoTIFF that ``exportImage`` answers; an error in JSON where the request makes no sense."""
    parts = urlsplit(path)
    query = {k: v[0] for k, v in parse_qs(parts.query).items()}
    manner = parts.path.strip("/").split("/")[0].partition("-")[0]
    xmin, ymin, xmax, ymax = (float(v) for v in query["bbox"].split(","))
    width, height = (int(v) for v in query["size"].split(","))
    wanted = [int(v) for v in query["bandIds"].split(",")]
    fine = (
        query["f"] == "image"
        and query["format"] == "tiff"
        and query["bboxSR"] == query["imageSR"] == "102100"
        and query["interpolation"] == "RSP_NearestNeighbor"
        and json.loads(query["renderingRule"]) == {"rasterFunction": "None"}
        and max(width, height) <= MAX_PX
        and max(wanted) < 4
    )
    if not fine:
        return json.dumps({"error": {"code": 400, "message": "Invalid parameters", "details": []}}).encode()
    step = (xmax - xmin) / width
    shift = 3 * step if manner == "shifted" else 0.0
    row, col = round((YMAX - ymax) / PIXEL), round((xmin + shift - XMIN) / PIXEL)
    dtype = "int16" if query["pixelType"] == "S16" else "uint8"
    stride = max(1, round(step / PIXEL)) if manner != "ladder" else 1
    values = ground(row, col, height, width, dtype, stride)[wanted]
    return geotiff(values, (xmin + shift, ymin, xmax + shift, ymax), manner == "masked")


def geotiff(values: npt.NDArray[Any], box: tuple[float, float, float, float], masked: bool) -> bytes:
    """A GeoTIFF that fills a box."""
    import rasterio
    from rasterio.transform import from_bounds

    with rasterio.MemoryFile() as memory:
        profile = {
            "driver": "GTiff", "count": len(values), "height": values.shape[1], "width": values.shape[2],
            "dtype": values.dtype, "transform": from_bounds(*box, values.shape[2], values.shape[1]), "crs": "EPSG:3857",
            "photometric": "RGB" if len(values) == 4 else "MINISBLACK", "alpha": "YES",
        }  # fmt: skip
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), memory.open(**profile) as dataset:
            dataset.write(values)
            if masked:
                dataset.write_mask((values > 0).any(axis=0))
        return bytes(memory.getbuffer())
