"""CNTK's ``Dictionary``, the one message that a CNTK v2 model file consists of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import protobuf
from ..protobuf import DamagedError, Raw

_MAX_DEPTH = 32
_MAX_VALUES = 1_000_000
_MAX_RANK = 16
_FLOAT, _DOUBLE = 1, 2
_DENSE = 0

Dictionary = dict[str, Any]


@dataclass(frozen=True)
class Axis:
    """A static axis, counted from the one that varies fastest."""

    index: int


def read_dictionary(data: memoryview) -> Dictionary:
    """The decoded dictionary: numbers, texts, ``tuple`` for shapes, ``list``, ``dict``, arrays.

    Arrays have NumPy's axis order (the file's shape reversed) and share memory with ``data``.

    Raises:
        DamagedError: this is no such dictionary.
    """
    return _Reader().dictionary(data, 0)


class _Reader:
    """Counts what it has read, so that a small file cannot become a large object."""

    def __init__(self) -> None:
        self._values = 0

    def dictionary(self, data: memoryview, depth: int) -> Dictionary:
        if depth > _MAX_DEPTH:
            raise DamagedError(f"its dictionaries are nested deeper than {_MAX_DEPTH}")
        found: Dictionary = {}
        for number, raw in protobuf.fields(data):
            if number == 2:
                key, value = self._entry(protobuf.view(raw), depth)
                found[key] = value
        return found

    def _entry(self, data: memoryview, depth: int) -> tuple[str, Any]:
        key, value = "", None
        for number, raw in protobuf.fields(data):
            if number == 1:
                key = protobuf.text(raw)
            elif number == 2:
                value = self._value(protobuf.view(raw), depth)
        return key, value

    def _value(self, data: memoryview, depth: int) -> Any:
        self._values += 1
        if self._values > _MAX_VALUES:
            raise DamagedError(f"it holds more than {_MAX_VALUES:,} values")
        kind, held = 0, dict[int, Raw]()
        for number, raw in protobuf.fields(data):
            if number == 2:
                kind = protobuf.integer(raw)
            else:
                held[number] = raw
        return self._decoded(kind, held.get(kind + 2), depth)

    def _decoded(self, kind: int, raw: Raw | None, depth: int) -> Any:
        """The value of a type; the field that holds a type's value is numbered two higher."""
        if kind in (1, 2, 3):
            number = 0 if raw is None else protobuf.signed(raw)
            return bool(number) if kind == 1 else number if kind == 2 else number & 0xFFFFFFFFFFFFFFFF
        if kind in (4, 5):
            return 0.0 if raw is None else protobuf.real(raw)
        if kind == 6:
            return "" if raw is None else protobuf.text(raw)
        data = memoryview(b"") if raw is None else protobuf.view(raw)
        if kind == 7:
            return _shape(data)
        if kind == 8:
            return _axis(data)
        if kind == 9:
            return self._vector(data, depth + 1)
        if kind == 10:
            return self.dictionary(data, depth + 1)
        if kind == 11:
            return _array(data)
        if kind == 0:
            return None
        raise DamagedError(f"it holds a value of the unknown type {kind}")

    def _vector(self, data: memoryview, depth: int) -> list[Any]:
        if depth > _MAX_DEPTH:
            raise DamagedError(f"its lists are nested deeper than {_MAX_DEPTH}")
        return [
            self._value(protobuf.view(raw), depth) for number, raw in protobuf.fields(data) if number == 1
        ]


def _axis(data: memoryview) -> Axis:
    index = 0
    for number, raw in protobuf.fields(data):
        if number == 1:
            index = protobuf.signed(raw)
    return Axis(index)


def _shape(data: memoryview) -> tuple[int, ...]:
    """Sizes in the file's order, packed or one by one."""
    sizes: list[int] = []
    for number, raw in protobuf.fields(data):
        if number != 1:
            continue
        if isinstance(raw, int):
            sizes.append(raw)
        at = 0
        while not isinstance(raw, int) and at < len(raw) and len(sizes) <= _MAX_RANK:
            size, at = protobuf.varint(raw, at)
            sizes.append(size)
        if len(sizes) > _MAX_RANK:
            raise DamagedError(f"it holds a shape of more than {_MAX_RANK} dimensions")
    return tuple(sizes)


def _array(data: memoryview) -> npt.NDArray[Any]:
    kind, storage = 0, _DENSE
    shape: tuple[int, ...] = ()
    held: dict[int, Raw] = {}
    for number, raw in protobuf.fields(data):
        if number == 1:
            kind = protobuf.integer(raw)
        elif number == 2:
            storage = protobuf.integer(raw)
        elif number == 3:
            shape = _shape(protobuf.view(raw))
        else:
            held[number] = raw
    if storage != _DENSE:
        raise DamagedError("it holds a sparse array; save the model with dense parameters")
    if kind not in (_FLOAT, _DOUBLE):
        raise DamagedError("it holds an array that is neither float nor double")
    raw_values = held.get(kind + 3)
    dtype = np.dtype("<f4" if kind == _FLOAT else "<f8")
    values = _numbers(memoryview(b"") if raw_values is None else protobuf.view(raw_values), dtype)
    if math.prod(shape) != values.size:
        raise DamagedError(f"an array of shape {shape} holds {values.size} numbers")
    return values.reshape(shape[::-1])


def _numbers(data: memoryview, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The numbers of a values message, packed or one by one."""
    parts = [protobuf.view(raw) for number, raw in protobuf.fields(data) if number == 1]
    if any(len(part) % dtype.itemsize for part in parts):
        raise DamagedError("an array ends in the middle of a number")
    if len(parts) == 1:
        return np.frombuffer(parts[0], dtype)
    return np.frombuffer(b"".join(parts), dtype)
