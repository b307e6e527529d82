"""The keys that the Deepness plugin keeps in an ONNX file's metadata."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

from ..errors import ModelError

KEYS = frozenset(
    {
        "model_type", "class_names", "names", "resolution", "tile_size", "tiles_size", "tiles_overlap",
        "standardization_mean", "standardization_std", "seg_thresh", "seg_small_segment",
    }
)  # fmt: skip

_MAX_TEXT = 100_000
_MAX_NESTING = 50


def is_deepness(metadata: Mapping[str, str]) -> bool:
    """Whether an ONNX file's metadata hold any of the keys."""
    return bool(KEYS & set(metadata))


def deepness_fields(metadata: Mapping[str, str], where: str) -> dict[str, Any]:
    """What the keys say, under this plugin's names.

    Sizes are in pixels, the resolution in centimetres, the overlap in percent; mean and deviation
    apply to values of 0 to 1. ``seg_thresh`` matters only to networks of one channel: for others it
    would turn uncertain pixels into class 0.

    Raises:
        ModelError: names the key that is missing or wrong.
    """
    values = {key: _literal(metadata[key], key, where) for key in KEYS & set(metadata)}
    kind = values.get("model_type", "Segmentor")
    if kind != "Segmentor":
        raise ModelError(f"{where} is a model of type '{str(kind)[:40]}'; only Segmentor models make maps.")
    fields: dict[str, Any] = {"divisor": 255}
    names = values.get("class_names", values.get("names"))
    if names is not None:
        fields["class_names"] = _class_names(names, where)
    if "resolution" in values:
        fields["pixel_size_m"] = _number(values["resolution"], "resolution", where) / 100
    side = values.get("tile_size", values.get("tiles_size"))
    if side is not None:
        fields["chip"] = int(_number(side, "tile_size", where))
    for key, ours in (("tiles_overlap", "overlap_percent"), ("seg_thresh", "threshold")):
        if key in values:
            fields[ours] = _number(values[key], key, where)
    for key, ours in (("standardization_mean", "mean"), ("standardization_std", "std")):
        if key in values:
            fields[ours] = values[key]
    return fields


def _literal(text: str, key: str, where: str) -> Any:
    """A value: JSON, else a Python literal (as Ultralytics writes it), else the text; never evaluated."""
    depth = most = 0
    for character in text[: _MAX_TEXT + 1]:
        depth += (character in "[({") - (character in "])}")
        most = max(most, depth)
    if len(text) > _MAX_TEXT or most > _MAX_NESTING:
        raise ModelError(
            f"{where}: the metadata key '{key}' is too large to be true; export the model again."
        )
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return text


def _class_names(names: Any, where: str) -> list[str]:
    """Names in the order of the channels; of several heads, the first one's."""
    names = names[0] if isinstance(names, list) and names and isinstance(names[0], dict) else names
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict):
        raise ModelError(f"{where}: the metadata key 'class_names' is no table of numbers and names.")
    table = {str(key).strip(): str(name) for key, name in names.items()}
    if set(table) != {str(n) for n in range(len(table))} or not table:
        raise ModelError(
            f"{where}: the numbers in the metadata key 'class_names' do not run from 0 without a gap."
        )
    return [table[str(n)] for n in range(len(table))]


def _number(value: Any, key: str, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not abs(number) < 1e9:
        raise ModelError(f"{where}: the metadata key '{key}' must be a number.")
    return number
