"""Esri model definitions (``.emd``): what they say, and where their model file lies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..json_fields import Fields
from .plan import usual_band

_MAX_BYTES = 1 << 20
_PIXELS = "ImageClassification"


def read_emd(path: Path) -> Mapping[str, Any]:
    """The decoded file.

    Raises:
        ModelError: it cannot be read, is too large, is no JSON object, or defines no map-making model.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ModelError(f"{path} is larger than 1 MB, so it is no model definition; check the path.")
        data = json.loads(path.read_text("utf-8-sig"))
    except OSError as e:
        raise ModelError(f"{path} cannot be read ({e.strerror or e}); check the path.") from e
    except (ValueError, RecursionError) as e:
        raise ModelError(f"{path} is not valid JSON; save the model definition again.") from e
    if not isinstance(data, dict):
        raise ModelError(f"{path} must hold a JSON object; save the model definition again.")
    kind = data.get("ModelType", _PIXELS)
    if kind != _PIXELS:
        raise ModelError(
            f"{path}: ModelType '{str(kind)[:40]}' does not classify pixels; only {_PIXELS} does."
        )
    return data


def model_file(emd: Mapping[str, Any], path: Path) -> Path:
    """The file that ``ModelFile`` names; nothing else that an .emd names is ever opened or run.

    Raises:
        ModelError: the key is missing, or leads out of the folder.
    """
    name = Fields(dict(emd), str(path)).text("ModelFile")
    folder = path.parent.resolve()
    try:
        found = (folder / name.replace("\\", "/")).resolve()
    except (OSError, ValueError) as e:
        raise ModelError(f"{path}: ModelFile is no file name; correct it.") from e
    if folder not in found.parents:
        raise ModelError(
            f"{path}: ModelFile '{name[:60]}' leads out of the folder; put the file beside the .emd."
        )
    return found


def emd_fields(emd: Mapping[str, Any], path: Path, channels: int) -> dict[str, Any]:
    """What a model definition says, under this plugin's names.

    Args:
        emd: from :func:`read_emd`.
        path: of the file, for errors.
        channels: that the network gives; ``Classes`` may list more, or leave the background out.

    Raises:
        ModelError: names the key that is wrong.
    """
    where = str(path)
    given = Fields(dict(emd), where)
    fields: dict[str, Any] = {}
    if "ImageHeight" in emd:
        fields["chip"] = given.integer("ImageHeight")
        if given.anything("ImageWidth", fields["chip"]) != fields["chip"]:
            raise ModelError(f"{where}: ImageHeight and ImageWidth differ; only square pictures are read.")
    if "ModelPadding" in emd:
        fields["halo"] = given.integer("ModelPadding")
    if "DataRange" in emd:
        fields["data_range"], fields["divisor"] = emd["DataRange"], 255
    if "ExtractBands" in emd:
        fields["bands"] = _bands(emd["ExtractBands"], where)
    if "Classes" in emd:
        fields["legend"] = _legend(given.sections("Classes"), channels, where)
    for key, ours in (("ModelName", "title"), ("Description", "description")):
        if isinstance(emd.get(key), str) and emd[key].strip():
            fields[ours] = emd[key][:10_000]
    if isinstance(emd.get("Version"), (str, int, float)):
        fields["version"] = str(emd["Version"])[:40]
    return fields


def _bands(items: Any, where: str) -> list[Any]:
    if not isinstance(items, list) or not items or len(items) > 64:
        raise ModelError(f"{where}: 'ExtractBands' must be a list of band numbers or names.")
    found: list[Any] = []
    for item in items:
        if isinstance(item, bool) or not isinstance(item, (int, str)):
            raise ModelError(f"{where}: 'ExtractBands' must be a list of band numbers or names.")
        band = usual_band(item) if isinstance(item, int) and item.bit_length() < 32 else None
        found.append(
            {"name": band.name, "common_name": band.common_name, "wavelength_um": band.wavelength_um}
            if band
            else str(item)[:100]
        )
    return found


def _legend(classes: list[Fields], channels: int, where: str) -> list[dict[str, Any]]:
    """The class of each channel: by ``Value`` where that is a channel's number, else in order."""
    entries = [_land_class(item) for item in classes]
    by_value = {entry["id"]: entry for entry in entries}
    count = max(2, channels)
    if all(n in by_value for n in range(count)):
        return [by_value[n] for n in range(count)]
    if len(entries) == count - 1 and 0 not in by_value:
        background = {"id": 0, "name": "background", "colour": "#000000", "land_cover": False}
        return [background, *sorted(entries, key=lambda entry: int(entry["id"]))]
    if len(entries) != count:
        raise ModelError(
            f"{where}: 'Classes' lists {len(entries)} classes, but the network tells {count} apart."
        )
    return entries


def _land_class(fields: Fields) -> dict[str, Any]:
    colour = fields.numbers("Color")
    if len(colour) != 3 or not all(0 <= c <= 255 for c in colour):
        raise ModelError(f"{fields.where}: 'Color' must be three numbers from 0 to 255.")
    name = fields.text("Name")
    return {
        "id": fields.integer("Value"),
        "name": name,
        "colour": "#" + "".join(f"{int(c):02x}" for c in colour),
        "land_cover": name.strip().lower() not in ("background", "no data", "nodata", "unknown", "no_data"),
    }
