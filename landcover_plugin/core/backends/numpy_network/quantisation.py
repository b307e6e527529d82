"""8-bit numbers and the real ones they stand for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...protobuf import DamagedError
from .call import Array, Call, NotKnownHereError, Operator
from .finish import Rounded

_WHOLE = ("uint8", "int8", "uint16", "int16", "int32")


def _dequantize(call: Call) -> Array:
    x, scale, zero = _parts(call)
    y = x.astype(np.float32)
    if zero is not None:
        y -= zero.astype(np.float32)
    y *= scale
    return y


def _quantize(call: Call) -> Array:
    x, scale, zero = _parts(call)
    dtype = np.dtype(np.uint8) if zero is None else zero.dtype
    if dtype.name not in _WHOLE:
        raise NotKnownHereError(f"QuantizeLinear (to {dtype.name})")
    y = np.rint(x / scale)
    if zero is not None:
        y += zero.astype(np.float32)
    limits = np.iinfo(dtype)
    return np.clip(y, limits.min, limits.max).astype(dtype)


def _parts(call: Call) -> tuple[Array, Array, Array | None]:
    """The array, and scale and zero point shaped so that they match it."""
    x, scale, zero = call.array(0), call.array(1), call.optional(2)
    if call.node.integer("block_size", 0):
        raise NotKnownHereError(f"{call.node.operator} (in blocks)")
    if scale.size == 1:
        return x, scale.reshape(()), None if zero is None else zero.reshape(())
    axis = call.axis(x.ndim, 1)
    if scale.ndim != 1 or len(scale) != x.shape[axis] or (zero is not None and zero.shape != scale.shape):
        raise DamagedError(f"its {call.node.operator} has {scale.size} scales for the shape {x.shape}")
    sides = (-1, *(1,) * (x.ndim - 1 - axis))
    return x, scale.reshape(sides), None if zero is None else zero.reshape(sides)


def rounding(scale: Array, zero: Array | None) -> Rounded | None:
    """What a QuantizeLinear and the DequantizeLinear behind it do to real numbers; None where unknown."""
    dtype = np.dtype(np.uint8) if zero is None else zero.dtype
    if scale.size != 1 or scale.dtype != np.float32 or dtype.name not in ("uint8", "int8"):
        return None
    limits = np.iinfo(dtype)
    at = 0 if zero is None else int(zero.reshape(-1)[0])
    return Rounded(float(scale.reshape(-1)[0]), limits.min - at, limits.max - at)


QUANTISATION: Mapping[str, Operator] = {"DequantizeLinear": _dequantize, "QuantizeLinear": _quantize}
