"""One operator about to run: its node and the arrays it reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from ...onnx_reader import OnnxNode
from ...protobuf import DamagedError

Array = npt.NDArray[Any]

_MAX_BYTES = 4 << 30


class NotKnownHereError(ValueError):
    """An operator, or a way to use it, that only a real runtime knows; the text names it."""


@dataclass(frozen=True, eq=False)
class Call:
    """An operator's node and what it reads.

    Args:
        node: with the attributes.
        opset: version of the operators.
        inputs: None for those left out.
        spare: an array among the inputs that nobody reads afterwards, so that a result of its shape
            and type may be written into it.
    """

    node: OnnxNode
    opset: int
    inputs: Sequence[Array | None]
    spare: Array | None = None

    def array(self, n: int) -> Array:
        """An input that must be there."""
        found = self.optional(n)
        if found is None:
            raise DamagedError(f"its {self.node.operator} lacks an input")
        return found

    def optional(self, n: int) -> Array | None:
        """An input, or None where it is left out."""
        return self.inputs[n] if n < len(self.inputs) else None

    def numbers(self, n: int, attribute: str) -> tuple[int, ...] | None:
        """Whole numbers that newer operators read as an input and older ones as an attribute."""
        given = self.optional(n)
        if given is None:
            return self.node.integers(attribute)
        return tuple(int(v) for v in given.reshape(-1).tolist())

    def axis(self, rank: int, default: int) -> int:
        """The attribute ``axis``, counted from the first one."""
        return whole_axis(self.node.integer("axis", default), rank)


Operator = Callable[[Call], Union[Array, "tuple[Array, ...]"]]


def whole_axis(axis: int, rank: int) -> int:
    """An axis counted from the first one."""
    if not -rank <= axis < max(rank, 1):
        raise DamagedError(f"it uses the axis {axis} of an array of {rank}")
    return axis % max(rank, 1)


def new_array(shape: Sequence[int], dtype: npt.DTypeLike = np.float32) -> Array:
    """An array without content, if its size is within reason."""
    check_size(shape, np.dtype(dtype).itemsize)
    return np.empty(tuple(shape), dtype)


def check_size(shape: Sequence[int], item_bytes: int = 4) -> None:
    """Refuse shapes that no network here needs.

    Raises:
        DamagedError: a side below zero, or more than 4 GB.
    """
    if any(side < 0 for side in shape) or math.prod(shape) * item_bytes > _MAX_BYTES:
        raise DamagedError(f"it computes an array of the shape {tuple(shape)}")
