"""Writing a model folder around a graph that is there already."""

from __future__ import annotations

import json
from pathlib import Path

from ..core.model import SPEC_FILE, ModelSpec, model_json
from ..core.model_formats.triton import triton_config

CHIPS_AT_ONCE = 4
"""Chips that a server may put together: activations stay below 1 GB."""


def write_model_folder(spec: ModelSpec, folder: Path) -> None:
    """Write ``model.json`` and ``config.pbtxt`` beside the ONNX file."""
    text = json.dumps(model_json(spec), indent=2, ensure_ascii=False)
    (folder / SPEC_FILE).write_text(text + "\n", "utf-8")
    fixed = spec.task == "chip-classification"
    config = triton_config(spec, CHIPS_AT_ONCE, batch_is_free=True, size_is_free=not fixed)
    (folder / "config.pbtxt").write_text(config, "utf-8")
