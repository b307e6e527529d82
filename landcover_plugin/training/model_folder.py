"""Writing a model folder: ``model.json`` and the configuration a Triton server reads."""

from __future__ import annotations

import json
from pathlib import Path

from ..core.model import SPEC_FILE, ModelSpec, model_json

_TYPES = {"uint8": "TYPE_UINT8", "uint16": "TYPE_UINT16", "int16": "TYPE_INT16", "float32": "TYPE_FP32"}


def write_model_folder(spec: ModelSpec, folder: Path) -> None:
    """Write ``model.json`` and ``config.pbtxt`` beside the ONNX file that is there already."""
    text = json.dumps(model_json(spec), indent=2, ensure_ascii=False)
    (folder / SPEC_FILE).write_text(text + "\n", "utf-8")
    (folder / "config.pbtxt").write_text(triton_configuration(spec), "utf-8")


def triton_configuration(spec: ModelSpec) -> str:
    """``config.pbtxt``: batches of whole chips, inputs and outputs by name."""
    count = len(spec.legend)
    tile = "" if spec.task == "chip-classification" else f", {spec.tile}, {spec.tile}"
    shapes = {
        "classes": ("TYPE_UINT8", tile.lstrip(", ") or "1"),
        "probabilities8": ("TYPE_UINT8", f"{count}{tile}"),
        "probabilities": ("TYPE_FP32", f"{count}{tile}"),
    }
    outputs = ",\n".join(
        f'  {{ name: "{name}" data_type: {shapes[name][0]} dims: [ {shapes[name][1]} ] }}'
        for name in spec.outputs
    )
    chips = f"{len(spec.bands)}, {spec.chip}, {spec.chip}"
    return (
        f'name: "{spec.name}"\n'
        'backend: "onnxruntime"\n'
        "max_batch_size: 8\n"
        f'input [\n  {{ name: "chips" data_type: {_TYPES[spec.dtype]} dims: [ {chips} ] }}\n]\n'
        f"output [\n{outputs}\n]\n"
        "dynamic_batching { }\n"
    )
