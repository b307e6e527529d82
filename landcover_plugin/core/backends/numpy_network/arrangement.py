"""Operators that move numbers about without changing them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...protobuf import DamagedError
from .call import Array, Call, NotKnownHereError, Operator, check_size, new_array, whole_axis


def _identity(call: Call) -> Array:
    return call.array(0)


def _constant(call: Call) -> Array:
    attributes = call.node.attributes
    value = attributes.get("value")
    if isinstance(value, np.ndarray):
        return value
    if "value_int" in attributes:
        return np.array(call.node.integer("value_int", 0), np.int64)
    if "value_float" in attributes:
        return np.array(call.node.real("value_float", 0), np.float32)
    if "value_ints" in attributes:
        return np.array(call.node.integers("value_ints"), np.int64)
    if isinstance(attributes.get("value_floats"), tuple):
        return np.array(attributes["value_floats"], np.float32)
    raise NotKnownHereError("Constant (of an unknown kind)")


def _constant_of_shape(call: Call) -> Array:
    value = call.node.attributes.get("value")
    one = value if isinstance(value, np.ndarray) and value.size == 1 else np.zeros(1, np.float32)
    full = new_array([int(v) for v in call.array(0).reshape(-1)], one.dtype)
    full.fill(one.reshape(-1)[0])
    return full


def _shape(call: Call) -> Array:
    sides = call.array(0).shape
    end = call.node.integer("end", len(sides))
    return np.array(sides[call.node.integer("start", 0) : end], np.int64)


def _slice(call: Call) -> Array:
    x = call.array(0)
    if call.opset < 10:
        starts, ends = call.node.integers("starts"), call.node.integers("ends")
        axes, steps = call.node.integers("axes"), None
    else:
        starts, ends, axes, steps = (call.numbers(n, "") for n in range(1, 5))
    if starts is None or ends is None or len(starts) != len(ends):
        raise DamagedError("its Slice does not say from where to where")
    axes = tuple(range(len(starts))) if axes is None else axes
    steps = (1,) * len(starts) if steps is None else steps
    if len(axes) != len(starts) or len(steps) != len(starts) or 0 in steps:
        raise DamagedError("its Slice has bounds, axes and steps that do not match")
    cut = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps):
        n = whole_axis(axis, x.ndim)
        cut[n] = _cut(start, end, step, x.shape[n])
    return x[tuple(cut)]


def _cut(start: int, end: int, step: int, side: int) -> slice:
    """Bounds as ONNX means them: unlike Python's, a first place before the axis is its first place."""
    start, end = (place + side if place < 0 else place for place in (start, end))
    if step > 0:
        return slice(max(start, 0), max(end, 0), step)
    end = max(end, -1)
    return slice(min(max(start, 0), side), None if end < 0 else end, step)


def _concat(call: Call) -> Array:
    parts = [call.array(n) for n in range(max(1, len(call.inputs)))]
    axis = call.axis(parts[0].ndim, 0)
    return np.concatenate(parts, axis)


def _split(call: Call) -> tuple[Array, ...]:
    x, count = call.array(0), len(call.node.outputs)
    axis = call.axis(x.ndim, 0)
    sizes = call.numbers(1, "split")
    if sizes is None:
        size = -(-x.shape[axis] // count)
        sizes = tuple(min(size, x.shape[axis] - n * size) for n in range(count))
    if len(sizes) != count or sum(sizes) != x.shape[axis] or min(sizes) < 0:
        raise DamagedError(f"its Split cuts {x.shape[axis]} into {sizes[:8]}")
    return tuple(np.split(x, np.cumsum(sizes)[:-1].tolist(), axis))


def _reshape(call: Call) -> Array:
    x, wanted = call.array(0), call.numbers(1, "shape") or ()
    keeps_zero = not call.node.integer("allowzero", 0)
    if any(side == 0 and keeps_zero and n >= x.ndim for n, side in enumerate(wanted)):
        raise DamagedError(f"its Reshape turns {x.shape} into {wanted[:8]}")
    return _reshaped(
        x, tuple(x.shape[n] if side == 0 and keeps_zero else side for n, side in enumerate(wanted))
    )


def _reshaped(x: Array, shape: tuple[int, ...]) -> Array:
    try:
        return x.reshape(shape)
    except ValueError as e:
        raise DamagedError(f"its Reshape turns {x.shape} into {shape[:8]}") from e


def _flatten(call: Call) -> Array:
    x = call.array(0)
    axis = call.node.integer("axis", 1)
    axis = axis if axis == x.ndim else whole_axis(axis, x.ndim)
    return _reshaped(x, (int(np.prod(x.shape[:axis])), int(np.prod(x.shape[axis:]))))


def _squeeze(call: Call) -> Array:
    x, axes = call.array(0), call.numbers(1, "axes")
    dropped = {n for n, side in enumerate(x.shape) if side == 1}
    dropped = dropped if axes is None else {whole_axis(a, x.ndim) for a in axes}
    return _reshaped(x, tuple(side for n, side in enumerate(x.shape) if n not in dropped))


def _unsqueeze(call: Call) -> Array:
    x, axes = call.array(0), call.numbers(1, "axes") or ()
    rank = x.ndim + len(axes)
    added = {whole_axis(a, rank) for a in axes}
    sides = iter(x.shape)
    return _reshaped(x, tuple(1 if n in added else next(sides, -2) for n in range(rank)))


def _transpose(call: Call) -> Array:
    x = call.array(0)
    order = call.node.integers("perm")
    if order is not None and sorted(order) != list(range(x.ndim)):
        raise DamagedError(f"its Transpose orders the axes {order[:8]}")
    return x.transpose(order)


def _expand(call: Call) -> Array:
    x, shape = call.array(0), call.numbers(1, "") or ()
    try:
        sides = np.broadcast_shapes(x.shape, shape)
        check_size(sides, x.dtype.itemsize)
        return np.broadcast_to(x, sides)
    except ValueError as e:
        raise DamagedError(f"its Expand turns {x.shape} into {shape[:8]}") from e


def _gather(call: Call) -> Array:
    x, places = call.array(0), call.array(1)
    axis = call.axis(x.ndim, 0)
    size = x.shape[axis] if x.ndim else 0
    if places.size and not -size <= int(places.min()) <= int(places.max()) < size:
        raise DamagedError(f"its Gather reads beyond an axis of {size}")
    check_size((*x.shape[:axis], *places.shape, *x.shape[axis + 1 :]), x.dtype.itemsize)
    return np.asarray(np.take(x, places, axis))


def _depth_to_space(call: Call) -> Array:
    x, block = call.array(0), call.node.integer("blocksize", 1)
    if x.ndim != 4 or block < 1 or x.shape[1] % block**2:
        raise DamagedError(f"its DepthToSpace spreads {x.shape} over blocks of {block}")
    n, channels, height, width = x.shape
    left = channels // block**2
    if call.node.text("mode", "DCR") == "CRD":
        y = x.reshape(n, left, block, block, height, width).transpose(0, 1, 4, 2, 5, 3)
    else:
        y = x.reshape(n, block, block, left, height, width).transpose(0, 3, 4, 1, 5, 2)
    return y.reshape(n, left, height * block, width * block)


def _space_to_depth(call: Call) -> Array:
    x, block = call.array(0), call.node.integer("blocksize", 1)
    if x.ndim != 4 or block < 1 or x.shape[2] % block or x.shape[3] % block:
        raise DamagedError(f"its SpaceToDepth gathers {x.shape} in blocks of {block}")
    n, channels, height, width = x.shape
    y = x.reshape(n, channels, height // block, block, width // block, block).transpose(0, 3, 5, 1, 2, 4)
    return y.reshape(n, channels * block**2, height // block, width // block)


_PAD_MODES = {"constant": "constant", "edge": "edge", "reflect": "reflect"}


def _pad(call: Call) -> Array:
    x = call.array(0)
    mode = call.node.text("mode", "constant")
    pads = call.numbers(1, "pads") or ()
    axes = call.numbers(3, "") or tuple(range(x.ndim))
    if mode not in _PAD_MODES or len(pads) != 2 * len(axes):
        raise NotKnownHereError(f"Pad (mode '{mode[:20]}')")
    widths = [(0, 0)] * x.ndim
    for n, axis in enumerate(axes):
        widths[whole_axis(axis, x.ndim)] = (pads[n], pads[n + len(axes)])
    cut = tuple(slice(max(0, -a), side - max(0, -b)) for (a, b), side in zip(widths, x.shape))
    x, grown = x[cut], [(max(0, a), max(0, b)) for a, b in widths]
    check_size([side + a + b for side, (a, b) in zip(x.shape, grown)], x.dtype.itemsize)
    if mode != "constant":
        return np.pad(x, grown, mode=mode)  # type: ignore[call-overload, no-any-return]
    value = call.optional(2)
    fill = call.node.real("value", 0) if value is None else value.reshape(-1)[0]
    return np.pad(x, grown, mode="constant", constant_values=fill)


def _cast_like_type(call: Call) -> Array:
    return call.array(0).astype(call.array(1).dtype, copy=False)


ARRANGEMENT: Mapping[str, Operator] = {
    "CastLike": _cast_like_type,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "DepthToSpace": _depth_to_space,
    "Dropout": _identity,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Identity": _identity,
    "Pad": _pad,
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
