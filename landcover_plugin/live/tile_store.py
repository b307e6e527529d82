"""What the live layer keeps of a tile, and under which name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.grid import TileIndex
from ..core.model import ModelSpec
from ..core.recipe import Recipe
from .outputs import CLASSES, PROBABILITIES

Arrays = Mapping[str, npt.NDArray[np.uint8]]


@dataclass(frozen=True)
class Series:
    """All tiles that one model predicts on one imagery, with one kind of arithmetic.

    Args:
        key: digest of imagery, recipe, model and numeric kind: equal keys mean equal tiles.
        shapes: of the arrays of a tile, by output name.
        keeps_for_s: how long a stored tile is trusted; None for imagery whose changes are seen.
    """

    key: str
    shapes: Mapping[str, tuple[int, ...]]
    keeps_for_s: float | None = None

    @property
    def tile_bytes(self) -> int:
        """Bytes of one tile with all its arrays."""
        return int(sum(np.prod(shape) for shape in self.shapes.values()))


@dataclass(frozen=True)
class TileKey:
    """One tile of a series."""

    series: str
    index: TileIndex


def series_of(
    fingerprint: str, recipe: Recipe, spec: ModelSpec, numeric_kind: str, keeps_for_s: float | None = None
) -> Series:
    """The series of an imagery and a model.

    Args:
        fingerprint: of the imagery.
        recipe: how chips are made.
        spec: the model.
        numeric_kind: of the backend.
        keeps_for_s: see :class:`Series`.
    """
    parts = "\n".join((fingerprint, recipe.hash, spec.sha256, numeric_kind))
    side = spec.tile
    shapes: dict[str, tuple[int, ...]] = {CLASSES: (side, side)}
    if PROBABILITIES in spec.outputs:
        shapes[PROBABILITIES] = (len(spec.legend), side, side)
    return Series(hashlib.sha256(parts.encode()).hexdigest()[:32], shapes, keeps_for_s)


def fits(series: Series, arrays: Mapping[str, npt.NDArray[Any]]) -> bool:
    """Whether arrays are those that a tile of the series has."""
    return set(arrays) == set(series.shapes) and all(
        arrays[name].shape == shape and arrays[name].dtype == np.uint8
        for name, shape in series.shapes.items()
    )
