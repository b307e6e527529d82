"""What an ONNX file holds, as far as running it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from ..protobuf import DamagedError

Attribute = Union[int, float, bytes, "tuple[int, ...]", "tuple[float, ...]", "npt.NDArray[Any]", None]
"""A value of an attribute; None for kinds that no operator here reads, such as graphs in graphs."""


@dataclass(frozen=True, eq=False)
class OnnxNode:
    """One operator with its attributes and the names of what it reads and gives.

    Args:
        operator: as the standard names it; with its domain in front where that is not ONNX' own.
        inputs: names; an empty one stands for an input left out.
        outputs: names.
        attributes: by name.
    """

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def integer(self, name: str, default: int) -> int:
        """An attribute that is one whole number."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise self._wrong(name)
        return value

    def integers(self, name: str, default: tuple[int, ...] | None = None) -> tuple[int, ...] | None:
        """An attribute that is a row of whole numbers."""
        value = self.attributes.get(name, default)
        if value is None and name not in self.attributes:
            return None
        if isinstance(value, tuple) and all(isinstance(v, int) for v in value):
            return tuple(int(v) for v in value)
        raise self._wrong(name)

    def real(self, name: str, default: float) -> float:
        """An attribute that is a number."""
        value = self.attributes.get(name, default)
        if not isinstance(value, (int, float)):
            raise self._wrong(name)
        return float(value)

    def text(self, name: str, default: str) -> str:
        """An attribute that is a text."""
        value = self.attributes.get(name, default.encode())
        if not isinstance(value, bytes):
            raise self._wrong(name)
        return value.decode("utf-8", "replace")

    def _wrong(self, name: str) -> DamagedError:
        return DamagedError(f"the attribute '{name[:40]}' of its {self.operator} is of the wrong kind")


@dataclass(frozen=True)
class OnnxValue:
    """An input or output of the graph.

    Args:
        name: in the graph.
        dtype: NumPy's name of the type.
        shape: None where a side is free; None altogether where the file does not say.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, eq=False)
class OnnxGraph:
    """A network as its file states it.

    Args:
        opset: version of ONNX' own operators.
        nodes: in an order in which they can run.
        arrays: weights and other constants, by name; read only.
        inputs: without those that only name an array.
        outputs: of the graph.
    """

    opset: int
    nodes: tuple[OnnxNode, ...]
    arrays: Mapping[str, npt.NDArray[Any]]
    inputs: tuple[OnnxValue, ...]
    outputs: tuple[OnnxValue, ...]


DTYPES: Mapping[int, type[np.generic]] = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    4: np.uint16,
    5: np.int16,
    6: np.int32,
    7: np.int64,
    9: np.bool_,
    10: np.float16,
    11: np.float64,
    12: np.uint32,
    13: np.uint64,
}
"""NumPy's types for ONNX' numbers of them."""
