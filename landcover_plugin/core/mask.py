"""Where to predict: polygons outside of which the map holds NoData."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .chips import Chip, ChipReader
from .grid import PredictionGrid, TileIndex
from .raster_io import Polygon, RasterIo


@dataclass(frozen=True)
class Mask:
    """Polygons laid over a prediction grid; a pixel counts where its centre lies in one.

    Args:
        polygons: in the grid's CRS.
        grid: that they are laid over.
        io: rasterises them.
    """

    polygons: Sequence[Polygon]
    grid: PredictionGrid
    io: RasterIo

    @property
    def fingerprint(self) -> str:
        """Digest of the geometries."""
        digest = hashlib.sha256()
        for polygon in self.polygons:
            digest.update(polygon.wkb)
        return digest.hexdigest()[:16]

    def inside(self, index: TileIndex) -> npt.NDArray[np.bool_]:
        """``(tile, tile)``: True where a pixel's centre lies in a polygon."""
        window = self.grid.tile_window(index)
        geotransform = self.grid.geotransform(window, index.level)
        return self.io.rasterise(self._near(index), geotransform, window.height, window.width)

    def _near(self, index: TileIndex) -> list[Polygon]:
        extent = self.grid.extent(self.grid.tile_window(index), index.level)
        return [p for p in self.polygons if p.bounds.touches(extent)]


class MaskedChipReader:
    """Makes chips inside a mask only; tiles that it does not touch are not read at all."""

    def __init__(self, reader: ChipReader, mask: Mask) -> None:
        self._reader = reader
        self._mask = mask

    def read(self, index: TileIndex) -> Chip:
        """The chip of a tile, its validity narrowed to the mask.

        Raises:
            ImageryError: the source cannot be read there.
        """
        inside = self._mask.inside(index)
        if not inside.any():
            return Chip(index, np.zeros((0, 0, 0), np.uint8), inside)
        chip = self._reader.read(index)
        return replace(chip, valid=inside if chip.valid is None else chip.valid & inside)

    def close(self) -> None:
        """Close the source."""
        self._reader.close()
