"""Arrays in an ONNX file."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import protobuf
from ..protobuf import DamagedError, Raw
from .graph import DTYPES

_MAX_AXES = 8
_NO_EXTERNAL = 0

_DIMS, _TYPE, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 8, 9, 13, 14
_REALS = {4: "<f4", 10: "<f8"}
_INTEGERS = (5, 7, 11)


def read_tensor(message: memoryview) -> tuple[str, npt.NDArray[Any]]:
    """Name and array of a TensorProto; the array is read only.

    Raises:
        DamagedError: lengths that do not match, a type or a place that is not known here.
    """
    dims: list[int] = []
    name, element, raw = "", 0, None
    parts: list[npt.NDArray[Any]] = []
    for number, value in protobuf.fields(message):
        if number == _DIMS:
            dims += protobuf.integers(value)
        elif number == _TYPE:
            element = protobuf.integer(value)
        elif number == _NAME:
            name = name_of(value)
        elif number == _RAW:
            raw = protobuf.view(value)
        elif number in _REALS:
            parts.append(_reals(value, _REALS[number]))
        elif number in _INTEGERS:
            parts.append(np.array(protobuf.integers(value), np.int64))
        elif number == _EXTERNAL or (number == _LOCATION and protobuf.integer(value) != _NO_EXTERNAL):
            raise DamagedError("it keeps its weights in another file; save it with all weights inside")
    if element not in DTYPES:
        raise DamagedError(f"an array in it is of type {element}, which is not known here")
    dtype = np.dtype(DTYPES[element])
    size = _size(dims)
    flat = _from_raw(raw, dtype, size) if raw is not None else _from_parts(parts, dtype, size)
    array = flat.reshape(dims)
    array.flags.writeable = False
    return name, array


def name_of(value: Raw) -> str:
    """A name, which may come to stand in a sentence for the user."""
    name = protobuf.text(value)
    if not name.isprintable():
        raise DamagedError("a name in it cannot be printed")
    return name


def _size(dims: list[int]) -> int:
    if len(dims) > _MAX_AXES or any(side < 0 for side in dims):
        raise DamagedError(f"an array in it has the shape {tuple(dims[:12])}")
    return math.prod(dims)


def _from_raw(raw: memoryview, dtype: np.dtype[Any], size: int) -> npt.NDArray[Any]:
    if len(raw) != size * dtype.itemsize:
        raise DamagedError(f"an array in it of {size} numbers has {len(raw)} bytes")
    # copied, as places in a file are not aligned, and BLAS does not read such arrays
    return np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype)


def _from_parts(parts: list[npt.NDArray[Any]], dtype: np.dtype[Any], size: int) -> npt.NDArray[Any]:
    flat = np.concatenate(parts) if parts else np.zeros(0, dtype)
    if flat.size != size:
        raise DamagedError(f"an array in it of {size} numbers holds {flat.size}")
    if dtype == np.float16:  # kept as the bits of each number
        return flat.astype(np.uint16).view(np.float16)
    return flat.astype(dtype)


def _reals(value: Raw, dtype: str) -> npt.NDArray[Any]:
    raw = protobuf.view(value)
    if len(raw) % np.dtype(dtype).itemsize:
        raise DamagedError("an array in it ends within a number")
    return np.frombuffer(raw, dtype)
