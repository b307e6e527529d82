"""Convolutions as matrix products over strips of rows.

For each strip the values under the kernel are laid out as a matrix, which BLAS multiplies with the
kernel; strips small enough for the cache make the copy nearly free (64 channels, 3 × 3, one thread:
28 ms, the product alone 30 ms on one large matrix; as a sum of nine shifted products 33 ms). What
follows a convolution (a sum, a ReLU) is done on the strip while it is still in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from ...onnx_reader import OnnxNode
from ...protobuf import DamagedError
from .call import Array, NotKnownHereError, new_array
from .finish import Finish
from .strips import Strips

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Geometry:
    """How a kernel moves over an image; pairs are (row, column).

    Args:
        kernel: its sides.
        stride: from one result to the next.
        dilation: from one number of the kernel to the next.
        begin: where the first result's kernel starts; below zero where the image is padded.
        size: of the result.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    begin: tuple[int, int]
    size: tuple[int, int]

    @property
    def is_point(self) -> bool:
        """Whether each result reads the one pixel at its own place."""
        return self.kernel == self.stride == (1, 1) and self.begin == (0, 0)


class Convolution:
    """A ``Conv`` or ``ConvTranspose`` with a known kernel.

    Args:
        node: of the graph.
        kernel: ``(out, in / groups, row, col)``; of a ConvTranspose ``(in, out / groups, row, col)``.
        bias: one number a channel of the result, or None.
        finishes: what follows, in order.
        strips: what shares the work.
    """

    def __init__(
        self, node: OnnxNode, kernel: Floats, bias: Floats | None, finishes: Sequence[Finish], strips: Strips
    ) -> None:
        if kernel.ndim != 4 or 0 in kernel.shape:
            raise NotKnownHereError(f"{node.operator} (with a kernel of shape {kernel.shape})")
        self._node, self._strips, self._finishes = node, strips, tuple(finishes)
        self._groups = node.integer("group", 1)
        self._sides = (kernel.shape[2], kernel.shape[3])
        self._stride = pair_of(node, "strides")
        self._dilation = pair_of(node, "dilations")
        self._is_transposed = node.operator == "ConvTranspose"
        if self._groups < 1 or kernel.shape[0] % self._groups:
            raise DamagedError(f"its {node.operator} has {self._groups} groups")
        self._channels = kernel.shape[1] * self._groups  # of the input, once the kernel is turned
        if self._is_transposed:
            kernel = _turned(kernel, self._groups)
            self._channels = kernel.shape[1] * self._groups
        self._kernel = np.ascontiguousarray(kernel, np.float32)
        self._bias = None if bias is None else bias.astype(np.float32).reshape(-1, 1, 1)
        if self._bias is not None and len(self._bias) != len(kernel):
            raise DamagedError(f"its {node.operator} has a bias of another length than its kernel")

    def __call__(self, x: Array, extras: Sequence[Array]) -> Array:
        """The result for ``(N, channel, row, col)``; ``extras`` are what the finishes read."""
        if x.ndim != 4 or x.shape[1] != self._channels:
            raise DamagedError(
                f"its {self._node.operator} reads the shape {x.shape}, not {self._channels} channels"
            )
        x = x.astype(np.float32, copy=False)
        compute = self._transposed if self._is_transposed else self._plain
        return compute(x, extras)

    def _plain(self, x: Floats, extras: Sequence[Array]) -> Array:
        geometry = self._geometry((x.shape[2], x.shape[3]))
        out = new_array((len(x), len(self._kernel), *geometry.size))
        matrix = self._matrix(self._kernel)
        now, later = _split(self._finishes, extras, out.shape)
        for n, image in enumerate(x):
            fitting = [None if e is None else np.broadcast_to(e, out.shape)[n] for e in now]
            self._correlate(image, matrix, geometry, out[n], fitting)
        return _finished(out, self._finishes[len(now) :], later)

    def _transposed(self, x: Floats, extras: Sequence[Array]) -> Array:
        """Each of the stride's phases is a plain convolution of the image with part of the kernel."""
        begin, size = self._transposed_size((x.shape[2], x.shape[3]))
        out = new_array((len(x), len(self._kernel), *size))
        for top in range(min(self._stride[0], size[0])):
            for left in range(min(self._stride[1], size[1])):
                part = out[:, :, top :: self._stride[0], left :: self._stride[1]]
                rows, cols = (self._phase(axis, place, begin) for axis, place in ((0, top), (1, left)))
                if rows is None or cols is None:
                    part[...] = 0 if self._bias is None else self._bias
                    continue
                kernel = self._kernel[:, :, rows.taps][:, :, :, cols.taps]
                geometry = Geometry(
                    (len(rows.taps), len(cols.taps)),
                    (1, 1),
                    (rows.dilation, cols.dilation),
                    (rows.begin, cols.begin),
                    (part.shape[2], part.shape[3]),
                )
                self._write_phase(x, kernel, geometry, part)
        return _finished(out, self._finishes, extras)

    def _write_phase(self, x: Floats, kernel: Floats, geometry: Geometry, part: Array) -> None:
        matrix = self._matrix(kernel)
        for n, image in enumerate(x):
            whole = new_array((len(kernel), *geometry.size))
            self._correlate(image, matrix, geometry, whole, None)
            part[n] = whole

    def _correlate(
        self,
        image: Floats,
        matrix: Floats,
        geometry: Geometry,
        out: Array,
        extras: Sequence[Array | None] | None,
    ) -> None:
        """Fill ``out`` strip by strip, and do on each what can be done on strips."""
        width = geometry.size[1]
        groups, per_group, depth = matrix.shape
        flat = out.reshape(groups, per_group, -1)

        def work(row: int, rows: int) -> None:
            columns = _columns(image, geometry, row, rows).reshape(groups, depth, rows * width)
            target = flat[:, :, row * width : (row + rows) * width]
            if groups == 1:
                np.matmul(matrix[0], columns[0], out=target[0])
            else:
                np.matmul(matrix, columns, out=target)
            strip = out[:, row : row + rows]
            if self._bias is not None:
                np.add(strip, self._bias, out=strip)
            for finish, extra in zip(self._finishes, extras or ()):
                finish.apply(strip, None if extra is None else extra[:, row : row + rows], strip)

        self._strips.run(work, geometry.size[0], (depth * groups + len(out)) * width * 4)

    def _matrix(self, kernel: Floats) -> Floats:
        """(group, out / group, in × row × col)."""
        return np.ascontiguousarray(kernel).reshape(self._groups, len(kernel) // self._groups, -1)

    def _geometry(self, size: tuple[int, int]) -> Geometry:
        before, after = self._pads(size)
        made = []
        for n in range(2):
            reach = (self._sides[n] - 1) * self._dilation[n] + 1
            made.append((size[n] + before[n] + after[n] - reach) // self._stride[n] + 1)
        if min(made) < 1:
            raise DamagedError(f"its {self._node.operator} reads an image of only {size} pixels")
        begin = (-before[0], -before[1])
        return Geometry(self._sides, self._stride, self._dilation, begin, (made[0], made[1]))

    def _pads(self, size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        reach = [(k - 1) * d + 1 for k, d in zip(self._sides, self._dilation)]
        return window_pads(self._node, size, (reach[0], reach[1]), self._stride)

    def _transposed_size(self, size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """Pixels cut off at the begin, and the size of the result."""
        node = self._node
        if node.text("auto_pad", "NOTSET") not in ("NOTSET", "") or "output_shape" in node.attributes:
            raise NotKnownHereError("ConvTranspose (with auto_pad or output_shape)")
        pads = node.integers("pads", (0, 0, 0, 0)) or ()
        more = node.integers("output_padding", (0, 0)) or ()
        if len(pads) != 4 or len(more) != 2 or min(more) < 0:
            raise DamagedError("its ConvTranspose has pads of another number than four")
        made = [
            (size[n] - 1) * self._stride[n]
            + (self._sides[n] - 1) * self._dilation[n]
            + 1
            - pads[n]
            - pads[n + 2]
            + more[n]
            for n in range(2)
        ]
        if min(made) < 1:
            raise DamagedError(f"its ConvTranspose reads an image of only {size} pixels")
        return (pads[0], pads[1]), (made[0], made[1])

    def _phase(self, axis: int, place: int, begin: tuple[int, int]) -> _Phase | None:
        """The part of the kernel that meets the results at ``place``, ``place`` + stride, …"""
        stride, dilation = self._stride[axis], self._dilation[axis]
        origin = place + begin[axis]
        taps = [k for k in range(self._sides[axis]) if (origin - k * dilation) % stride == 0][::-1]
        if not taps:
            return None
        step = dilation // math.gcd(stride, dilation)
        return _Phase(taps, step, (origin - taps[0] * dilation) // stride)


@dataclass(frozen=True)
class _Phase:
    """Part of a kernel along one axis: which numbers of it, how far apart, and where they start."""

    taps: list[int]
    dilation: int
    begin: int


def _columns(image: Floats, geometry: Geometry, row: int, rows: int) -> Floats:
    """What lies under the kernel for some rows of the result, (channel, kernel, row, col)."""
    (high, wide), (down, right), (apart, aside) = geometry.kernel, geometry.stride, geometry.dilation
    width = geometry.size[1]
    if geometry.is_point and image.shape[1:] == geometry.size and image.flags.c_contiguous:
        return image.reshape(len(image), -1)[:, row * width : (row + rows) * width]
    top = geometry.begin[0] + row * down
    bottom = top + (rows - 1) * down + (high - 1) * apart + 1
    left = geometry.begin[1]
    under = window(image, top, bottom, left, left + (width - 1) * right + (wide - 1) * aside + 1)
    along_band, along_row, along_col = under.strides
    return np.ascontiguousarray(
        as_strided(
            under,
            (len(image), high, wide, rows, width),
            (along_band, along_row * apart, along_col * aside, along_row * down, along_col * right),
            writeable=False,
        )
    )


def window(image: Array, top: int, bottom: int, left: int, right: int, fill: float = 0) -> Array:
    """A rectangle of an image, ``fill`` where it lies beyond it."""
    _, height, width = image.shape
    if top >= 0 and left >= 0 and bottom <= height and right <= width:
        return image[:, top:bottom, left:right]
    rectangle = np.full((len(image), bottom - top, right - left), fill, image.dtype)
    inside = image[:, max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    row, col = max(-top, 0), max(-left, 0)
    rectangle[:, row : row + inside.shape[1], col : col + inside.shape[2]] = inside
    return rectangle


def window_pads(
    node: OnnxNode, size: tuple[int, int], reach: tuple[int, int], stride: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pixels of padding before and after, by the attributes ``pads`` and ``auto_pad``."""
    how = node.text("auto_pad", "NOTSET")
    if how in ("SAME_UPPER", "SAME_LOWER"):
        sums = [max(0, (-(-s // d) - 1) * d + r - s) for s, r, d in zip(size, reach, stride)]
        small, large = [s // 2 for s in sums], [s - s // 2 for s in sums]
        first, last = (small, large) if how == "SAME_UPPER" else (large, small)
        return (first[0], first[1]), (last[0], last[1])
    pads = (node.integers("pads") if how != "VALID" else None) or (0, 0, 0, 0)
    if len(pads) != 4 or max(map(abs, pads)) > 1 << 16:
        raise DamagedError(f"its {node.operator} has the pads {pads[:8]}")
    return (pads[0], pads[1]), (pads[2], pads[3])


def pair_of(node: OnnxNode, name: str) -> tuple[int, int]:
    """An attribute of two sides, rows before columns."""
    pair = node.integers(name, (1, 1)) or ()
    if len(pair) != 2 or not all(1 <= side <= 1 << 16 for side in pair):
        raise DamagedError(f"the attribute '{name}' of its {node.operator} is {pair[:8]}")
    return pair[0], pair[1]


def _turned(kernel: Floats, groups: int) -> Floats:
    """From (in, out / groups, …) to (out, in / groups, …)."""
    given, per_group, high, wide = kernel.shape
    split = kernel.reshape(groups, given // groups, per_group, high, wide).swapaxes(1, 2)
    return split.reshape(groups * per_group, given // groups, high, wide)


def _split(
    finishes: Sequence[Finish], extras: Sequence[Array], shape: tuple[int, ...]
) -> tuple[list[Array | None], list[Array]]:
    """What the finishes read that can be done on strips, and what is left for those behind them."""
    now: list[Array | None] = []
    left = list(extras)
    for finish in finishes:
        if finish.reads_other:
            if not _fits(left[0].shape, shape):
                break
            now.append(left.pop(0))
        else:
            now.append(None)
    return now, left


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, wanted) == wanted
    except ValueError:
        return False


def _finished(out: Array, finishes: Sequence[Finish], extras: Sequence[Array]) -> Array:
    left = list(extras)
    for finish in finishes:
        other = left.pop(0) if finish.reads_other else None
        fits = other is None or _fits(other.shape, out.shape)
        out = finish.apply(out, other, out if fits else None)
    return out
