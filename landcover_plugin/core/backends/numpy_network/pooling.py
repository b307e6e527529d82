"""Pooling: the largest or the mean value under a window, or of the whole image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...protobuf import DamagedError
from .call import Array, Call, NotKnownHereError, Operator, new_array
from .convolution import pair_of, window, window_pads


def _pool(call: Call, is_mean: bool) -> Array:
    x, node = call.array(0), call.node
    sides = node.integers("kernel_shape") or ()
    if x.ndim != 4 or len(sides) != 2 or not all(1 <= s <= 1 << 12 for s in sides) or len(node.outputs) > 1:
        raise NotKnownHereError(
            f"{node.operator} (with a kernel {sides[:8]} and {len(node.outputs)} results)"
        )
    if node.integer("ceil_mode", 0):
        raise NotKnownHereError(f"{node.operator} (with ceil_mode)")
    stride, dilation = pair_of(node, "strides"), pair_of(node, "dilations")
    reach = ((sides[0] - 1) * dilation[0] + 1, (sides[1] - 1) * dilation[1] + 1)
    size = (x.shape[2], x.shape[3])
    before, after = window_pads(node, size, reach, stride)
    made = [(size[n] + before[n] + after[n] - reach[n]) // stride[n] + 1 for n in range(2)]
    if min(made) < 1 or min(*before, *after) < 0:
        raise DamagedError(f"its {node.operator} reads an image of only {size} pixels")
    spots = [(r * dilation[0], c * dilation[1]) for r in range(sides[0]) for c in range(sides[1])]
    fill = 0 if is_mean else _lowest(x.dtype)
    y = new_array((*x.shape[:2], *made), x.dtype)
    for n, image in enumerate(x):
        padded = window(image, -before[0], size[0] + after[0], -before[1], size[1] + after[1], fill)
        _reduce(padded, spots, stride, y[n], is_mean)
    if is_mean:
        y /= _counts(size, before, after, spots, stride, y, bool(node.integer("count_include_pad", 0)))
    return y


def _lowest(dtype: np.dtype[Any]) -> float:
    """The smallest number of a type, which no maximum is below."""
    return float(np.finfo(dtype).min) if dtype.kind == "f" else int(np.iinfo(dtype).min)


def _reduce(
    padded: Array, spots: list[tuple[int, int]], stride: tuple[int, int], out: Array, is_mean: bool
) -> None:
    """Sum or maximum of what lies under each spot of the window."""
    _, rows, cols = out.shape
    for n, (row, col) in enumerate(spots):
        under = padded[:, row :: stride[0], col :: stride[1]][:, :rows, :cols]
        if n == 0:
            out[...] = under
        else:
            (np.add if is_mean else np.maximum)(out, under, out=out)


def _counts(
    size: tuple[int, int],
    before: tuple[int, int],
    after: tuple[int, int],
    spots: list[tuple[int, int]],
    stride: tuple[int, int],
    like: Array,
    pad_counts: bool,
) -> Array:
    """Numbers that each mean is of."""
    if pad_counts:
        return np.full((1, 1), len(spots), like.dtype)
    ones = np.ones((1, *size), like.dtype)
    padded = window(ones, -before[0], size[0] + after[0], -before[1], size[1] + after[1])
    counts = new_array((1, *like.shape[2:]), like.dtype)
    _reduce(padded, spots, stride, counts, True)
    return counts


def _global(call: Call) -> Array:
    x = call.array(0)
    if x.ndim < 3 or 0 in x.shape:
        raise DamagedError(f"its {call.node.operator} reads the shape {x.shape}")
    axes = tuple(range(2, x.ndim))
    result = x.mean(axes, keepdims=True) if "Average" in call.node.operator else x.max(axes, keepdims=True)
    return np.asarray(result, x.dtype)


POOLING: Mapping[str, Operator] = {
    "AveragePool": lambda call: _pool(call, True),
    "GlobalAveragePool": _global,
    "GlobalMaxPool": _global,
    "MaxPool": lambda call: _pool(call, False),
}
