"""A batch job thought through before anything is written: where, how, and into which rasters."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .backends import Backend
from .errors import OptionError
from .grid import Extent, PredictionGrid, TileIndex, Window, nearest_level
from .ground import pixel_size_m
from .imagery import ImagerySource, grid_of
from .map_raster import CLASSES, CONFIDENCE, PROBABILITIES, MapOutput
from .mask import Mask
from .model import ModelSpec
from .progress import Reporter
from .raster_io import Polygon, RasterIo
from .recipe import Recipe, RecipeChoice, choose_recipe

MAX_LEVEL = 3
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
class Plan:
    """A job before it begins.

    Args:
        spec: the model.
        grid: of the predictions.
        level: of the map.
        window: pixels of that level that the map holds.
        recipe: how chips are made.
        outputs: rasters to make, the class map first.
        mask: or None.
        asked: outputs that the backend is asked for.
        fingerprint: equal for jobs whose tiles are the same.
        tags: provenance, without anything that differs from run to run.
    """

    spec: ModelSpec
    grid: PredictionGrid
    level: int
    window: Window
    recipe: Recipe
    outputs: tuple[MapOutput, ...]
    mask: Mask | None
    asked: tuple[str, ...]
    fingerprint: str
    tags: Mapping[str, str]

    @property
    def tiles(self) -> list[TileIndex]:
        """In the order in which they are read and written."""
        return list(self.grid.tiles_in(self.window, self.level))

    @property
    def tile_keys(self) -> set[str]:
        """Arrays that a finished tile has."""
        return {output.tile_key for output in self.outputs}

    def pixels(self, index: TileIndex) -> int:
        """Map pixels of a tile."""
        shared = self.grid.tile_window(index).intersection(self.window)
        return shared.height * shared.width


def make_plan(
    source: ImagerySource,
    spec: ModelSpec,
    backend: Backend,
    out: Path,
    options: ClassifyOptions,
    io: RasterIo,
    reporter: Reporter,
) -> Plan:
    """The job that a user's options describe; says what was guessed and what is doubtful.

    Raises:
        ImageryError: the imagery does not fit the model.
        OptionError: the options make no sense, alone or together.
    """
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
    asked = _asked(spec, outputs)
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
    return Plan(spec, grid, level, window, choice.recipe, outputs, mask, asked, fingerprint, tags)


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
    if options.level is not None and not 0 <= options.level <= MAX_LEVEL:
        raise OptionError(f"Level {options.level} is not between 0 and {MAX_LEVEL}.")
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


def _asked(spec: ModelSpec, outputs: tuple[MapOutput, ...]) -> tuple[str, ...]:
    """What the backend is asked for; the confidence is made of the probabilities."""
    asked = {"classes", *(o.tile_key for o in outputs)}
    if CONFIDENCE in asked:
        asked = (asked - {CONFIDENCE}) | {"probabilities8"}
    missing = asked - set(spec.outputs)
    if missing:
        raise OptionError(
            f"Model '{spec.name}' does not give {', '.join(sorted(missing))}; leave that output out."
        )
    return tuple(sorted(asked))
