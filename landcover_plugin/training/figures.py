"""Figures of a map against the truth: confusion, accuracies, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Interval:
    """A share and its 95 % interval (Wilson's), both 0 to 1; NaN where nothing was counted."""

    value: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        if not self.count:
            return "not measured"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}, n = {self.count})"


def share(right: float, count: float) -> Interval:
    """The share ``right / count`` with Wilson's 95 % score interval."""
    if count <= 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    z, p = 1.959964, right / count
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    reach = z / (1 + z * z / count) * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    return Interval(p, max(0.0, middle - reach), min(1.0, middle + reach), int(count))


@dataclass(frozen=True)
class ClassFigures:
    """How well one class is mapped."""

    name: str
    precision: Interval
    recall: Interval
    f1: float
    iou: float


def confusion_matrix(
    truth: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer], classes: int
) -> npt.NDArray[np.int64]:
    """``(class, class)`` counts, rows truth, columns prediction; values beyond the classes are left out."""
    truth, predicted = np.asarray(truth).ravel(), np.asarray(predicted).ravel()
    known = (truth < classes) & (predicted < classes)
    flat = truth[known].astype(np.int64) * classes + predicted[known]
    return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)


def overall_accuracy(matrix: npt.NDArray[np.int64]) -> Interval:
    """Share of what was judged that is right."""
    return share(float(np.trace(matrix)), float(matrix.sum()))


def class_figures(matrix: npt.NDArray[np.int64], names: Sequence[str]) -> list[ClassFigures]:
    """Precision, recall, F1 and intersection over union of each class."""
    figures = []
    for k, name in enumerate(names):
        right, said, true = float(matrix[k, k]), float(matrix[:, k].sum()), float(matrix[k].sum())
        union = said + true - right
        f1 = 2 * right / (said + true) if said + true else math.nan
        iou = right / union if union else math.nan
        figures.append(ClassFigures(name, share(right, said), share(right, true), f1, iou))
    return figures


def merged(matrix: npt.NDArray[np.int64], into: Sequence[int]) -> npt.NDArray[np.int64]:
    """The matrix with classes put together: class k becomes class ``into[k]``."""
    size = max(into) + 1
    result = np.zeros((size, size), np.int64)
    for i, a in enumerate(into):
        for j, b in enumerate(into):
            result[a, b] += matrix[i, j]
    return result


def mean_recall(matrix: npt.NDArray[np.int64], classes: Sequence[int]) -> float:
    """Mean over the classes of the share that was found; classes that do not occur are left out."""
    found = [matrix[k, k] / matrix[k].sum() for k in classes if matrix[k].sum()]
    return float(np.mean(found)) if found else math.nan


def area_weighted_accuracy(
    right: npt.NDArray[np.bool_], stratum: npt.NDArray[np.integer], shares: Mapping[int, float]
) -> Interval:
    """Overall accuracy where each stratum counts by its share of the area, not by its points.

    The interval is the normal one of stratified sampling (Cochran 1977, 5.3), from the spread
    within each stratum.
    """
    total = value = variance = 0.0
    for key, area in shares.items():
        inside = right[stratum == key]
        if not len(inside):
            continue
        p = float(inside.mean())
        total += area
        value += area * p
        variance += area**2 * p * (1 - p) / max(1, len(inside) - 1)
    if total == 0:
        return share(0, 0)
    value, reach = value / total, 1.96 * math.sqrt(variance) / total
    return Interval(value, max(0.0, value - reach), min(1.0, value + reach), len(right))
