"""Operators that look along an axis: sums, extremes, shares, normalisation, products."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...protobuf import DamagedError
from .call import Array, Call, Operator, check_size, whole_axis


def _reduction(function: Callable[..., Any], axes_are_input_since: int) -> Operator:
    def run(call: Call) -> Array:
        x = call.array(0)
        axes = call.numbers(1, "axes") if call.opset >= axes_are_input_since else call.node.integers("axes")
        if not axes and call.node.integer("noop_with_empty_axes", 0):
            return x
        chosen = tuple(sorted({whole_axis(a, x.ndim) for a in axes})) if axes else None
        if 0 in x.shape:
            raise DamagedError(f"its {call.node.operator} reads an empty array")
        keep = bool(call.node.integer("keepdims", 1))
        return np.asarray(function(x, axis=chosen, keepdims=keep)).astype(x.dtype, copy=False)

    return run


def _arg_max(call: Call) -> Array:
    """Place of the largest value, the first of equals.

    NumPy's own ``argmax`` over channels takes four times as long, as it moves the axis last.
    """
    x = call.array(0)
    axis = call.axis(x.ndim, 0)
    if call.node.integer("select_last_index", 0) or x.shape[axis] > 255 or x.dtype != np.float32:
        best: Array = _arg_max_by_numpy(x, axis, bool(call.node.integer("select_last_index", 0)))
    else:
        layers = np.moveaxis(x, axis, 0)
        highest = layers[0].copy()
        best = np.zeros(highest.shape, np.uint8)
        for n in range(1, len(layers)):
            above = layers[n] > highest
            np.copyto(best, np.uint8(n), where=above)
            np.copyto(highest, layers[n], where=above)
    best = best.astype(np.int64)
    return np.expand_dims(best, axis) if call.node.integer("keepdims", 1) else best


def _arg_max_by_numpy(x: Array, axis: int, last: bool) -> Array:
    if not last:
        return np.asarray(np.argmax(x, axis))
    return np.asarray(x.shape[axis] - 1 - np.argmax(np.flip(x, axis), axis))


def _softmax(call: Call) -> Array:
    x = call.array(0)
    axis = call.axis(x.ndim, -1 if call.opset >= 13 else 1)
    axes = (axis,) if call.opset >= 13 else tuple(range(axis, x.ndim))
    powers = np.subtract(x, x.max(axes, keepdims=True))
    np.exp(powers, out=powers)
    powers /= powers.sum(axes, keepdims=True)
    return powers


def _batch_normalization(call: Call) -> Array:
    x = call.array(0)
    scale, shift = normalisation(call, *(call.array(n) for n in range(1, 5)))
    if x.ndim < 2 or x.shape[1] != scale.size:
        raise DamagedError(f"its BatchNormalization has {scale.size} statistics for the shape {x.shape}")
    sides = (scale.size, *(1,) * (x.ndim - 2))
    y = np.multiply(x, scale.reshape(sides))
    y += shift.reshape(sides)
    return y


def normalisation(
    call: Call, gain: Array, offset: Array, mean: Array, variance: Array
) -> tuple[Array, Array]:
    """Factor and summand of each channel that a batch normalisation comes to."""
    if call.node.integer("training_mode", 0) or len({a.shape for a in (gain, offset, mean, variance)}) > 1:
        raise DamagedError("its BatchNormalization is in training, or its statistics differ in length")
    scale = gain.astype(np.float64) / np.sqrt(variance.astype(np.float64) + call.node.real("epsilon", 1e-5))
    return scale.astype(np.float32), (offset - mean * scale).astype(np.float32)


def _mat_mul(call: Call) -> Array:
    a, b = call.array(0), call.array(1)
    if not a.ndim or not b.ndim or a.shape[-1] != b.shape[max(0, b.ndim - 2)]:
        raise DamagedError(f"it multiplies matrices of the shapes {a.shape} and {b.shape}")
    check_size((*a.shape[:-1], *b.shape[:-2], b.shape[-1]))
    return np.asarray(np.matmul(a, b))


def _gemm(call: Call) -> Array:
    a, b, c = call.array(0), call.array(1), call.optional(2)
    a = a.T if call.node.integer("transA", 0) else a
    b = b.T if call.node.integer("transB", 0) else b
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise DamagedError(f"it multiplies matrices of the shapes {a.shape} and {b.shape}")
    y: Array = np.matmul(a, b)
    alpha, beta = call.node.real("alpha", 1), call.node.real("beta", 1)
    if alpha != 1:
        y *= y.dtype.type(alpha)
    return y if c is None else np.asarray(y + (c if beta == 1 else c * c.dtype.type(beta)))


REDUCTIONS: Mapping[str, Operator] = {
    "ArgMax": _arg_max,
    "BatchNormalization": _batch_normalization,
    "Gemm": _gemm,
    "MatMul": _mat_mul,
    "ReduceMax": _reduction(np.max, 18),
    "ReduceMean": _reduction(np.mean, 18),
    "ReduceMin": _reduction(np.min, 18),
    "ReduceSum": _reduction(np.sum, 13),
    "Softmax": _softmax,
}
