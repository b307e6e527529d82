"""A model folder's network as an ONNX file that other programs open: values 0 to 1 in, probabilities out."""

from __future__ import annotations

import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..errors import ModelError, OutputError
from ..model import ModelSpec
from .onnx_file import read_onnx
from .pruning import needed_nodes, values_read
from .stac_mlm import mlm_item

_INPUT, _OUTPUT = "input", "probabilities"
_FULL_SCALE = 255


def write_export(spec: ModelSpec, out: Path) -> None:
    """Write the ONNX file and the STAC item beside it; see :func:`export_model`."""
    if spec.task != "segmentation" or _OUTPUT not in spec.outputs:
        raise ModelError(f"Model '{spec.name}' gives no map of probabilities, so it cannot be exported.")
    if out.suffix.lower() != ".onnx":
        raise OutputError(f"{out} must end in .onnx, as other programs go by that.")
    model = exported(read_onnx(spec.path), spec)
    data = model.SerializeToString()
    item = json.dumps(mlm_item(spec, out.name, data), indent=2, ensure_ascii=False) + "\n"
    try:
        _replace(out, data)
        _replace(out.with_suffix(".json"), item.encode())
    except OSError as e:
        raise OutputError(f"{out} cannot be written ({e.strerror or e}); check the folder.") from e


def exported(model: Any, spec: ModelSpec) -> Any:
    """The float form of a wrapped model, with Deepness' keys.

    Args:
        model: in the raw-imagery form; it is not changed.
        spec: that describes it.

    Returns:
        Input ``input`` (N, band, H, W) float32, imagery divided by 255; output ``probabilities``
        (N, class, h, w) float32.
    """
    nodes = needed_nodes(model.graph, {_OUTPUT})
    scale = numpy_helper.from_array(np.array(_FULL_SCALE, np.float32), "full_scale")
    (given,) = model.graph.input
    head = [
        helper.make_node("Mul", [_INPUT, scale.name], ["values"]),
        helper.make_node("Cast", ["values"], [given.name], to=TensorProto.FLOAT),
    ]
    used = {name for node in nodes for name in values_read(node)}
    shape = given.type.tensor_type.shape
    source = helper.make_tensor_value_info(
        _INPUT, TensorProto.FLOAT, [d.dim_value or d.dim_param for d in shape.dim]
    )
    result = next(o for o in model.graph.output if o.name == _OUTPUT)
    graph = helper.make_graph(
        [*head, *nodes],
        spec.name,
        [source],
        [result],
        [scale, *(i for i in model.graph.initializer if i.name in used)],
    )
    made = helper.make_model(
        graph,
        functions=model.functions,
        opset_imports=model.opset_import,
        ir_version=model.ir_version,
        producer_name="landcover",
    )
    helper.set_model_props(made, {key: json.dumps(value) for key, value in deepness_keys(spec).items()})
    try:
        onnx.checker.check_model(made)
    except Exception as e:  # the checker's errors have no common class
        raise ModelError(f"Model '{spec.name}' cannot be exported ({str(e)[:120]}); import it again.") from e
    return made


def deepness_keys(spec: ModelSpec) -> dict[str, Any]:
    """What the Deepness plugin and GeoDeep read from an ONNX file's metadata; both spellings of sizes.

    No threshold and no median blur, so that what they show is what the network says.
    """
    bands = len(spec.bands)
    return {
        "model_type": "Segmentor",
        "class_names": {str(n): c.name for n, c in enumerate(spec.legend)},
        "resolution": round(spec.pixel_size_m.best * 100, 4),
        "tile_size": spec.chip,
        "tiles_size": spec.chip,
        "tiles_overlap": math.ceil(200 * spec.halo / spec.chip),
        "standardization_mean": [0.0] * bands,
        "standardization_std": [1.0] * bands,
        "seg_thresh": 0.0,
        "seg_small_segment": 0,
    }


def _replace(path: Path, data: bytes) -> None:
    """Write a file under another name, then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(0o644)
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
