"""A picture of image, truth and prediction side by side, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.legend import Legend
from .chips import UNLABELLED

GAP = 6


def write_sheet(
    path: Path,
    images: npt.NDArray[np.uint8],
    truth: npt.NDArray[np.uint8] | None,
    predicted: npt.NDArray[np.uint8],
    legend: Legend,
    columns: int = 3,
) -> None:
    """Write a PNG in which every chip is shown as image, truth (where known) and prediction.

    Args:
        path: of the PNG.
        images: ``(N, band, H, W)``, red, green, blue first.
        truth: ``(N, H, W)`` class channels, 255 unknown (white), or None.
        predicted: ``(N, H, W)`` class channels.
        legend: colours of the channels.
        columns: chips beside each other.
    """
    from matplotlib.image import imsave

    colours = legend_colours(legend)
    rows = []
    for image, classes, labels in zip(
        images, predicted, truth if truth is not None else [None] * len(images)
    ):
        parts = [np.moveaxis(image[:3], 0, 2)]
        if labels is not None:
            parts.append(colours[labels])
        parts.append(colours[classes])
        rows.append(_beside(parts, 2))
    while len(rows) % columns:
        rows.append(np.full_like(rows[0], 255))
    lines = [_beside(rows[i : i + columns], GAP) for i in range(0, len(rows), columns)]
    imsave(str(path), np.concatenate([_framed(line) for line in lines]))


def legend_colours(legend: Legend) -> npt.NDArray[np.uint8]:
    """``(256, 3)`` colour of each class channel, white where nothing is known."""
    colours = np.full((256, 3), 255, np.uint8)
    for channel, land_class in enumerate(legend):
        colours[channel] = land_class.rgb
    colours[UNLABELLED] = 255
    return colours


def _beside(parts: Sequence[npt.NDArray[np.uint8]], gap: int) -> npt.NDArray[np.uint8]:
    white = np.full((parts[0].shape[0], gap, 3), 255, np.uint8)
    pieces = [piece for part in parts for piece in (part, white)]
    return np.concatenate(pieces[:-1], 1)


def _framed(line: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.concatenate([line, np.full((GAP, line.shape[1], 3), 255, np.uint8)])
