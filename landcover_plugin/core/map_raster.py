"""The map on disk: tiles of a job become GeoTIFFs, block by block and always in the same order."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import OutputError
from .grid import PredictionGrid, TileIndex, Window
from .legend import NODATA, Legend
from .raster_io import RasterIo, RasterLayout, RasterWriter
from .raster_io.pam import aux_xml
from .raster_io.protocol import BLOCK
from .spool import Tile

CLASSES, PROBABILITIES, CONFIDENCE = "classes", "probabilities", "confidence"
_SMALLEST_OVERVIEW = 256


@dataclass(frozen=True)
class MapOutput:
    """One raster that a job makes.

    Args:
        kind: ``classes``, ``probabilities`` or ``confidence``.
        path: its final name.
        tile_key: which array of a tile it is made of.
        dtype: of the raster.
    """

    kind: str
    path: Path
    tile_key: str
    dtype: str = "uint8"


@dataclass(frozen=True)
class MapFrame:
    """Where a map lies and what is said of it.

    Args:
        grid: of the predictions.
        level: of the map.
        window: pixels of that level that the map holds.
        crs_wkt: or None.
        legend: of the classes.
        tags: provenance.
        cog: whether a cloud optimised GeoTIFF is wanted.
    """

    grid: PredictionGrid
    level: int
    window: Window
    crs_wkt: str | None
    legend: Legend
    tags: Mapping[str, str] = field(default_factory=dict)
    cog: bool = False


class MapRaster:
    """A raster growing under a temporary name beside its own.

    It belongs to one thread. :meth:`finish` gives it its name; :meth:`discard` leaves nothing.
    """

    def __init__(self, io: RasterIo, frame: MapFrame, output: MapOutput) -> None:
        self._io, self._frame, self._output = io, frame, output
        self._part = output.path.with_name(f"{output.path.stem}.part.tif")
        self._cog_part = output.path.with_name(f"{output.path.stem}.part-cog.tif")
        self._counts = np.zeros(256, np.int64)
        self._blocks = _blocks(frame.window)
        self._next = 0
        self._writer: RasterWriter | None = io.create(self._layout())

    @property
    def counts(self) -> dict[int, int]:
        """Pixels of each class id, NoData left out; of class maps only."""
        return {v: int(n) for v, n in enumerate(self._counts) if n}

    def _layout(self) -> RasterLayout:
        frame, output = self._frame, self._output
        names = {
            CLASSES: ("Land cover",),
            CONFIDENCE: ("Confidence",),
            PROBABILITIES: tuple(c.name for c in frame.legend),
        }[output.kind]
        in_bytes = output.kind != CLASSES and output.dtype == "uint8"
        return RasterLayout(
            path=str(self._part),
            width=frame.window.width,
            height=frame.window.height,
            band_names=names,
            dtype=output.dtype,
            geotransform=frame.grid.geotransform(frame.window, frame.level),
            crs_wkt=frame.crs_wkt,
            nodata=NODATA if output.dtype == "uint8" else float("nan"),
            palette=frame.legend.colour_table() if output.kind == CLASSES else None,
            scale=1 / 254 if in_bytes else None,
            tags=frame.tags,
        )

    def advance(self, is_done: Callable[[TileIndex], bool], tile: Callable[[TileIndex], Tile]) -> None:
        """Write the blocks, in order, whose tiles are all done.

        Args:
            is_done: whether a tile is there.
            tile: gives its arrays.
        """
        grid, level = self._frame.grid, self._frame.level
        while self._next < len(self._blocks):
            block = self._blocks[self._next]
            needed = list(grid.tiles_in(block, level))
            if not all(is_done(index) for index in needed):
                return
            self._write(block, needed, tile)
            self._next += 1

    def _write(self, block: Window, needed: Sequence[TileIndex], tile: Callable[[TileIndex], Tile]) -> None:
        parts = [(self._frame.grid.tile_window(i), tile(i)[self._output.tile_key]) for i in needed]
        if len(parts) == 1:
            where, values = parts[0]
            values = values[(..., *block.slices(where))]
        else:
            shape = (*parts[0][1].shape[:-2], block.height, block.width)
            values = np.empty(shape, parts[0][1].dtype)
            for where, part in parts:
                shared = where.intersection(block)
                values[(..., *shared.slices(block))] = part[(..., *shared.slices(where))]
        if self._output.kind == CLASSES:
            for land_class in self._frame.legend:
                self._counts[land_class.id] += np.count_nonzero(values == land_class.id)
        values = values if values.ndim == 3 else values[None]
        at = block.moved(-self._frame.window.row, -self._frame.window.col)
        if self._writer is not None:
            self._writer.write(at, values)

    def close(self) -> None:
        """Finish the temporary raster: overviews, class names, COG where asked for.

        Raises:
            OutputError: blocks are missing, or the disk is full.
        """
        if self._next < len(self._blocks) or self._writer is None:
            raise OutputError(f"{self._output.path} is not complete; start the job again.")
        self._writer.close()
        self._writer = None
        window = self._frame.window
        factors = overview_factors(window.width, window.height)
        if factors:
            resampling = "mode" if self._output.kind == CLASSES else "average"
            self._io.build_overviews(str(self._part), factors, resampling)
        if self._frame.cog:
            self._io.write_cog(str(self._part), str(self._cog_part))

    def finish(self) -> Path:
        """Give the closed raster its name; its class names get theirs first.

        Returns:
            Where the map is: ``NAME.new.tif`` where ``NAME.tif`` is open in another program.

        Raises:
            OutputError: the folder does not allow it.
        """
        part = self._cog_part if self._frame.cog else self._part
        path = self._output.path
        try:
            self._write_aux(path)
            try:
                os.replace(part, path)
            except PermissionError:
                path = path.with_name(f"{path.stem}.new.tif")
                self._write_aux(path)
                os.replace(part, path)
        except OSError as e:
            raise OutputError(f"{path} cannot be written ({e.strerror}); choose another folder.") from e
        self.discard()
        return path

    def _write_aux(self, path: Path) -> None:
        aux = path.with_name(f"{path.name}.aux.xml")
        if self._output.kind != CLASSES:
            with contextlib.suppress(FileNotFoundError):
                aux.unlink()  # of a raster that had this name before
            return
        part = path.with_name(f"{path.name}.part.aux.xml")
        part.write_text(aux_xml(self._frame.legend, self.counts), "utf-8")
        os.replace(part, aux)

    def discard(self) -> None:
        """Remove what is temporary."""
        if self._writer is not None:
            with contextlib.suppress(OutputError):
                self._writer.close()
            self._writer = None
        for path in (self._part, self._cog_part):
            for name in (path, path.with_name(f"{path.name}.aux.xml")):
                with contextlib.suppress(OSError):
                    name.unlink()


def _blocks(window: Window) -> list[Window]:
    """Blocks of the raster, row by row, in pixels of the level (not of the raster)."""
    return [
        Window(row, col, BLOCK, BLOCK).intersection(window)
        for row in range(window.row, window.row_end, BLOCK)
        for col in range(window.col, window.col_end, BLOCK)
    ]


def overview_factors(width: int, height: int) -> list[int]:
    """2, 4, 8 … until the smaller picture fits 256 pixels."""
    factors = []
    factor = 2
    while max(width, height) / (factor / 2) > _SMALLEST_OVERVIEW:
        factors.append(factor)
        factor *= 2
    return factors


def confidence_of(probabilities8: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """Probability of the chosen class, 0 to 254, from ``(class, row, col)``."""
    confidence: npt.NDArray[np.uint8] = probabilities8.max(axis=0)
    return confidence
