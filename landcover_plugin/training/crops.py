"""Which crops a step sees, and how they are cut: place, pixel size, turn and flip.

Every crop of a step is drawn from a generator seeded by (seed, step), so a run that is killed goes
on with the crops it would have seen, and several processes share one global batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from .chips import CHIP, UNLABELLED, TrainingSet


@dataclass(frozen=True)
class CropPlan:
    """How crops are drawn.

    Args:
        side: of a crop in pixels, a multiple of the network's stride.
        anchored: share of the crops that lie around an anchor; its class is drawn evenly.
        group_shares: share of each group of the training set.
        zoom: smallest and largest pixel size of a crop, in pixels of the chip.
        turned: share of crops turned by any angle; the others by quarter turns.
    """

    side: int = 128
    anchored: float = 0.7
    group_shares: tuple[float, ...] = ()
    zoom: tuple[float, float] = (0.67, 1.67)
    turned: float = 0.25


@dataclass
class Crops:
    """A batch of crops with their labels.

    Args:
        images: ``(N, band, side, side)`` float32, imagery values 0 to 255.
        hard: ``(N, side, side)`` int64 class channels, 255 where unknown.
        hard_weight: ``(N, side, side)`` float32.
        soft: ``(N, class, side, side)`` float32 that sum to 1, or None.
        soft_weight: ``(N, side, side)`` float32.
        zoom: ``(N,)`` float32, chip pixels in one crop pixel.
    """

    images: Tensor
    hard: Tensor
    hard_weight: Tensor
    soft: Tensor | None
    soft_weight: Tensor
    zoom: Tensor


class CropSource:
    """Cuts the crops of any step from a training set held in memory."""

    def __init__(self, chips: TrainingSet, plan: CropPlan, classes: int, seed: int) -> None:
        self._chips, self._plan, self._seed = chips, plan, seed
        self._images = torch.from_numpy(chips.images)
        self._hard = torch.from_numpy(chips.hard)
        self._hard_weight = torch.from_numpy(chips.hard_weight)
        self._soft = None if chips.soft is None else torch.from_numpy(chips.soft)
        self._soft_weight = torch.from_numpy(chips.soft_weight)
        self._members = [np.flatnonzero(chips.group == g) for g in range(len(chips.groups))]
        self._anchors = _anchors_by_group(chips, classes)
        shares = np.array(plan.group_shares or [len(m) for m in self._members], float)
        shares[[len(m) == 0 for m in self._members]] = 0
        self._shares = shares / shares.sum()

    def crops(self, step: int, batch: int, share: slice = slice(None)) -> Crops:
        """The crops of a step; ``share`` is this process' part of the global batch."""
        rng = np.random.default_rng((self._seed, step))
        places = [self._place(rng) for _ in range(batch)]
        turns = np.array([self._turn(rng) for _ in range(batch)])
        return self._cut(np.array(places)[share], turns[share])

    def _place(self, rng: np.random.Generator) -> tuple[float, float, float]:
        """Chip, row and column of a crop's centre."""
        group = int(rng.choice(len(self._shares), p=self._shares))
        by_class = self._anchors[group]
        if by_class and rng.random() < self._plan.anchored:
            table = by_class[rng.integers(len(by_class))]
            chip, row, col = table[rng.integers(len(table))]
            reach = 0.35 * self._plan.side
            return chip, row + rng.uniform(-reach, reach), col + rng.uniform(-reach, reach)
        edge = 0.2 * CHIP
        chip = int(rng.choice(self._members[group]))
        return chip, rng.uniform(edge, CHIP - edge), rng.uniform(edge, CHIP - edge)

    def _turn(self, rng: np.random.Generator) -> tuple[float, float, float]:
        """Pixel size, angle and flip (1 or -1) of a crop."""
        low, high = np.log(self._plan.zoom)
        zoom = float(np.exp(rng.uniform(low, high))) if rng.random() < 0.7 else 1.0
        quarter = rng.integers(4) * np.pi / 2
        angle = rng.uniform(0, 2 * np.pi) if rng.random() < self._plan.turned else quarter
        return zoom, float(angle), float(rng.choice([-1.0, 1.0]))

    def _cut(self, places: npt.NDArray[np.float64], turns: npt.NDArray[np.float64]) -> Crops:
        chip = torch.from_numpy(places[:, 0].astype(np.int64))
        zoom = torch.from_numpy(turns[:, 0].astype(np.float32))
        grid = self._sampling_grid(places, turns)
        inside = (grid.abs() <= 1.0).all(dim=3)
        hard = _sampled(self._hard[chip][:, None].float(), grid, "nearest")[:, 0].long()
        hard_weight = _sampled(self._hard_weight[chip][:, None].float(), grid, "nearest")[:, 0] / 64
        hard_weight = torch.where(inside & (hard != UNLABELLED), hard_weight, torch.zeros(()))
        soft = None
        soft_weight = torch.zeros_like(hard_weight)
        if self._soft is not None:
            soft = _sampled(self._soft[chip].float(), grid, "bilinear")
            soft = soft / soft.sum(1, keepdim=True).clamp_min(1.0)
            soft_weight = inside * self._soft_weight[chip][:, None, None]
        return Crops(self._cut_images(chip, zoom, grid), hard, hard_weight, soft, soft_weight, zoom)

    def _cut_images(self, chip: Tensor, zoom: Tensor, grid: Tensor) -> Tensor:
        """Bilinear, from the half-size chip where a crop's pixels are much larger than the chip's."""
        images = torch.empty((len(chip), self._images.shape[1], *grid.shape[1:3]))
        coarse = zoom > 1.4
        if coarse.any():
            halved = functional.avg_pool2d(self._images[chip[coarse]].float(), 2)
            images[coarse] = _sampled(halved, grid[coarse], "bilinear")
        if not coarse.all():
            images[~coarse] = _sampled(self._images[chip[~coarse]].float(), grid[~coarse], "bilinear")
        return images

    def _sampling_grid(self, places: npt.NDArray[np.float64], turns: npt.NDArray[np.float64]) -> Tensor:
        """(N, side, side, 2) x and y in -1 to 1 of the chip, as ``grid_sample`` wants them."""
        side = self._plan.side
        zoom, angle, flip = turns.T
        cos, sin = zoom * np.cos(angle) * side / CHIP, zoom * np.sin(angle) * side / CHIP
        x, y = 2 * places[:, 2] / CHIP - 1, 2 * places[:, 1] / CHIP - 1
        theta = np.stack([np.stack([flip * cos, -sin, x], 1), np.stack([flip * sin, cos, y], 1)], 1)
        size = [len(places), 1, side, side]
        return functional.affine_grid(torch.from_numpy(theta.astype(np.float32)), size, align_corners=False)


def _anchors_by_group(chips: TrainingSet, classes: int) -> list[list[npt.NDArray[np.int64]]]:
    """For each group, one (chip, row, col) table for each class that has anchors."""
    tables: list[list[npt.NDArray[np.int64]]] = []
    for group in range(len(chips.groups)):
        rows: list[list[tuple[int, int, int]]] = [[] for _ in range(classes)]
        for a in chips.anchors:
            if a.group == group:
                rows[a.class_index].append((a.chip, a.row, a.col))
        tables.append([np.array(r) for r in rows if r])
    return tables


def _sampled(values: Tensor, grid: Tensor, mode: str) -> Tensor:
    return functional.grid_sample(values, grid, mode=mode, padding_mode="reflection", align_corners=False)


def share_of(batch: int, rank: int, world: int) -> slice:
    """The part of a global batch that one of several processes trains on.

    Raises:
        ValueError: the batch is smaller than the number of processes.
    """
    if batch < world:
        raise ValueError(f"a batch of {batch} cannot be shared by {world} processes")
    bounds: Sequence[int] = [batch * r // world for r in range(world + 1)]
    return slice(bounds[rank], bounds[rank + 1])
