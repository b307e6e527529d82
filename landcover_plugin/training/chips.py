"""Training chips in memory: imagery, and labels of every kind that were found for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

UNLABELLED = 255
CHIP = 256
SOFT_STEP = 2
"""Soft labels are kept at half the resolution of the imagery."""


@dataclass(frozen=True)
class Anchor:
    """A pixel that crops are drawn around, so that rare classes are seen often.

    Args:
        chip: position in the training set.
        row: 0-based, of the pixel.
        col: 0-based, of the pixel.
        class_index: channel of its class.
        group: position in :attr:`TrainingSet.groups`.
    """

    chip: int
    row: int
    col: int
    class_index: int
    group: int


@dataclass
class TrainingSet:
    """Chips of 256 × 256 pixels with partial labels.

    Args:
        names: where each chip came from, for people.
        images: ``(N, band, 256, 256)`` uint8.
        hard: ``(N, 256, 256)`` uint8 class channels, 255 where nothing is known.
        hard_weight: ``(N, 256, 256)`` uint8, in 64ths; 64 counts as one pixel.
        soft: ``(N, class, 128, 128)`` uint8 (0 to 254 for 0 to 1), or None.
        soft_weight: ``(N,)`` float32, 0 where a chip has no soft labels.
        group: ``(N,)`` position in ``groups``.
        groups: names of regions or sources that are drawn with shares of their own.
        anchors: pixels to draw crops around.
    """

    names: list[str]
    images: npt.NDArray[np.uint8]
    hard: npt.NDArray[np.uint8]
    hard_weight: npt.NDArray[np.uint8]
    soft: npt.NDArray[np.uint8] | None
    soft_weight: npt.NDArray[np.float32]
    group: npt.NDArray[np.int64]
    groups: list[str]
    anchors: list[Anchor] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def bands(self) -> int:
        """Bands of the imagery."""
        return int(self.images.shape[1])

    def label_square(self, chip: int, row: int, col: int, class_index: int, weight: float = 1.0) -> None:
        """Label the 3 × 3 pixels around one that was read by eye, and draw crops around it."""
        rows, cols = slice(max(row - 1, 0), row + 2), slice(max(col - 1, 0), col + 2)
        self.hard[chip, rows, cols] = class_index
        self.hard_weight[chip, rows, cols] = min(255, round(64 * weight))
        self.anchors.append(Anchor(chip, row, col, class_index, int(self.group[chip])))

    def with_bands(self, bands: Sequence[int]) -> TrainingSet:
        """The same labels over some of the bands."""
        return TrainingSet(
            self.names,
            np.ascontiguousarray(self.images[:, list(bands)]),
            self.hard,
            self.hard_weight,
            self.soft,
            self.soft_weight,
            self.group,
            self.groups,
            self.anchors,
        )

    def class_counts(self, classes: int) -> list[int]:
        """Labelled pixels of each class channel."""
        return [int((self.hard == k).sum()) for k in range(classes)]


def empty_set(
    names: list[str],
    images: npt.NDArray[np.uint8],
    group: npt.NDArray[np.int64],
    groups: list[str],
    soft_classes: int = 0,
) -> TrainingSet:
    """A set over ``(N, band, 256, 256)`` imagery in which nothing is labelled yet."""
    n = len(names)
    side = CHIP // SOFT_STEP
    return TrainingSet(
        names,
        images,
        np.full((n, CHIP, CHIP), UNLABELLED, np.uint8),
        np.zeros((n, CHIP, CHIP), np.uint8),
        np.zeros((n, soft_classes, side, side), np.uint8) if soft_classes else None,
        np.zeros(n, np.float32),
        group,
        groups,
    )
