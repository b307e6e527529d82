"""Small networks as other people export them: one convolution, with or without an activation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]


def weights_of(channels: int, bands: int, seed: int = 5) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(channels, bands, 3, 3)).astype(np.float32)


def network(
    *,
    bands: int = 3,
    channels: int = 4,
    side: int | None = None,
    batch: int | str = "N",
    padded: bool = True,
    activation: str | None = None,
    channel_axis: bool = True,
    opset: int = 17,
    names: tuple[str, str] = ("image", "scores"),
    keys: dict[str, Any] | None = None,
) -> Any:
    """An ``onnx.ModelProto``; ``keys`` become metadata, texts as they are and the rest as JSON."""
    given, result = names
    nodes = [helper.make_node("Conv", [given, "w"], ["conv"], pads=[int(padded)] * 4)]
    last = "conv"
    if activation == "Softmax" and opset < 13:
        nodes.append(helper.make_node("Sigmoid", [last], ["act"]))
        last = "act"
    elif activation == "softmax in steps":
        nodes += [
            helper.make_node("Exp", [last], ["powers"]),
            helper.make_node("Constant", [], ["channels"], value_ints=[1]),
            helper.make_node("ReduceSum", ["powers", "channels"], ["total"], keepdims=1),
            helper.make_node("Div", ["powers", "total"], ["act"]),
        ]
        last = "act"
    elif activation:
        nodes.append(
            helper.make_node(activation, [last], ["act"], **({"axis": 1} if activation == "Softmax" else {}))
        )
        last = "act"
    if not channel_axis:
        nodes.append(helper.make_node("Squeeze", [last, "axes"], ["flat"]))
        last = "flat"
    nodes.append(helper.make_node("Identity", [last], [result]))
    small = (side - 2 * (not padded)) if side else "h"
    out = [batch, channels, small, small] if channel_axis else [batch, small, small]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(given, TensorProto.FLOAT, [batch, bands, side or "H", side or "W"])],
        [helper.make_tensor_value_info(result, TensorProto.FLOAT, out)],
        [
            numpy_helper.from_array(weights_of(channels, bands), "w"),
            *([] if channel_axis else [numpy_helper.from_array(np.array([1], np.int64), "axes")]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in (keys or {}).items()}
    helper.set_model_props(model, texts)
    return model


def saved(path: Path, **options: Any) -> Path:
    path.write_bytes(network(**options).SerializeToString())
    return path


def run(path: Path, x: Array, outputs: list[str] | None = None) -> list[Array]:
    import onnxruntime as ort

    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    result: list[Array] = session.run(outputs, {session.get_inputs()[0].name: x})
    return result


def run_model(model: Any, x: Array) -> Array:
    import onnxruntime as ort

    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    result: Array = session.run(None, {session.get_inputs()[0].name: x})[0]
    return result


def softmax(scores: Array) -> Array:
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    p: Array = e / e.sum(axis=1, keepdims=True)
    return p


def chips(bands: int, side: int, count: int = 1, dtype: str = "uint8") -> Array:
    return np.random.default_rng(9).integers(0, 256, (count, bands, side, side)).astype(dtype)
