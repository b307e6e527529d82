"""From an ONNX file's bytes to its graph."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import protobuf
from ..errors import ModelError
from ..protobuf import DamagedError
from .graph import DTYPES, Attribute, OnnxGraph, OnnxNode, OnnxValue
from .tensor import name_of, read_tensor

MAX_BYTES = 1 << 28
MAX_NODES = 20_000
_MAX_PORTS = 1024
_OWN_DOMAINS = ("", "ai.onnx")


def read_onnx(path: Path) -> OnnxGraph:
    """The graph in a file.

    Raises:
        ModelError: the file cannot be read, is too large, or is not ONNX.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path} is larger than {MAX_BYTES >> 20} MB, too large to run without ONNX "
                             "Runtime; set up local inference.")  # fmt: skip
        data = path.read_bytes()
    except OSError as e:
        raise ModelError(f"The model file {path} cannot be read ({e.strerror or e}); import it again.") from e
    try:
        return read_onnx_bytes(data)
    except DamagedError as e:
        raise ModelError(f"{path} cannot be read: {e}; import the model again.") from e


def read_onnx_bytes(data: bytes) -> OnnxGraph:
    """The graph in a ModelProto.

    Raises:
        DamagedError: what is wrong with the bytes.
    """
    graph, opset = None, 0
    for number, value in protobuf.fields(memoryview(data)):
        if number == 7:
            graph = protobuf.view(value)
        elif number == 8:
            domain, version = _opset(protobuf.view(value))
            opset = version if domain in _OWN_DOMAINS else opset
    if graph is None or not 1 <= opset < 1 << 16:
        raise DamagedError("it is damaged, or not an ONNX model")
    return _graph(graph, opset)


def _opset(message: memoryview) -> tuple[str, int]:
    domain, version = "", 0
    for number, value in protobuf.fields(message):
        if number == 1:
            domain = name_of(value)
        elif number == 2:
            version = protobuf.signed(value)
    return domain, version


def _graph(message: memoryview, opset: int) -> OnnxGraph:
    nodes: list[OnnxNode] = []
    arrays: dict[str, npt.NDArray[Any]] = {}
    inputs: list[OnnxValue] = []
    outputs: list[OnnxValue] = []
    for number, value in protobuf.fields(message):
        if number == 1:
            nodes.append(_node(protobuf.view(value)))
        elif number == 5:
            name, arrays[name] = read_tensor(protobuf.view(value))
        elif number == 11:
            inputs.append(_value(protobuf.view(value)))
        elif number == 12:
            outputs.append(_value(protobuf.view(value)))
        elif number == 15:
            raise DamagedError("it holds sparse arrays, which are not known here")
        if max(len(nodes), len(arrays), len(inputs), len(outputs)) > MAX_NODES:
            raise DamagedError(f"it has more than {MAX_NODES} nodes or arrays")
    given = tuple(v for v in inputs if v.name not in arrays)
    _check_order(nodes, {*arrays, *(v.name for v in given)}, outputs)
    return OnnxGraph(opset, tuple(nodes), arrays, given, tuple(outputs))


def _check_order(nodes: Iterable[OnnxNode], known: set[str], outputs: Iterable[OnnxValue]) -> None:
    """Every value is made once, and before it is used."""
    for node in nodes:
        lacking = next((name for name in node.inputs if name and name not in known), None)
        if lacking is not None:
            raise DamagedError(f"its {node.operator} reads '{lacking[:60]}', which nothing before it gives")
        made = [name for name in node.outputs if name]
        if not known.isdisjoint(made) or len(set(made)) < len(made):
            raise DamagedError(f"its {node.operator} gives a value that is there already")
        known.update(made)
    for output in outputs:
        if output.name not in known:
            raise DamagedError(f"nothing in it gives its output '{output.name[:60]}'")


def _node(message: memoryview) -> OnnxNode:
    inputs: list[str] = []
    outputs: list[str] = []
    attributes: dict[str, Attribute] = {}
    operator, domain = "", ""
    for number, value in protobuf.fields(message):
        if number == 1:
            inputs.append(name_of(value))
        elif number == 2:
            outputs.append(name_of(value))
        elif number == 4:
            operator = name_of(value)[:80]
        elif number == 5:
            name, attributes[name] = _attribute(protobuf.view(value))
        elif number == 7:
            domain = name_of(value)[:80]
    if not operator or not any(outputs) or len(inputs) + len(outputs) > _MAX_PORTS:
        raise DamagedError("one of its nodes has no operator, no output, or too many of them")
    operator = operator if domain in _OWN_DOMAINS else f"{domain}.{operator}"
    return OnnxNode(operator, tuple(inputs), tuple(outputs), attributes)


def _attribute(message: memoryview) -> tuple[str, Attribute]:
    name = ""
    value_of_one: Attribute = None
    rows: dict[int, list[Any]] = {}
    kind = 0
    for number, value in protobuf.fields(message):
        if number == 1:
            name = name_of(value)
        elif number == 2:
            value_of_one = protobuf.real(value)
        elif number == 3:
            value_of_one = protobuf.signed(value)
        elif number == 4:
            value_of_one = bytes(protobuf.view(value))
        elif number == 5:
            value_of_one = read_tensor(protobuf.view(value))[1]
        elif number == 7:
            rows.setdefault(number, []).extend(_floats(protobuf.view(value)))
        elif number == 8:
            rows.setdefault(number, []).extend(protobuf.integers(value))
        elif number == 20:
            kind = protobuf.integer(value)
    return name, _chosen(kind, value_of_one, rows)


def _chosen(kind: int, one: Attribute, rows: dict[int, list[Any]]) -> Attribute:
    """The value of an attribute of a kind; defaults of protobuf are not in the file."""
    if kind == 6:
        return tuple(rows.get(7, ()))
    if kind == 7:
        return tuple(rows.get(8, ()))
    if one is None and not rows:
        defaults: dict[int, Attribute] = {1: 0.0, 2: 0, 3: b""}
        return defaults.get(kind)
    return one if one is not None else tuple(next(iter(rows.values())))


def _floats(raw: memoryview) -> list[float]:
    if len(raw) % 4:
        raise DamagedError("a row of numbers in it ends within a number")
    numbers: list[float] = np.frombuffer(raw, "<f4").tolist()
    return numbers


def _value(message: memoryview) -> OnnxValue:
    name, tensor = "", None
    for number, value in protobuf.fields(message):
        if number == 1:
            name = name_of(value)
        elif number == 2:
            tensor = next(
                (protobuf.view(v) for n, v in protobuf.fields(protobuf.view(value)) if n == 1), None
            )
    element, shape = 0, None
    for number, value in protobuf.fields(tensor if tensor is not None else memoryview(b"")):
        if number == 1:
            element = protobuf.integer(value)
        elif number == 2:
            shape = tuple(
                _side(protobuf.view(dim)) for n, dim in protobuf.fields(protobuf.view(value)) if n == 1
            )
    dtype = np.dtype(DTYPES[element]).name if element in DTYPES else f"type {element}"
    return OnnxValue(name, dtype, shape)


def _side(message: memoryview) -> int | None:
    """A side's length, or None where it is free."""
    for number, value in protobuf.fields(message):
        if number == 1:
            return protobuf.signed(value)
    return None
