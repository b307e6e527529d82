"""A CNTK function graph written as ONNX.

CNTK lists axes from the one that varies fastest, and the land cover scripts feed images as
(band, x, y). Axis 0 of the file is therefore the image's row axis, axis 1 its column axis and axis 2
its bands: ONNX' (N, band, row, col) has them at 2, 3 and 1, and kernels and other arrays have their
last two axes exchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..protobuf import DamagedError
from . import operators as op
from .convolution import convolution
from .dictionary import Axis
from .emitting import Value, Writer, attribute
from .function_graph import INPUT, Function, FunctionGraph, Variable
from .network import ImportedNetwork

OPSET = 17
IR_VERSION = 8
INPUT_NAME, OUTPUT_NAME = "x", "y"

_ALL_STATIC_AXES = 2147483646
_ONNX_AXIS = (2, 3, 1)
_MAX_SIDE = 1 << 16
_TO_THE_END = (1 << 63) - 1


def to_onnx(graph: FunctionGraph) -> ImportedNetwork:
    """The network of a CNTK file as ONNX.

    Raises:
        DamagedError: an operator that is not known, or known ones used in an unknown way.
    """
    writer = _Writer(graph)
    for node in graph.in_order():
        writer.add(node)
    return writer.finished()


class _Writer:
    """Turns nodes, given in order of use, into ONNX nodes and initialisers."""

    def __init__(self, graph: FunctionGraph) -> None:
        self._graph = graph
        self._values: dict[str, Value] = {}
        self._arrays: dict[str, npt.NDArray[np.float32]] = {}
        self._nodes: list[Any] = []
        self._initialisers: dict[str, Any] = {}
        self._input: Value | None = None
        self._last: Value | None = None

    def add(self, node: Function | Variable) -> None:
        """Write one node; what it uses has been written before."""
        if isinstance(node, Variable):
            self._add_variable(node)
            return
        write = _WRITERS.get(node.op)
        if write is None:
            raise DamagedError(f"it uses the operator {op.operator_name(node.op)}, which is not known here")
        self._last = write(self, node)
        self._values[node.uid] = self._last

    def _add_variable(self, variable: Variable) -> None:
        if variable.kind != INPUT:
            if variable.value is None:
                raise DamagedError(f"its parameter '{variable.uid[:60]}' has no value")
            self._arrays[variable.uid] = variable.value.astype(np.float32)
            return
        if self._input is not None:
            raise DamagedError("it has more than one input")
        if len(variable.shape) != 3 or not all(1 <= size <= _MAX_SIDE for size in variable.shape):
            raise DamagedError(f"its input has the shape {variable.shape} instead of three axes")
        rows, cols, bands = variable.shape
        self._input = Value(INPUT_NAME, (bands, rows, cols))
        self._values[variable.uid] = self._input

    def inputs(self, function: Function, count: int) -> list[str]:
        """The uids of a function's first inputs."""
        if len(function.inputs) < count:
            raise DamagedError(f"its {op.operator_name(function.op)} lacks an input")
        return [self._graph.node(uid).uid for uid in function.inputs[:count]]

    def value(self, uid: str) -> Value:
        """A value that depends on the input, or an array made into one."""
        if uid in self._values:
            return self._values[uid]
        array = self._arrays[uid]
        if array.ndim > 3 or (array.ndim < 3 and array.size > 1):
            raise DamagedError(f"it combines images with an array of shape {array.shape}")
        array = array.reshape((1,) * (3 - array.ndim) + array.shape).swapaxes(1, 2)
        return Value(self.initialiser(uid, array), (array.shape[0], array.shape[1], array.shape[2]))

    def array(self, uid: str) -> npt.NDArray[np.float32]:
        """A parameter, in NumPy's axis order."""
        if uid not in self._arrays:
            raise DamagedError("it computes a kernel or a statistic instead of holding it")
        return self._arrays[uid]

    def initialiser(self, name: str, array: npt.NDArray[Any]) -> str:
        """Store an array in the graph, once a name."""
        if name not in self._initialisers:
            self._initialisers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def emit(self, function: Function, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Add an ONNX node; the name of its output comes back."""
        self._nodes.append(helper.make_node(kind, inputs, [function.uid], name=function.uid, **attributes))
        return function.uid

    def finished(self) -> ImportedNetwork:
        """The whole model, checked."""
        given, result = self._input, self._last
        if given is None or result is None:
            raise DamagedError("its result does not depend on an input")
        margin = (given.shape[1] - result.shape[1]) // 2
        if given.shape[1] != given.shape[2] or any(
            before - after != 2 * margin or margin < 0
            for before, after in zip(given.shape[1:], result.shape[1:])
        ):
            raise DamagedError(f"its output of shape {result.shape} is not the centre of its input")
        self._nodes.append(helper.make_node("Identity", [result.name], [OUTPUT_NAME], name=OUTPUT_NAME))
        shapes: dict[str, list[str | int | None]] = {
            INPUT_NAME: ["N", given.shape[0], "H", "W"],
            OUTPUT_NAME: ["N", result.shape[0], "h", "w"],
        }
        x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items())
        graph = helper.make_graph(self._nodes, "network", [x], [y], list(self._initialisers.values()))
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="landcover",
        )
        onnx.checker.check_model(model)
        stride = max(value.reduction for value in self._values.values())
        return ImportedNetwork(model, given.shape[0], result.shape[0], given.shape[1], margin, stride)


def _relu(writer: Writer, function: Function) -> Value:
    x = writer.value(*writer.inputs(function, 1))
    return Value(writer.emit(function, "Relu", [x.name]), x.shape, x.reduction)


def _arithmetic(kind: str) -> Callable[[Writer, Function], Value]:
    def write(writer: Writer, function: Function) -> Value:
        a, b = (writer.value(uid) for uid in writer.inputs(function, 2))
        shape = tuple(max(m, n) for m, n in zip(a.shape, b.shape))
        if any(1 != m != n != 1 for m, n in zip(a.shape, b.shape)):
            raise DamagedError(f"it combines arrays of the shapes {a.shape} and {b.shape}")
        name = writer.emit(function, kind, [a.name, b.name])
        return Value(name, (shape[0], shape[1], shape[2]), max(a.reduction, b.reduction))

    return write


def _slice(writer: Writer, function: Function) -> Value:
    """Rows and columns are cut as distances from both ends, so that the size stays free."""
    x = writer.value(*writer.inputs(function, 1))
    axis = _onnx_axis(attribute(function, "axis", Axis))
    size = x.shape[axis - 1]
    begin, end = (attribute(function, key, int) for key in ("beginIndex", "endIndex"))
    begin, end = begin + size if begin < 0 else begin, end + size if end <= 0 else end
    if attribute(function, "sliceStrides", int, 1) != 1 or not 0 <= begin < end <= size:
        raise DamagedError(f"it cuts {begin} to {end} out of an axis of {size}")
    last = end if axis == 1 else end - size or _TO_THE_END
    bounds = [
        writer.initialiser(f"{function.uid}_{key}", np.array([number], np.int64))
        for key, number in (("starts", begin), ("ends", last), ("axes", axis))
    ]
    shape = list(x.shape)
    shape[axis - 1] = end - begin
    return Value(
        writer.emit(function, "Slice", [x.name, *bounds]), (shape[0], shape[1], shape[2]), x.reduction
    )


def _reshape(writer: Writer, function: Function) -> Value:
    """Only a reshape to the shape that is already there: with free sizes, there is no other."""
    x = writer.value(*writer.inputs(function, 1))
    rows_cols_bands = (x.shape[1], x.shape[2], x.shape[0])
    first = attribute(function, "beginAxis", Axis, Axis(0)).index
    last = attribute(function, "endAxis", Axis, Axis(3)).index
    replaced = rows_cols_bands[max(first, 0) : last if 0 <= last <= 3 else 3]
    wanted = attribute(function, "newShape", tuple)
    if wanted != replaced:
        raise DamagedError(f"its Reshape turns {replaced} into {wanted}, which is not known here")
    return x


def _reduce(writer: Writer, function: Function) -> Value:
    x = writer.value(*writer.inputs(function, 1))
    axes = function.attributes.get("axisVec", [function.attributes.get("axis")])
    kind = attribute(function, "reductionOpName", str)
    if kind != "Mean" or axes != [Axis(_ALL_STATIC_AXES)]:
        raise DamagedError(f"its ReduceElements '{kind[:20]}' is not a mean over the whole window")
    name = writer.emit(function, "ReduceMean", [x.name], axes=[1, 2, 3], keepdims=1)
    return Value(name, (1, 1, 1), 1)


def _splice(writer: Writer, function: Function) -> Value:
    parts = [writer.value(uid) for uid in writer.inputs(function, len(function.inputs))]
    if not parts or _onnx_axis(attribute(function, "axis", Axis)) != 1:
        raise DamagedError("its Splice does not join bands")
    if len({part.shape[1:] for part in parts}) > 1:
        raise DamagedError("its Splice joins images of different sizes")
    name = writer.emit(function, "Concat", [part.name for part in parts], axis=1)
    return Value(name, (sum(p.shape[0] for p in parts), *parts[0].shape[1:]), max(p.reduction for p in parts))


def _batch_normalization(writer: Writer, function: Function) -> Value:
    uids = writer.inputs(function, 5)
    x = writer.value(uids[0])
    if not attribute(function, "spatial", bool, True):
        raise DamagedError("its BatchNormalization is not per channel")
    statistics = []
    for uid in uids[1:]:
        array = writer.array(uid).reshape(-1)
        if array.size != x.shape[0]:
            raise DamagedError(
                f"its BatchNormalization has {array.size} statistics for {x.shape[0]} channels"
            )
        statistics.append(writer.initialiser(uid, array))
    epsilon = float(attribute(function, "epsilon", float, 1e-5))
    if not 0 <= epsilon < 1:
        raise DamagedError(f"its BatchNormalization has the epsilon {epsilon:g}")
    name = writer.emit(function, "BatchNormalization", [x.name, *statistics], epsilon=epsilon)
    return Value(name, x.shape, x.reduction)


def _onnx_axis(axis: Axis) -> int:
    if not 0 <= axis.index < 3:
        raise DamagedError(f"it uses the axis {axis.index} of an image")
    return _ONNX_AXIS[axis.index]


_WRITERS: Mapping[int, Callable[[Writer, Function], Value]] = {
    op.RELU: _relu,
    op.SLICE: _slice,
    op.RESHAPE: _reshape,
    op.PLUS: _arithmetic("Add"),
    op.MINUS: _arithmetic("Sub"),
    op.CONVOLUTION: convolution,
    op.REDUCE_ELEMENTS: _reduce,
    op.BATCH_NORMALIZATION: _batch_normalization,
    op.SPLICE: _splice,
}
