"""Noise, curves and outlines in numpy alone, for the generated landscape.

Lengths are metres, x to the right and y down from the top left corner; arrays are (row, col).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Union

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Points = Union[Sequence[tuple[float, float]], npt.NDArray[np.float64]]


def smooth_noise(
    rng: np.random.Generator, size: int, wavelength: float, octaves: int = 1, seam: float = 0.5
) -> Floats:
    """(size, size) noise of mean 0 and standard deviation 1, near enough.

    Args:
        rng: where the randomness comes from.
        size: rows and columns, in pixels.
        wavelength: of the coarsest octave, in pixels.
        octaves: how many, each of half the wavelength of the one before.
        seam: strength of an octave against the one before.
    """
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        step = max(1.0, wavelength / 2**octave)
        total += np.float32(seam**octave) * _one_octave(rng, size, step)
    return total * np.float32(1 / np.sqrt(sum(seam ** (2 * octave) for octave in range(octaves))))


def _one_octave(rng: np.random.Generator, size: int, step: float) -> Floats:
    count = int(size / step) + 3
    nodes = rng.standard_normal((count, count)).astype(np.float32)
    # Few nodes may happen to lie all on one side; between nodes their mean varies less than they do.
    nodes = (nodes - nodes.mean()) * np.float32(1.35 / nodes.std())
    # A random start, so that the nodes of two octaves do not lie on each other.
    at = np.arange(size, dtype=np.float32) / np.float32(step) + np.float32(rng.random())
    low = at.astype(np.int64)
    part = at - low
    part = part * part * (3 - 2 * part)
    rows = nodes[low] + (nodes[low + 1] - nodes[low]) * part[:, None]
    left: Floats = np.take(rows, low, axis=1)
    slope: Floats = np.take(np.diff(rows, axis=1), low, axis=1)
    slope *= part
    slope += left
    return slope


def box_blur(values: Floats, times: int = 1) -> Floats:
    """The 1-2-1 filter in both directions, ``times`` times; edges repeat."""
    for _ in range(times):
        for axis in (0, 1):
            padded = np.pad(values, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
            turned = padded if axis == 0 else padded.T
            mixed = (turned[:-2] + 2 * turned[1:-1] + turned[2:]) * np.float32(0.25)
            values = mixed if axis == 0 else mixed.T
    return values


def curve(points: Points, step: float = 6.0) -> npt.NDArray[np.float64]:
    """(n, 2) points every ``step`` metres or so on a smooth line through ``points`` (Catmull-Rom)."""
    p = np.asarray(points, np.float64)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    pieces = []
    for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:]):
        count = max(2, int(np.hypot(*(c - b)) / step))
        t = np.linspace(0, 1, count, endpoint=False)[:, None]
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
                             + (3 * b - a - 3 * c + d) * t**3))  # fmt: skip
    return np.vstack([*pieces, p[-2:-1]])


class Canvas:
    """A square of ground, ``size`` metres wide, drawn at ``scale`` pixels a metre."""

    def __init__(self, size: int, scale: int) -> None:
        self.size = size
        self.scale = scale
        self.pixels = size * scale
        centres = (np.arange(self.pixels, dtype=np.float32) + np.float32(0.5)) / np.float32(scale)
        self.x: Floats = centres[None, :]
        self.y: Floats = centres[:, None]

    def window(self, x: float, y: float, reach: float) -> tuple[slice, slice] | None:
        """Rows and columns within ``reach`` metres of a point; None where none are on the canvas."""
        low_c, high_c = (int((x + d) * self.scale) for d in (-reach, reach))
        low_r, high_r = (int((y + d) * self.scale) for d in (-reach, reach))
        rows = slice(max(0, low_r), min(self.pixels, high_r + 1))
        cols = slice(max(0, low_c), min(self.pixels, high_c + 1))
        return (rows, cols) if rows.start < rows.stop and cols.start < cols.stop else None

    def distance_to(self, line: npt.NDArray[np.float64], reach: float) -> Floats:
        """Distance to a line in metres, where it is below ``reach``; infinite elsewhere."""
        found = np.full((self.pixels, self.pixels), np.inf, np.float32)
        for (x0, y0), (x1, y1) in zip(line[:-1], line[1:]):
            dx, dy = x1 - x0, y1 - y0
            length = max(float(np.hypot(dx, dy)), 1e-6)
            at = self.window((x0 + x1) / 2, (y0 + y1) / 2, length / 2 + reach)
            if at is None:
                continue
            x, y = self.x[:, at[1]] - np.float32(x0), self.y[at[0]] - np.float32(y0)
            t = np.clip((x * dx + y * dy) / length**2, 0, 1).astype(np.float32)
            near = np.hypot(x - t * np.float32(dx), y - t * np.float32(dy)).astype(np.float32)
            np.minimum(found[at], near, out=found[at])
        found[found > reach] = np.inf
        return found

    def box(
        self, x: float, y: float, length: float, width: float, angle: float
    ) -> tuple[tuple[slice, slice], Mask, Floats] | None:
        """A turned rectangle: its window, its mask there, and how far across it (-1 to 1)."""
        at = self.window(x, y, float(np.hypot(length, width)) / 2 + 1)
        if at is None:
            return None
        dx, dy = self.x[:, at[1]] - np.float32(x), self.y[at[0]] - np.float32(y)
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        along, across = dx * cos + dy * sin, dy * cos - dx * sin
        inside = (np.abs(along) <= length / 2) & (np.abs(across) <= width / 2)
        return at, inside, across / np.float32(width / 2)
