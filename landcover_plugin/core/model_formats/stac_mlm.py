"""A model as a STAC item of the Machine Learning Model extension, version 1.5.2."""

from __future__ import annotations

import hashlib
from typing import Any

from ..model import Band, ModelSpec

_EXTENSIONS = (
    "https://stac-extensions.github.io/mlm/v1.5.2/schema.json",
    "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
    "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
)
_SHA256_MULTIHASH = "1220"


def mlm_item(spec: ModelSpec, file: str, data: bytes) -> dict[str, Any]:
    """The item's JSON.

    Args:
        spec: of the model.
        file: name of the exported ONNX file, which lies beside the item.
        data: its content.
    """
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": list(_EXTENSIONS),
        "id": spec.name,
        "geometry": None,
        "properties": {
            "title": spec.title,
            "description": spec.description or spec.title,
            "datetime": None,
            "start_datetime": "1900-01-01T00:00:00Z",
            "end_datetime": "9999-12-31T23:59:59Z",
            "license": spec.licence or "other",
            "gsd": spec.pixel_size_m.best,
            "bands": [_band(band, spec.pixel_size_m.best) for band in spec.bands],
            "mlm:name": spec.name,
            "mlm:architecture": "fully convolutional network",
            "mlm:tasks": ["semantic-segmentation"],
            "mlm:framework": "ONNX",
            "mlm:input": [_input(spec)],
            "mlm:output": [_output(spec)],
        },
        "links": [],
        "assets": {
            "model": {
                "href": f"./{file}",
                "type": "application/octet-stream; framework=onnx",
                "title": spec.title,
                "roles": ["mlm:model", "mlm:weights"],
                "mlm:artifact_type": "onnx",
                "file:size": len(data),
                "file:checksum": _SHA256_MULTIHASH + hashlib.sha256(data).hexdigest(),
            }
        },
    }


def _band(band: Band, pixel_size_m: float) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": band.name, "gsd": pixel_size_m}
    if band.common_name:
        entry["eo:common_name"] = band.common_name
    if band.wavelength_um:
        entry["eo:center_wavelength"] = band.wavelength_um
    return entry


def _input(spec: ModelSpec) -> dict[str, Any]:
    return {
        "name": "input",
        "bands": [band.name for band in spec.bands],
        "input": {
            "shape": [-1, len(spec.bands), spec.chip, spec.chip],
            "dim_order": ["batch", "bands", "height", "width"],
            "data_type": "float32",
        },
        "value_scaling": [{"type": "scale", "value": 255}],
        "resize_type": None,
    }


def _output(spec: ModelSpec) -> dict[str, Any]:
    return {
        "name": "probabilities",
        "tasks": ["semantic-segmentation"],
        "result": {
            "shape": [-1, len(spec.legend), spec.tile, spec.tile],
            "dim_order": ["batch", "channel", "height", "width"],
            "data_type": "float32",
        },
        "classification:classes": [
            {
                "value": c.id,
                "name": c.name,
                "title": c.name,
                "color_hint": c.colour.lstrip("#").upper(),
                "nodata": not c.is_land_cover,
            }
            for c in spec.legend
        ],
    }
