"""Imagery as a feed wants it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..core.ground import ToLonLat
from ..core.imagery import ImagerySource


@dataclass(frozen=True)
class FeedSource:
    """Imagery for a feed.

    Args:
        sources: one for each worker, and only that worker's from the start on.
        to_lonlat: from the imagery's CRS to degrees; None where it has none.
        is_public: a tile service that others run: read ahead sparingly.
        keeps_for_s: how long tiles stay good, None for imagery whose changes are seen.
        to_sample: what the choice of a recipe gets to see of a source.
    """

    sources: tuple[ImagerySource, ...]
    to_lonlat: ToLonLat | None
    is_public: bool = False
    keeps_for_s: float | None = None
    to_sample: Callable[[ImagerySource], Any] = lambda source: source
