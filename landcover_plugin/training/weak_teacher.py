"""A weak teacher: spectral and texture rules learned from points, with the 2018 model's opinion.

The 2018 model is at home in the north-eastern woods and farms and goes wrong elsewhere; points are
right but few. Extremely randomised trees over hand-made features of a pixel and its surroundings,
the 2018 probabilities among them, are fitted to the points of the training places and then say
something about every pixel, softly. A network that learns from that and from the points is better
than its teacher, because it sees shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

from .chips import SOFT_STEP

Floats = npt.NDArray[np.float32]
MARGIN = 64


def probabilities_2018(model: Path, images: npt.NDArray[np.uint8]) -> Iterator[npt.NDArray[np.uint8]]:
    """The 2018 model's ``(5, 256, 256)`` 8-bit probabilities (0 to 254) of each chip, edges mirrored.

    Args:
        model: folder of the imported 2018 model.
        images: ``(N, 4, 256, 256)`` uint8.
    """
    import onnxruntime

    from ..core.model import read_model

    spec = read_model(model)
    session = onnxruntime.InferenceSession(str(spec.path), providers=["CPUExecutionProvider"])
    for image in images:
        padded = np.pad(image, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)), "reflect")
        yield session.run(["probabilities8"], {session.get_inputs()[0].name: padded[None]})[0][0]


def features(image: npt.NDArray[np.uint8], opinion: npt.NDArray[np.uint8]) -> Floats:
    """``(72, H, W)`` features of every pixel, from imagery and the 2018 probabilities."""
    red, green, blue, infrared = bands = image.astype(np.float32)
    bright = bands[:3].mean(0)
    total = red + green + blue + 1
    ndvi = 100 * (infrared - red) / (infrared + red + 1)
    ndwi = 100 * (green - infrared) / (green + infrared + 1)
    warm, greenish = 100 * (red - blue) / total, 100 * (2 * green - red - blue) / total
    maps = [*bands, bright, ndvi, ndwi, warm, greenish]
    for spread in (1, 2.5, 6, 14):
        maps += [gaussian_filter(m, spread) for m in (bright, infrared, ndvi, warm, greenish, ndwi)]
    for spread in (1.2, 3, 8, 16):
        maps += [_local_spread(m, spread) for m in (bright, ndvi, infrared)]
    maps += _edges(bright)
    maps += [maximum_filter(bright, 9) - bright, bright - minimum_filter(bright, 9)]
    for share in opinion[1:].astype(np.float32) / 254:
        maps += [share, gaussian_filter(share, 4), gaussian_filter(share, 16)]
    for m in (bright, infrared, ndvi):
        maps += [np.full_like(m, m.mean()), np.full_like(m, m.std())]
    maps += [bright - bright.mean(), infrared - infrared.mean()]
    return np.stack(maps).astype(np.float32)


def _local_spread(values: Floats, spread: float) -> Floats:
    mean = gaussian_filter(values, spread)
    return np.sqrt(np.maximum(gaussian_filter(values * values, spread) - mean * mean, 0))


def _edges(bright: Floats) -> list[Floats]:
    """How much edge there is around a pixel, and how much of it runs one way (roofs, roads)."""
    down, across = np.gradient(bright)
    strength = np.hypot(across, down)
    maps = [gaussian_filter(strength, spread) for spread in (1, 4, 12)]
    for spread in (3, 8):
        a, b = gaussian_filter(across * across, spread), gaussian_filter(down * down, spread)
        c = gaussian_filter(across * down, spread)
        maps.append(np.sqrt((a - b) ** 2 + 4 * c * c) / (a + b + 1))
    return maps


def at_square(maps: Floats, row: int, col: int) -> Floats:
    """Median of each feature over the 3 × 3 pixels around a pixel."""
    square = maps[:, max(row - 1, 0) : row + 2, max(col - 1, 0) : col + 2]
    return np.median(square.reshape(len(maps), -1), axis=1)


def fitted_trees(samples: Floats, classes: npt.NDArray[np.integer], seed: int = 0) -> Any:
    """Extremely randomised trees over ``(n, feature)`` samples, classes weighted to be equal."""
    from sklearn.ensemble import ExtraTreesClassifier

    trees = ExtraTreesClassifier(300, max_features=0.3, class_weight="balanced", n_jobs=1, random_state=seed)
    return trees.fit(samples, classes)


def soft_labels(trees: Any, maps: Floats, sharpness: float = 1.5) -> npt.NDArray[np.uint8]:
    """``(class, H/2, W/2)`` soft labels (0 to 254) of a chip from its features.

    Trees are underconfident: their shares are raised to ``sharpness`` and made to sum to 1 again.
    """
    count, height, width = maps.shape
    cells = maps.reshape(count, height // SOFT_STEP, SOFT_STEP, width // SOFT_STEP, SOFT_STEP).mean((2, 4))
    shares = trees.predict_proba(cells.reshape(count, -1).T) ** sharpness
    shares /= shares.sum(1, keepdims=True)
    return np.rint(254 * shares.T).astype(np.uint8).reshape(-1, *cells.shape[1:])


def in_threads(work: Callable[[int], Any], count: int, threads: int = 2) -> Iterator[Any]:
    """``work(i)`` for each i, in order; scipy and scikit-learn let go of the interpreter lock."""
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(work, range(count))
