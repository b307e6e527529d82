"""What a tile looks like in each output of a live layer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..core.legend import NODATA, Legend
from ..core.map_raster import confidence_of
from .outputs import BLEND, CLASSES, CONFIDENCE, PROBABILITIES

_NEEDS = {CLASSES: (CLASSES,), BLEND: (CLASSES, PROBABILITIES), CONFIDENCE: (CLASSES, PROBABILITIES)}

Bytes = npt.NDArray[np.uint8]


def arrays_for(output: str) -> tuple[str, ...]:
    """The arrays of a tile that an output is made of."""
    return _NEEDS[output]


def look(output: str, arrays: dict[str, Bytes], legend: Legend) -> Bytes:
    """A tile as one output shows it.

    Args:
        output: ``classes``, ``blend`` or ``confidence``.
        arrays: those of :func:`arrays_for`.
        legend: of the model.

    Returns:
        ``(row, col)`` uint8, NoData 255; of ``blend`` ``(row, col, 4)`` blue, green, red, alpha.
    """
    classes = arrays[CLASSES]
    if output == CLASSES:
        return classes
    if output == CONFIDENCE:
        return np.where(classes == NODATA, np.uint8(NODATA), confidence_of(arrays[PROBABILITIES]))
    return _blend(classes, arrays[PROBABILITIES], legend)


def _blend(classes: Bytes, probabilities: Bytes, legend: Legend) -> Bytes:
    """Class colours weighted by probability."""
    colours = np.array([c.rgb[::-1] for c in legend], np.float32)
    weights = probabilities.reshape(len(legend), -1).astype(np.float32)
    mixed = weights.T @ colours
    mixed /= np.maximum(weights.sum(axis=0), 1)[:, None]
    out = np.zeros((*classes.shape, 4), np.uint8)
    out[..., :3] = (mixed + 0.5).reshape(*classes.shape, 3)
    out[..., 3] = np.where(classes == NODATA, 0, 255)
    out[..., :3] *= (out[..., 3:] > 0).astype(np.uint8)
    return out


def flat_look(output: str, classes: Bytes, legend: Legend) -> Bytes:
    """What stands for a tile seen from afar, where only its commonest classes are known."""
    if output == CLASSES:
        return classes
    if output == CONFIDENCE:
        return np.full(classes.shape, NODATA, np.uint8)
    table = legend.colour_table()[:, [2, 1, 0, 3]]
    shown: Bytes = table[classes]
    return shown


def commonest(classes: Bytes, factor: int) -> Bytes:
    """The mode of each ``factor`` × ``factor`` block, NoData only where it is all of the block.

    Args:
        classes: ``(row, col)``, sides multiples of ``factor``.
        factor: side of a block.
    """
    rows, cols = classes.shape[0] // factor, classes.shape[1] // factor
    blocks = classes[: rows * factor, : cols * factor].reshape(rows, factor, cols, factor)
    best = np.zeros((rows, cols), np.int64)
    out = np.full((rows, cols), NODATA, np.uint8)
    for value in np.unique(classes):
        if value == NODATA:
            continue
        count = (blocks == value).sum(axis=(1, 3))
        out[count > best] = value
        best = np.maximum(best, count)
    return out
