"""Tensors of the Open Inference Protocol v2: JSON descriptions, and raw bytes behind them.

Server and client speak through these functions, so that they cannot disagree.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .protocol import Arrays

HEADER_LENGTH = "Inference-Header-Content-Length"
MAX_HEADER_BYTES = 1 << 16
DTYPES = {"UINT8": "uint8", "UINT16": "uint16", "INT16": "int16", "FP32": "float32"}
DATATYPES = {dtype: datatype for datatype, dtype in DTYPES.items()}

_MAX_DIMENSIONS = 8
_MAX_SIDE = 1 << 31


class TensorError(ValueError):
    """A message of the protocol that contradicts itself; its text says how."""


def encode(
    message: dict[str, Any], tensors: str, arrays: Mapping[str, npt.NDArray[Any]], binary: Mapping[str, bool]
) -> tuple[bytes, int | None]:
    """A message as bytes, and the length of its JSON where raw tensors follow it.

    Args:
        message: all but its tensors.
        tensors: the key they go under, ``inputs`` or ``outputs``.
        arrays: by name.
        binary: which of them go as raw bytes.
    """
    entries, raw = [], []
    for name, array in arrays.items():
        entry: dict[str, Any] = {
            "name": name,
            "datatype": DATATYPES[array.dtype.name],
            "shape": list(array.shape),
        }
        if binary.get(name):
            little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            raw.append(little.reshape(-1).view(np.uint8).data)
            entry["parameters"] = {"binary_data_size": little.nbytes}
        else:
            entry["data"] = array.ravel().tolist()
        entries.append(entry)
    header = json.dumps({**message, tensors: entries}, separators=(",", ":")).encode()
    return (b"".join([header, *raw]), len(header)) if raw else (header, None)


def split(body: bytearray, header_length: str | None) -> tuple[dict[str, Any], memoryview]:
    """The JSON object of a message and the raw bytes behind it.

    Raises:
        TensorError: no JSON object, or a header length that does not fit.
    """
    length = len(body)
    if header_length is not None:
        if not header_length.isdecimal() or len(header_length) > 12 or int(header_length) > length:
            raise TensorError(f"{HEADER_LENGTH} '{header_length[:20]}' does not fit a body of {length} bytes")
        length = int(header_length)
    view = memoryview(body)
    try:
        message = json.loads(bytes(view[:length]))
    except (ValueError, RecursionError) as e:
        raise TensorError("the request is not valid JSON") from e
    if not isinstance(message, dict):
        raise TensorError("the request must be a JSON object")
    return message, view[length:]


def decode(entries: Any, raw: memoryview) -> Arrays:
    """Arrays by name, from their descriptions and the raw bytes in the order of these.

    Raw arrays share the memory of ``raw``.

    Raises:
        TensorError: a description is wrong, or the bytes do not match it.
    """
    if not isinstance(entries, list) or len(entries) > 64:
        raise TensorError("the tensors must be a list of at most 64")
    arrays: Arrays = {}
    start = 0
    for entry in entries:
        name, dtype, shape = _description(entry)
        if name in arrays:
            raise TensorError(f"tensor '{name}' comes twice")
        size = parameters_of(entry).get("binary_data_size")
        if size is None:
            arrays[name] = _from_json(entry.get("data"), name, dtype, shape)
            continue
        wanted = math.prod(shape) * dtype.itemsize
        if isinstance(size, bool) or size != wanted or start + wanted > len(raw):
            raise TensorError(
                f"tensor '{name}' has the shape {list(shape)} and so needs {wanted} bytes, "
                f"but {str(size)[:20]} were announced and {len(raw) - start} are there"
            )
        arrays[name] = np.frombuffer(raw[start : start + wanted], dtype).reshape(shape)
        start += wanted
    if start != len(raw):
        raise TensorError(f"{len(raw) - start} bytes follow the last tensor")
    return arrays


def parameters_of(entry: Any) -> Mapping[str, Any]:
    """The parameters of a message, an input or an output.

    Raises:
        TensorError: they are not an object.
    """
    found = entry.get("parameters") if isinstance(entry, dict) else None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise TensorError("'parameters' must be an object")
    return found


def _description(entry: Any) -> tuple[str, np.dtype[Any], tuple[int, ...]]:
    if not isinstance(entry, dict):
        raise TensorError("a tensor must be an object")
    name, datatype, shape = entry.get("name"), entry.get("datatype"), entry.get("shape")
    if not isinstance(name, str) or len(name) > 100:
        raise TensorError("a tensor needs a name of at most 100 letters")
    if not isinstance(datatype, str) or datatype not in DTYPES:
        raise TensorError(
            f"datatype {str(datatype)[:20]} of tensor '{name}' is not one of {', '.join(DTYPES)}"
        )
    if not isinstance(shape, list) or not 0 < len(shape) <= _MAX_DIMENSIONS or not all(map(_is_side, shape)):
        raise TensorError(f"the shape of tensor '{name}' must be a list of positive whole numbers")
    return name, np.dtype(DTYPES[datatype]).newbyteorder("<"), tuple(shape)


def _is_side(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MAX_SIDE


def _from_json(data: Any, name: str, dtype: np.dtype[Any], shape: Sequence[int]) -> npt.NDArray[Any]:
    if not isinstance(data, list):
        raise TensorError(f"tensor '{name}' has neither 'data' nor 'binary_data_size'")
    try:
        # as objects first: one long text among them would make every other element as long
        given = np.asarray(data, np.object_)
        if given.size != math.prod(shape) or not set(map(type, given.flat)) <= {int, float}:
            raise TensorError(f"'data' of tensor '{name}' must hold {math.prod(shape)} numbers")
        found = given.astype(np.float64)
    except (TypeError, OverflowError, RecursionError) as e:
        raise TensorError(f"'data' of tensor '{name}' must be numbers, in even lists") from e
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if not (np.isfinite(found) & (found >= limits.min) & (found <= limits.max)).all():
            raise TensorError(f"'data' of tensor '{name}' must be between {limits.min} and {limits.max}")
        if (found != np.trunc(found)).any():
            raise TensorError(f"'data' of tensor '{name}' must be whole numbers")
    with np.errstate(over="ignore"):
        return found.astype(dtype).reshape(tuple(shape))
