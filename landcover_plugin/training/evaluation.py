"""Measuring a network: against points, against label rasters, and as text for people."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .figures import (
    Interval,
    area_weighted_accuracy,
    class_figures,
    confusion_matrix,
    mean_recall,
    merged,
    overall_accuracy,
    share,
)


@dataclass(frozen=True)
class Measured:
    """What was found on one set of truth.

    Args:
        title: of the set.
        names: of the classes.
        matrix: ``(class, class)`` counts, rows truth, columns prediction.
        weighted: overall accuracy by area, where strata are known.
    """

    title: str
    names: tuple[str, ...]
    matrix: npt.NDArray[np.int64]
    weighted: Interval | None = None

    @property
    def overall(self) -> Interval:
        """Share of what was judged that is right."""
        return overall_accuracy(self.matrix)

    def merged(self, into: Sequence[int], names: Sequence[str]) -> Measured:
        """The same with classes put together."""
        return Measured(f"{self.title}, merged", tuple(names), merged(self.matrix, into))

    def mean_recall(self, classes: Sequence[int]) -> float:
        """Mean recall of some classes."""
        return mean_recall(self.matrix, classes)

    def recall(self, class_index: int) -> Interval:
        """Share of a class' truth that was found."""
        return share(float(self.matrix[class_index, class_index]), float(self.matrix[class_index].sum()))

    def as_json(self) -> dict[str, Any]:
        """Figures for ``model.json``."""
        found = class_figures(self.matrix, self.names)
        rounded = {f.name: round(f.recall.value, 3) for f in found if f.recall.count}
        values = {"n": int(self.matrix.sum()), "overall": round(self.overall.value, 4), "recall": rounded}
        if self.weighted is not None and not math.isnan(self.weighted.value):
            values["overall by area"] = round(self.weighted.value, 4)
        return values

    def as_text(self) -> str:
        """A Markdown section: overall figures, one line a class, the confusion matrix."""
        lines = [f"### {self.title}", "", f"Overall accuracy {self.overall}."]
        if self.weighted is not None:
            lines.append(f"Weighted by the area of the strata {self.weighted}.")
        lines += ["", "| class | recall | precision | F1 | IoU |", "| --- | --- | --- | --- | --- |"]
        for f in class_figures(self.matrix, self.names):
            f1, iou = (f"{v:.3f}" if not math.isnan(v) else "-" for v in (f.f1, f.iou))
            lines.append(f"| {f.name} | {f.recall} | {f.precision} | {f1} | {iou} |")
        lines += ["", "| truth, predicted | " + " | ".join(self.names) + " |"]
        lines.append("| --- |" + " --- |" * len(self.names))
        for name, row in zip(self.names, self.matrix):
            lines.append(f"| {name} | " + " | ".join(str(v) for v in row) + " |")
        return "\n".join(lines) + "\n"


def measured(
    title: str,
    names: Sequence[str],
    truth: npt.NDArray[np.integer],
    predicted: npt.NDArray[np.integer],
    strata: npt.NDArray[np.integer] | None = None,
    shares: Mapping[int, float] | None = None,
) -> Measured:
    """Compare truth and prediction, both class channels; 255 in the truth is left out."""
    matrix = confusion_matrix(truth, predicted, len(names))
    weighted = None
    if strata is not None and shares:
        weighted = area_weighted_accuracy(
            np.asarray(truth) == np.asarray(predicted), np.asarray(strata), shares
        )
    return Measured(title, tuple(names), matrix, weighted)


def pooled(title: str, parts: Sequence[Measured]) -> Measured:
    """Several folds as one measurement."""
    return Measured(title, parts[0].names, np.sum([p.matrix for p in parts], axis=0))


def write_confusion(path: Path, found: Measured) -> None:
    """The confusion matrix as CSV, rows truth."""
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f)
        writer.writerow(["truth", *found.names])
        writer.writerows([name, *row] for name, row in zip(found.names, found.matrix.tolist()))
