"""How much of a view each class takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..core.grid import Extent
from ..core.legend import NODATA
from .asked_view import asked_view, zoom_out
from .feed import TileFeed
from .outputs import CLASSES

_MOST_PX = 400


@dataclass(frozen=True)
class ViewShares:
    """Classes in a view, from tiles that are there.

    Args:
        shares: part of the predicted ground of each class id, 0 to 1.
        predicted: part of the view's imagery that is predicted, 0 to 1.
        areas_m2: area of each class id, None where the ground pixel size is unknown.
        level: shown; None for a view too far out to predict for.
    """

    shares: Mapping[int, float]
    predicted: float
    areas_m2: Mapping[int, float] | None
    level: int | None


def shares_of_view(feed: TileFeed, extent: Extent, height: int, width: int) -> ViewShares:
    """The shares of classes in a view, from a sample of at most 400 × 400 of its pixels.

    Args:
        feed: that predicts.
        extent: of the view, in the imagery's CRS.
        height: of the view in pixels.
        width: of the view in pixels.
    """
    levels = feed.levels(extent)
    level = levels.nearest(zoom_out(feed.grid, extent, height, width))
    rows, cols = min(height, _MOST_PX), min(width, _MOST_PX)
    if level is None:
        found = feed.far(extent, rows, cols, CLASSES)
        picture = np.full((rows, cols), NODATA, np.uint8) if found is None else found
        sample = asked_view(feed.grid, extent, rows, cols, 0)
    else:
        sample = asked_view(feed.grid, extent, rows, cols, level)
        picture = feed.paint(sample, feed.there(sample, CLASSES), CLASSES)
    grid_rows, grid_cols = feed.grid.size(sample.level)
    inside = int(((sample.rows >= 0) & (sample.rows < grid_rows)).sum()) * int(
        ((sample.cols >= 0) & (sample.cols < grid_cols)).sum()
    )
    counts = np.bincount(picture.ravel(), minlength=256)
    counts[NODATA] = 0
    total = int(counts.sum())
    shares = {int(i): float(counts[i] / total) for i in np.nonzero(counts)[0]}
    areas = None
    if levels.pixel_size_m is not None:
        side = levels.pixel_size_m * zoom_out(feed.grid, extent, rows, cols)
        areas = {int(i): float(counts[i]) * side * side for i in np.nonzero(counts)[0]}
    return ViewShares(shares, total / inside if inside else 0.0, areas, level)
