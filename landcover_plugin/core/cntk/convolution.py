"""CNTK's convolutions, plain and transposed, as ONNX nodes."""

from __future__ import annotations

import math

from ..protobuf import DamagedError
from .emitting import Value, Writer, attribute
from .function_graph import Function


def convolution(writer: Writer, function: Function) -> Value:
    """A Conv or ConvTranspose node; no kernel is flipped."""
    kernel_uid, x_uid = writer.inputs(function, 2)
    kernel, x = writer.array(kernel_uid), writer.value(x_uid)
    if kernel.ndim != 4 or 0 in kernel.shape:
        raise DamagedError(f"its Convolution has a kernel of {kernel.ndim} dimensions")
    if not all(attribute(function, "sharing", list, [True])):
        raise DamagedError("its Convolution does not share its kernel over the image")
    if math.prod(attribute(function, "dilation", tuple, (1,))) != 1:
        raise DamagedError("its Convolution is dilated, which is not known here")
    kernel = kernel.swapaxes(2, 3)
    transposed = attribute(function, "transpose", bool, False)
    if kernel.shape[0 if transposed else 1] != x.shape[0]:
        raise DamagedError(f"its Convolution has a kernel for other than {x.shape[0]} channels")
    name = writer.initialiser(kernel_uid, kernel)
    plan = _transposed_plan if transposed else _plan
    return plan(writer, function, x, name, kernel.shape)


def _plan(writer: Writer, function: Function, x: Value, kernel: str, kernel_shape: tuple[int, ...]) -> Value:
    strides, padding = _strides(function), _padding(function, kernel_shape[2:])
    sizes = [
        (size + low + high - k) // stride + 1
        for size, k, stride, (low, high) in zip(x.shape[1:], kernel_shape[2:], strides, padding)
    ]
    if min(sizes) < 1:
        raise DamagedError("its Convolution has a kernel larger than the image")
    name = writer.emit(
        function,
        "Conv",
        [x.name, kernel],
        kernel_shape=kernel_shape[2:],
        strides=strides,
        pads=[*(low for low, _ in padding), *(high for _, high in padding)],
    )
    return Value(name, (kernel_shape[0], sizes[0], sizes[1]), x.reduction * max(strides))


def _transposed_plan(
    writer: Writer, function: Function, x: Value, kernel: str, kernel_shape: tuple[int, ...]
) -> Value:
    strides, padding = _strides(function), _padding(function, kernel_shape[2:])
    least = [
        (size - 1) * stride + k - low - high
        for size, k, stride, (low, high) in zip(x.shape[1:], kernel_shape[2:], strides, padding)
    ]
    wanted = attribute(function, "outputShape", tuple, ())[:2]
    sizes = list(wanted) if len(wanted) == 2 and all(wanted) else least
    extra = [size - smallest for size, smallest in zip(sizes, least)]
    if any(not 0 <= more < stride for more, stride in zip(extra, strides)) or min(sizes) < 1:
        raise DamagedError(f"its transposed Convolution cannot give the output {tuple(wanted)}")
    name = writer.emit(
        function,
        "ConvTranspose",
        [x.name, kernel],
        kernel_shape=kernel_shape[2:],
        strides=strides,
        pads=[*(low for low, _ in padding), *(high for _, high in padding)],
        output_padding=extra,
    )
    return Value(name, (kernel_shape[1], sizes[0], sizes[1]), max(1, x.reduction // max(strides)))


def _strides(function: Function) -> list[int]:
    """Along rows and columns; what is given for the channels means nothing."""
    strides = attribute(function, "strides", tuple, (1,))
    strides = strides * 2 if len(strides) == 1 else strides[:2]
    if len(strides) != 2 or strides[0] != strides[1] or strides[0] not in (1, 2):
        raise DamagedError(f"its Convolution has the strides {strides}, not 1 or 2")
    return list(strides)


def _padding(function: Function, kernel: tuple[int, ...]) -> list[tuple[int, int]]:
    """Zeros before and after each side of the image.

    Automatic padding of an odd kernel is the same at both ends, also at stride 2: CNTK centres the
    first kernel on the first pixel.
    """
    automatic = attribute(function, "autoPadding", list, [True])
    automatic = automatic * 2 if len(automatic) == 1 else automatic[:2]
    lower, upper = (attribute(function, key, tuple, (0,)) for key in ("lowerPad", "upperPad"))
    found = []
    for axis, k in enumerate(kernel):
        if len(automatic) == 2 and automatic[axis] is True:
            if k % 2 == 0:
                raise DamagedError(f"its Convolution pads a kernel of even size {k}, which is not known here")
            found.append((k // 2, k // 2))
        else:
            low, high = (pad[axis] if axis < len(pad) else 0 for pad in (lower, upper))
            if max(low, high) > k:
                raise DamagedError(f"its Convolution is padded by more than its kernel of {k}")
            found.append((low, high))
    return found
