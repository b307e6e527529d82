"""Operators that take one number to one number, or two to one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...onnx_reader.graph import DTYPES
from ...protobuf import DamagedError
from .call import Array, Call, NotKnownHereError, Operator, check_size

_FLOAT16, _FLOAT = 10, 1


def _binary(ufunc: Callable[..., Any], dtype: type | None = None) -> Operator:
    def run(call: Call) -> Array:
        a, b = call.array(0), call.array(1)
        shape = _common_shape(a, b)
        out = _target(call, shape, np.dtype(dtype or a.dtype))
        result: Array = ufunc(a, b, out=out) if out is not None else np.asarray(ufunc(a, b))
        return result

    return run


def _unary(ufunc: Callable[..., Any]) -> Operator:
    def run(call: Call) -> Array:
        x = call.array(0)
        return np.asarray(ufunc(x, out=_target(call, x.shape, x.dtype)))

    return run


def _common_shape(*arrays: Array) -> tuple[int, ...]:
    try:
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
    except ValueError as e:
        raise DamagedError(
            f"it combines arrays of the shapes {', '.join(str(a.shape) for a in arrays)}"
        ) from e
    check_size(shape, 8)
    return shape


def _target(call: Call, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array | None:
    spare = call.spare
    return spare if spare is not None and spare.shape == shape and spare.dtype == dtype else None


def _divide(call: Call) -> Array:
    a, b = call.array(0), call.array(1)
    if a.dtype.kind == "f":
        return _FLOAT_DIVIDE(call)  # type: ignore[return-value]
    _common_shape(a, b)
    quotient: Array = np.asarray(np.trunc(np.true_divide(a, b))).astype(a.dtype)
    return quotient


_FLOAT_DIVIDE = _binary(np.divide)


def relu(x: Array, out: Array | None = None) -> Array:
    """The positive part."""
    return np.asarray(np.maximum(x, x.dtype.type(0), out=out))


def _sigmoid(x: Array, out: Array | None = None) -> Array:
    """By the hyperbolic tangent, which cannot overflow."""
    half = x.dtype.type(0.5)
    y = np.multiply(x, half, out=out)
    y = np.tanh(y, out=out)
    y = np.multiply(y, half, out=out)
    return np.asarray(np.add(y, half, out=out))


def _leaky_relu(call: Call) -> Array:
    x = call.array(0)
    slope = x.dtype.type(call.node.real("alpha", 0.01))
    return np.asarray(np.where(x < 0, x * slope, x))


def clip_bounds(call: Call) -> tuple[float | None, float | None]:
    """Lowest and highest value of a Clip, None where it has none."""
    if call.opset < 11:
        attributes = call.node.attributes
        low = call.node.real("min", 0) if "min" in attributes else None
        return low, call.node.real("max", 0) if "max" in attributes else None
    bounds = [call.optional(n) for n in (1, 2)]
    if any(b is not None and b.size != 1 for b in bounds):
        raise DamagedError("its Clip has a bound that is not one number")
    low, high = (None if b is None else b.reshape(-1)[0].item() for b in bounds)
    return low, high


def _clip(call: Call) -> Array:
    x = call.array(0)
    low, high = clip_bounds(call)
    out = _target(call, x.shape, x.dtype)
    if low is not None:
        x = out = np.asarray(np.maximum(x, x.dtype.type(low), out=out))
    if high is not None:
        x = np.asarray(np.minimum(x, x.dtype.type(high), out=out))
    return x


def _extreme(ufunc: Callable[..., Any]) -> Operator:
    """Max and Min, of any number of arrays."""
    two = _binary(ufunc)

    def run(call: Call) -> Array:
        if len(call.inputs) == 2:
            return two(call)  # type: ignore[return-value]
        arrays = [call.array(n) for n in range(max(1, len(call.inputs)))]
        _common_shape(*arrays)
        result = arrays[0]
        for other in arrays[1:]:
            result = ufunc(result, other)
        return result

    return run


def element_type(number: int) -> np.dtype[Any]:
    """NumPy's type for ONNX' number of it; half precision is computed in single."""
    if number not in DTYPES:
        raise NotKnownHereError(f"Cast (to type {number})")
    return np.dtype(DTYPES[_FLOAT if number == _FLOAT16 else number])


def _cast(call: Call) -> Array:
    return call.array(0).astype(element_type(call.node.integer("to", _FLOAT)), copy=False)


def _where(call: Call) -> Array:
    condition, a, b = (call.array(n) for n in range(3))
    _common_shape(condition, a, b)
    return np.where(condition, a, b)


ELEMENTWISE: Mapping[str, Operator] = {
    "Abs": _unary(np.abs),
    "Add": _binary(np.add),
    "And": _binary(np.logical_and, np.bool_),
    "Cast": _cast,
    "Ceil": _unary(np.ceil),
    "Clip": _clip,
    "Div": _divide,
    "Equal": _binary(np.equal, np.bool_),
    "Exp": _unary(np.exp),
    "Floor": _unary(np.floor),
    "Greater": _binary(np.greater, np.bool_),
    "GreaterOrEqual": _binary(np.greater_equal, np.bool_),
    "LeakyRelu": _leaky_relu,
    "Less": _binary(np.less, np.bool_),
    "LessOrEqual": _binary(np.less_equal, np.bool_),
    "Log": _unary(np.log),
    "Max": _extreme(np.maximum),
    "Min": _extreme(np.minimum),
    "Mul": _binary(np.multiply),
    "Neg": _unary(np.negative),
    "Not": _unary(np.logical_not),
    "Or": _binary(np.logical_or, np.bool_),
    "Pow": _binary(np.power),
    "Reciprocal": _unary(np.reciprocal),
    "Relu": _unary(relu),
    "Round": _unary(np.rint),
    "Sigmoid": _unary(_sigmoid),
    "Sqrt": _unary(np.sqrt),
    "Sub": _binary(np.subtract),
    "Tanh": _unary(np.tanh),
    "Where": _where,
}
