"""A network put into the raw-imagery form: uint8 chips in, classes and probabilities out.

The class is taken from the scores, not from the probabilities, so that a runtime that computes only
what is asked for does not pay for the softmax when classes are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from ..errors import ModelError
from .network import Network
from .onnx_file import opset

CHIPS = "chips"
_ELEMENT = {
    "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16,
    "int16": TensorProto.INT16,
    "float32": TensorProto.FLOAT,
}
_PREFIX = "network/"
_UNSQUEEZE_TAKES_AXES = 13
_REDUCE_SUM_TAKES_AXES = 13
_REDUCE_MAX_TAKES_AXES = 18


@dataclass(frozen=True)
class Wrapping:
    """What lies between imagery and a network, and between its scores and a map.

    Args:
        dtype: of the chips.
        gain: a factor for each band.
        offset: added to each band afterwards.
        activation: ``softmax``, ``sigmoid``, or ``none`` for a network that gives probabilities.
        threshold: probability from which a network of one channel says yes.
        ids: class id of each channel; of "no" and "yes" for a network of one channel.
        crop: pixels to cut off each side of the network's output.
    """

    dtype: str
    gain: tuple[float, ...]
    offset: tuple[float, ...]
    activation: str
    threshold: float
    ids: tuple[int, ...]
    crop: int


def wrapped(network: Network, wrapping: Wrapping) -> Any:
    """The ``onnx.ModelProto`` with input ``chips`` and the three outputs of a model folder.

    Raises:
        ModelError: the result is not valid ONNX.
    """
    inner = compose.add_prefix(network.model, _PREFIX)
    graph = _Graph(opset(inner))
    element = next(
        i for i in inner.graph.input if i.name == _PREFIX + network.input
    ).type.tensor_type.elem_type
    _write_scaling(graph, wrapping, element, _PREFIX + network.input)
    scores = graph.node("Cast", _PREFIX + network.output, to=TensorProto.FLOAT)
    scores = scores if network.has_channel_axis else graph.with_channel_axis(scores)
    if wrapping.crop:
        c = wrapping.crop
        scores = graph.node(
            "Slice", scores, graph.constant([c, c]), graph.constant([-c, -c]), graph.constant([2, 3])
        )
    if network.channels == 1:
        _write_one_channel(graph, scores, wrapping)
    else:
        _write_channels(graph, scores, wrapping)
    model = _assembled(inner, graph, network, wrapping)
    try:
        onnx.checker.check_model(model)
    except Exception as e:  # the checker's errors have no common class
        raise ModelError(f"The network cannot be wrapped ({str(e)[:120]}); export it again.") from e
    return model


class _Graph:
    """Nodes and constants around the network."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.int64) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def node(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        output = name or f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def with_channel_axis(self, x: str) -> str:
        if self.version < _UNSQUEEZE_TAKES_AXES:
            return self.node("Unsqueeze", x, axes=[1])
        return self.node("Unsqueeze", x, self.constant([1]))

    def softmax(self, scores: str, name: str) -> None:
        """Over axis 1, step by step.

        ONNX Runtime computes outputs that nobody fetches, and its own Softmax over channels takes
        five times as long: 62 ms against 10 ms for five classes on 512 x 512 pixels, two threads.
        """
        highest = self._reduced("ReduceMax", scores, _REDUCE_MAX_TAKES_AXES)
        powers = self.node("Exp", self.node("Sub", scores, highest))
        self.node("Div", powers, self._reduced("ReduceSum", powers, _REDUCE_SUM_TAKES_AXES), name=name)

    def _reduced(self, operator: str, x: str, since: int) -> str:
        """Over axis 1, which is an attribute in older operator sets and an input in newer ones."""
        if self.version < since:
            return self.node(operator, x, axes=[1], keepdims=1)
        return self.node(operator, x, self.constant([1]), keepdims=1)


def _write_scaling(graph: _Graph, wrapping: Wrapping, element: int, name: str) -> None:
    x = graph.node("Cast", CHIPS, to=TensorProto.FLOAT)
    x = graph.node("Mul", x, graph.constant(_per_band(wrapping.gain), np.float32))
    if any(wrapping.offset):
        x = graph.node("Add", x, graph.constant(_per_band(wrapping.offset), np.float32))
    graph.node("Cast", x, name=name, to=element)


def _per_band(numbers: Sequence[float]) -> npt.NDArray[np.float32]:
    """One number where all are equal, else (band, 1, 1)."""
    array = np.asarray(numbers, np.float32)
    return array[0] if (array == array[0]).all() else array[:, None, None]


def _write_channels(graph: _Graph, scores: str, wrapping: Wrapping) -> None:
    _write_classes(graph, scores, wrapping.ids)
    if wrapping.activation == "softmax":
        graph.softmax(scores, "probabilities")
    elif wrapping.activation == "sigmoid":
        graph.node("Sigmoid", scores, name="probabilities")
    else:
        _write_clipped(graph, scores, "probabilities")
    _write_probabilities8(graph)


def _write_one_channel(graph: _Graph, score: str, wrapping: Wrapping) -> None:
    """Two classes out of one score: "no" and "yes"."""
    limit = wrapping.threshold
    if wrapping.activation == "none":
        yes = _write_clipped(graph, score)
    else:
        yes = graph.node("Sigmoid", score)
        limit = math.log(limit / (1 - limit))
    above = graph.node("Sub", score, graph.constant(limit, np.float32))
    level = graph.node("Mul", above, graph.constant(0, np.float32))
    _write_classes(graph, graph.node("Concat", level, above, axis=1), wrapping.ids)
    no = graph.node("Sub", graph.constant(1, np.float32), yes)
    graph.node("Concat", no, yes, name="probabilities", axis=1)
    _write_probabilities8(graph)


def _write_clipped(graph: _Graph, x: str, name: str | None = None) -> str:
    low = graph.node("Max", x, graph.constant(0, np.float32))
    return graph.node("Min", low, graph.constant(1, np.float32), name=name)


def _write_classes(graph: _Graph, scores: str, ids: tuple[int, ...]) -> None:
    best = graph.node("ArgMax", scores, axis=1, keepdims=0)
    if ids == tuple(range(len(ids))):
        graph.node("Cast", best, name="classes", to=TensorProto.UINT8)
    else:
        graph.node("Gather", graph.constant(ids, np.uint8), best, name="classes", axis=0)


def _write_probabilities8(graph: _Graph) -> None:
    """0 to 254 for 0 to 1, rounded: the cast cuts off what half a step was added to."""
    steps = graph.node("Mul", "probabilities", graph.constant(254, np.float32))
    rounded = graph.node("Add", steps, graph.constant(0.5, np.float32))
    graph.node("Cast", rounded, name="probabilities8", to=TensorProto.UINT8)


def _assembled(inner: Any, graph: _Graph, network: Network, wrapping: Wrapping) -> Any:
    batch = network.batch or "N"
    side = (network.side,) * 2 if network.side else ("H", "W")
    small = (network.side - 2 * network.margin - 2 * wrapping.crop,) * 2 if network.side else ("h", "w")
    classes = len(wrapping.ids)
    info = helper.make_tensor_value_info
    first = next(n for n, node in enumerate(graph.nodes) if node.output[0] == _PREFIX + network.input) + 1
    outer = helper.make_graph(
        [*graph.nodes[:first], *inner.graph.node, *graph.nodes[first:]],
        "landcover",
        [info(CHIPS, _ELEMENT[wrapping.dtype], [batch, network.bands, *side])],
        [
            info("classes", TensorProto.UINT8, [batch, *small]),
            info("probabilities8", TensorProto.UINT8, [batch, classes, *small]),
            info("probabilities", TensorProto.FLOAT, [batch, classes, *small]),
        ],
        [*inner.graph.initializer, *graph.constants],
    )
    outer.sparse_initializer.extend(inner.graph.sparse_initializer)
    model = helper.make_model(
        outer,
        functions=inner.functions,
        opset_imports=inner.opset_import,
        ir_version=max(inner.ir_version, 4),
        producer_name="landcover",
    )
    return model
