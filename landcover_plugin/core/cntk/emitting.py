"""What the writers of single operators share: values, attributes, and the graph they write to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..protobuf import DamagedError
from .function_graph import Function
from .operators import operator_name


@dataclass(frozen=True)
class Value:
    """A value of the ONNX graph.

    Args:
        name: in the graph.
        shape: (band, row, col) for the sizes that the file states.
        reduction: how many of the input's pixels one of its pixels stands for, along a side.
    """

    name: str
    shape: tuple[int, int, int]
    reduction: int = 1


class Writer(Protocol):
    """The ONNX graph under construction."""

    def inputs(self, function: Function, count: int) -> list[str]:
        """The uids of a function's first inputs."""
        ...

    def value(self, uid: str) -> Value:
        """A value that depends on the input, or an array made into one."""
        ...

    def array(self, uid: str) -> npt.NDArray[np.float32]:
        """A parameter, in NumPy's axis order."""
        ...

    def initialiser(self, name: str, array: npt.NDArray[Any]) -> str:
        """Store an array in the graph, once a name."""
        ...

    def emit(self, function: Function, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Add an ONNX node; the name of its output comes back."""
        ...


def attribute(function: Function, key: str, kind: type, *default: Any) -> Any:
    """An attribute of a function, checked."""
    value = function.attributes.get(key, *default)
    if not isinstance(value, kind):
        what = "missing" if value is None else "of the wrong kind"
        raise DamagedError(f"the attribute '{key}' of its {operator_name(function.op)} is {what}")
    return value
