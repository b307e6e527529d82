"""What is done to a convolution's result while it is at hand: a sum, a ReLU, a rounding to 8 bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .call import Array
from .elementwise import relu


class Finish(Protocol):
    """One step; ``apply`` writes into ``out`` where that is given."""

    @property
    def reads_other(self) -> bool:
        """Whether it reads a second array."""
        ...

    def apply(self, x: Array, other: Array | None, out: Array | None) -> Array:
        """The step's result."""
        ...


@dataclass(frozen=True)
class Plus:
    """Another array added."""

    reads_other: bool = True

    def apply(self, x: Array, other: Array | None, out: Array | None) -> Array:
        """The sum."""
        return np.asarray(np.add(x, 0 if other is None else other, out=out))


@dataclass(frozen=True)
class Rectified:
    """ReLU."""

    reads_other: bool = False

    def apply(self, x: Array, other: Array | None, out: Array | None) -> Array:
        """The positive part."""
        return relu(x, out)


@dataclass(frozen=True)
class Clipped:
    """Values kept between two bounds."""

    low: float | None
    high: float | None
    reads_other: bool = False

    def apply(self, x: Array, other: Array | None, out: Array | None) -> Array:
        """The bounded values."""
        if self.low is not None:
            x = out = np.asarray(np.maximum(x, x.dtype.type(self.low), out=out))
        if self.high is not None:
            x = np.asarray(np.minimum(x, x.dtype.type(self.high), out=out))
        return x


@dataclass(frozen=True)
class Rounded:
    """Values rounded to what 8 bits hold, as a QuantizeLinear and its DequantizeLinear leave them.

    Args:
        scale: from one step to the next.
        low: lowest step.
        high: highest step.
    """

    scale: float
    low: float
    high: float
    reads_other: bool = False

    def apply(self, x: Array, other: Array | None, out: Array | None) -> Array:
        """The rounded values."""
        scale = np.float32(self.scale)
        y = np.divide(x, scale, out=out)
        y = np.rint(y, out=y)
        y = np.maximum(y, np.float32(self.low), out=y)
        y = np.minimum(y, np.float32(self.high), out=y)
        return np.asarray(np.multiply(y, scale, out=y))
