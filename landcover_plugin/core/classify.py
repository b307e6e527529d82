"""The batch job: imagery and a model in, a land cover map out. Every batch door calls this."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import engine
from .backends import Backend
from .chips import ChipReader
from .errors import ImageryError, OptionError, OutputError
from .grid import Extent, PredictionGrid, TileIndex, Window, nearest_level
from .ground import pixel_size_m
from .imagery import ImagerySource, grid_of
from .map_raster import CLASSES, CONFIDENCE, PROBABILITIES, MapFrame, MapOutput, MapRaster, confidence_of
from .mask import Mask, MaskedChipReader
from .model import ModelSpec
from .progress import Reporter, Silent, format_seconds
from .raster_io import Polygon, RasterIo
from .recipe import RecipeChoice, choose_recipe
from .spool import Spool

MAX_LEVEL = 3
_SPOOL_RATIO, _RASTER_RATIO = 0.25, 0.35
_MAX_TILES = 4_000_000


@dataclass(frozen=True)
class ClassifyOptions:
    """What a user can ask of a job.

    Args:
        bands: such as ``1,2,3,4``; guessed where empty.
        scaling: imagery values that become 0 and 255; guessed where None.
        extent: in the imagery's CRS; the whole imagery where None.
        pixel_size_m: ground size wanted; the level nearest to it is taken.
        level: overrides ``pixel_size_m``.
        mask: polygons in the imagery's CRS; everywhere where empty.
        probabilities: where to write them, or None.
        probability_dtype: ``uint8`` (0 to 254) or ``float32``.
        confidence: where to write the chosen class' probability, or None.
        cog: write cloud optimised GeoTIFFs.
        overviews: read coarser levels from the imagery's own overviews.
        restart: do not go on with an unfinished job.
        readers: threads that read imagery.
    """

    bands: str = ""
    scaling: tuple[float, float] | None = None
    extent: Extent | None = None
    pixel_size_m: float | None = None
    level: int | None = None
    mask: tuple[Polygon, ...] = ()
    probabilities: Path | None = None
    probability_dtype: str = "uint8"
    confidence: Path | None = None
    cog: bool = False
    overviews: bool = False
    restart: bool = False
    readers: int = 1


@dataclass(frozen=True)
class MapResult:
    """What a job made.

    Args:
        path: of the class map.
        others: paths of the other rasters, by kind.
        pixels: map pixels of each class id.
        level: of the map.
        seconds: wall time.
        inferred: tiles predicted now.
        resumed: tiles taken over from an unfinished job.
    """

    path: Path
    others: Mapping[str, Path]
    pixels: Mapping[int, int]
    level: int
    seconds: float
    inferred: int
    resumed: int


@dataclass(frozen=True)
class _Plan:
    """A job thought through, before anything is written."""

    spec: ModelSpec
    grid: PredictionGrid
    level: int
    window: Window
    choice: RecipeChoice
    outputs: tuple[MapOutput, ...]
    mask: Mask | None
    fingerprint: str
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def tiles(self) -> list[TileIndex]:
        return list(self.grid.tiles_in(self.window, self.level))

    def pixels(self, index: TileIndex) -> int:
        shared = self.grid.tile_window(index).intersection(self.window)
        return shared.height * shared.width


def classify(
    source: ImagerySource,
    spec: ModelSpec,
    backend: Backend,
    out: Path,
    options: ClassifyOptions | None = None,
    *,
    io: RasterIo,
    reporter: Reporter | None = None,
) -> MapResult:
    """Map the land cover of an imagery.

    Args:
        source: the imagery; reader threads open it again for themselves.
        spec: the model.
        backend: that runs the model.
        out: the map, a GeoTIFF; nothing is at that name before the map is whole.
        options: what the user asked for.
        io: writes rasters.
        reporter: told what was guessed, what is doubtful and how far the job is.

    Raises:
        LandcoverError: one sentence; tiles finished until then are kept beside the output.
        CancelledError: the reporter said so.
    """
    started = time.monotonic()
    options, reporter = options or ClassifyOptions(), reporter or Silent()
    _check_output(source, out)
    plan = _plan(source, spec, backend, out, options, io, reporter)
    held = queue_bytes(spec, backend.in_flight, options.readers, {o.tile_key for o in plan.outputs})
    reporter.detail(f"Queues hold at most {held / 1e6:.0f} MB, whatever the size of the image.")
    spool_path = spool_file(out)
    _check_space(plan, spool_path, out)
    spool = Spool(spool_path, plan.fingerprint, restart=options.restart)
    if spool.note:
        reporter.info(spool.note)
    rasters: list[MapRaster] = []
    finished = False
    try:
        frame = MapFrame(
            plan.grid, plan.level, plan.window, source.crs_wkt, spec.legend, plan.tags, options.cog
        )
        rasters = [MapRaster(io, frame, output) for output in plan.outputs]
        outcome = engine.run(
            _work(plan), _readers(source, plan, options.readers), backend, spool, rasters, reporter
        )
        if not rasters[0].counts:
            finished = True  # nothing to go on with
            where = "the mask" if plan.mask else "the extent"
            raise ImageryError(
                f"{source.name} holds no valid pixel in {where}; check its NoData value, or choose another."
            )
        for raster in rasters:
            raster.close()
        paths = [raster.finish() for raster in rasters]
        finished = True
    finally:
        for raster in rasters:
            raster.discard()
        spool.close(remove=finished)
    if paths[0] != out:
        reporter.warn(f"{out} is open in another program, so the map was saved as {paths[0]}.")
    others = {o.kind: p for o, p in zip(plan.outputs[1:], paths[1:])}
    seconds = time.monotonic() - started
    reporter.info(_summary(plan, outcome, seconds))
    return MapResult(
        paths[0], others, rasters[0].counts, plan.level, seconds, outcome.inferred, outcome.resumed
    )


def _summary(plan: _Plan, outcome: engine.Outcome, seconds: float) -> str:
    mpx = sum(plan.pixels(i) for i in plan.tiles) / 1e6
    return f"{mpx:.2f} million pixels, {outcome.inferred} tiles, in {format_seconds(seconds)}."


# -- thinking the job through --------------------------------------------------------------------


def _plan(
    source: ImagerySource,
    spec: ModelSpec,
    backend: Backend,
    out: Path,
    options: ClassifyOptions,
    io: RasterIo,
    reporter: Reporter,
) -> _Plan:
    if spec.task != "segmentation":
        raise OptionError(f"Model '{spec.name}' labels whole chips, not pixels; choose a segmentation model.")
    grid = grid_of(source, spec.tile)
    extent = options.extent or grid.extent()
    level = _level(source, grid, spec, extent, options, io, reporter)
    window = grid.window_of(extent, level)
    if window.is_empty:
        raise OptionError(f"The extent does not touch {source.name}; choose one that does.")
    if grid.tile_count(window, level) > _MAX_TILES:
        raise OptionError(
            f"The job over {source.name} has over {_MAX_TILES:,} tiles; choose a smaller extent."
        )
    choice = choose_recipe(
        source, spec, bands=options.bands, scaling=options.scaling, overviews=options.overviews
    )
    reporter.info(f"Bands: {choice.mapping.describe(spec.bands)}.")
    for note in choice.notes:
        reporter.warn(note)
    mask = Mask(options.mask, grid, io) if options.mask else None
    outputs = _outputs(out, options)
    described = {
        "source": source.fingerprint,
        "recipe": choice.recipe.hash,
        "model": spec.sha256,
        "legend": [[c.id, c.name, c.colour] for c in spec.legend],
        "numeric_kind": backend.numeric_kind,
        "tiles": sorted({o.tile_key for o in outputs}),
        "mask": mask.fingerprint if mask else None,
        "window": [level, window.row, window.col, window.height, window.width],
    }
    fingerprint = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
    tags = _tags(source, spec, backend, choice, level)
    return _Plan(spec, grid, level, window, choice, outputs, mask, fingerprint, tags)


def _level(
    source: ImagerySource,
    grid: PredictionGrid,
    spec: ModelSpec,
    extent: Extent,
    options: ClassifyOptions,
    io: RasterIo,
    reporter: Reporter,
) -> int:
    """The level to predict at; warns where its pixels do not suit the model."""
    wkt = source.crs_wkt
    if wkt is None:
        reporter.warn(
            f"{source.name} has no CRS, so its ground pixel size is unknown and its pixels are used as they are."
        )
        return options.level or 0
    size = pixel_size_m(grid, lambda x, y: io.to_lonlat(wkt, x, y), extent.centre)
    if size is None:
        reporter.warn(f"{source.name} lies outside of its CRS, so its pixels are used as they are.")
        return options.level or 0
    wanted = options.pixel_size_m or spec.pixel_size_m.best
    level = options.level if options.level is not None else nearest_level(size, wanted, MAX_LEVEL)
    if not 0 <= level <= MAX_LEVEL:
        raise OptionError(f"Level {level} is not between 0 and {MAX_LEVEL}.")
    used, limits = size * (1 << level), spec.pixel_size_m
    if not limits.contains(used):
        reporter.warn(
            f"A pixel covers {used:.2g} m of ground but model '{spec.name}' was made for "
            f"{limits.min:g} to {limits.max:g} m; expect poor results."
        )
    return level


def _outputs(out: Path, options: ClassifyOptions) -> tuple[MapOutput, ...]:
    outputs = [MapOutput(CLASSES, out, "classes")]
    if options.probabilities is not None:
        if options.probability_dtype not in ("uint8", "float32"):
            raise OptionError(
                f"Probabilities as '{options.probability_dtype}' are not known; use uint8 or float32."
            )
        key = "probabilities8" if options.probability_dtype == "uint8" else "probabilities"
        outputs.append(MapOutput(PROBABILITIES, options.probabilities, key, options.probability_dtype))
    if options.confidence is not None:
        outputs.append(MapOutput(CONFIDENCE, options.confidence, "confidence"))
    if len({os.path.abspath(o.path) for o in outputs}) < len(outputs):
        raise OptionError("Two outputs have the same name; give each its own.")
    return tuple(outputs)


def _tags(
    source: ImagerySource, spec: ModelSpec, backend: Backend, choice: RecipeChoice, level: int
) -> dict[str, str]:
    """Provenance, without anything that differs from run to run."""
    return {
        "LANDCOVER_IMAGERY": os.path.basename(source.name),
        "LANDCOVER_BANDS": ",".join(str(n) for n in choice.mapping.numbers),
        "LANDCOVER_MODEL": f"{spec.name} {spec.version}",
        "LANDCOVER_MODEL_SHA256": spec.sha256,
        "LANDCOVER_MODEL_LICENCE": spec.licence,
        "LANDCOVER_RECIPE": choice.recipe.hash,
        "LANDCOVER_NUMERIC_KIND": backend.numeric_kind,
        "LANDCOVER_LEVEL": str(level),
    }


# -- checks before anything is written -----------------------------------------------------------


def spool_file(out: Path) -> Path:
    """Where unfinished tiles of a map are kept."""
    return out.with_name(f"{out.name}.spool")


def _check_output(source: ImagerySource, out: Path) -> None:
    if out.suffix.lower() not in (".tif", ".tiff"):
        raise OutputError(f"{out} must be a GeoTIFF; give it a name that ends in .tif.")
    folder = out.parent
    if not folder.is_dir():
        raise OutputError(f"The folder {folder} does not exist; make it or choose another.")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"The folder {folder} cannot be written to; choose another.")
    if out.is_dir():
        raise OutputError(f"{out} is a folder; give the map a file name.")
    if out.exists() and os.path.exists(source.name) and os.path.samefile(out, source.name):
        raise OutputError(f"{out} is the imagery itself; give the map another name.")


def _check_space(plan: _Plan, spool_path: Path, out: Path) -> None:
    classes = len(plan.spec.legend)
    bytes_a_pixel = {CLASSES: 1.0, CONFIDENCE: 1.0, PROBABILITIES: float(classes)}
    pixels = plan.window.height * plan.window.width
    wanted = 0.0
    for output in plan.outputs:
        size = pixels * bytes_a_pixel[output.kind] * np.dtype(output.dtype).itemsize
        wanted += size * (_SPOOL_RATIO + _RASTER_RATIO * 4 / 3)
    free = shutil.disk_usage(out.parent).free
    if wanted > free:
        raise OutputError(
            f"The map {out} needs about {wanted / 1e6:,.0f} MB while it is made but its disk has "
            f"{free / 1e6:,.0f} MB free; free some space or choose another folder."
        )


def queue_bytes(spec: ModelSpec, in_flight: int, readers: int, tile_keys: Collection[str]) -> int:
    """Most bytes that chips and tiles take at once; the network's own memory comes on top.

    Args:
        spec: the model.
        in_flight: requests under way at once.
        readers: threads, each with a chip in its hands.
        tile_keys: arrays that a finished tile has.
    """
    chip = len(spec.bands) * spec.chip**2 * np.dtype(spec.dtype).itemsize
    layers = {
        "classes": 1,
        "confidence": 1,
        "probabilities8": len(spec.legend),
        "probabilities": 4 * len(spec.legend),
    }
    tile = sum(layers[key] for key in tile_keys) * spec.tile**2
    return (2 * in_flight + 1 + readers) * chip + (in_flight + engine.RECENT_TILES + 1) * tile


# -- from plan to work ---------------------------------------------------------------------------


def _readers(source: ImagerySource, plan: _Plan, count: int) -> list[Callable[[], engine.Reader]]:
    def reader() -> engine.Reader:
        chips = ChipReader(source.reopen(), plan.grid, plan.choice.recipe)
        return MaskedChipReader(chips, plan.mask) if plan.mask else chips

    return [reader] * max(1, count)


def _work(plan: _Plan) -> engine.Work:
    keys = {output.tile_key for output in plan.outputs}
    asked = {"classes", *(keys - {"confidence"})}
    if "confidence" in keys:
        asked.add("probabilities8")
    missing = asked - set(plan.spec.outputs)
    if missing:
        raise ImageryError(
            f"Model '{plan.spec.name}' does not give {', '.join(sorted(missing))}; leave that output out."
        )

    def finish_tile(answer: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        tile = {name: array for name, array in answer.items() if name in keys}
        if "confidence" in keys:
            tile["confidence"] = confidence_of(answer["probabilities8"])
        return tile

    return engine.Work(
        spec=plan.spec,
        tiles=plan.tiles,
        pixels=plan.pixels,
        outputs=tuple(sorted(asked)),
        finish_tile=finish_tile,
    )
