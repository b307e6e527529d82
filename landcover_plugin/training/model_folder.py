"""Writing a model folder around a graph that is there already."""

from __future__ import annotations

import json
from pathlib import Path

from ..core.model import SPEC_FILE, ModelSpec, model_json
from ..core.model_formats.triton import scheduling, triton_config

CHIPS_AT_ONCE = 4
"""Chips that a request may hold: activations stay below 1 GB."""
_SMALL_CHIPS_AT_ONCE = 4


def write_model_folder(spec: ModelSpec, folder: Path) -> None:
    """Write ``model.json`` and ``config.pbtxt`` beside the ONNX file."""
    text = json.dumps(model_json(spec), indent=2, ensure_ascii=False)
    (folder / SPEC_FILE).write_text(text + "\n", "utf-8")
    if spec.task == "chip-classification":
        config = _scene_config(spec)
    else:
        config = triton_config(spec, CHIPS_AT_ONCE, batch_is_free=True, size_is_free=True)
    (folder / "config.pbtxt").write_text(config, "utf-8")


def _scene_config(spec: ModelSpec) -> str:
    """One answer a chip; ``classes`` is a plain number, which Triton writes as a reshape to nothing."""
    count, chip = len(spec.legend), f"{len(spec.bands)}, {spec.chip}, {spec.chip}"
    return (
        f'name: "{spec.name}"\nbackend: "onnxruntime"\nmax_batch_size: 16\n'
        f'input [ {{ name: "chips", data_type: TYPE_UINT8, dims: [ {chip} ] }} ]\n'
        "output [\n"
        '  { name: "classes", data_type: TYPE_UINT8, dims: [ 1 ], reshape { shape: [ ] } },\n'
        f'  {{ name: "probabilities8", data_type: TYPE_UINT8, dims: [ {count} ] }},\n'
        f'  {{ name: "probabilities", data_type: TYPE_FP32, dims: [ {count} ] }}\n'
        f"]\n{scheduling(_SMALL_CHIPS_AT_ONCE)}\n"
        'model_warmup [ { name: "one chip", batch_size: 1, inputs { key: "chips", value '
        f"{{ data_type: TYPE_UINT8, dims: [ {chip} ], zero_data: true }} }} }} ]\n"
    )
