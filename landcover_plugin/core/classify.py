"""The batch job: imagery and a model in, a land cover map out. Every batch door calls this."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import engine
from .backends import Backend
from .chips import ChipReader
from .errors import ImageryError
from .imagery import ImagerySource
from .map_raster import MapFrame, MapRaster, confidence_of
from .mask import MaskedChipReader
from .model import ModelSpec
from .output_check import check_name, check_space
from .plan import ClassifyOptions, Plan, make_plan
from .progress import Reporter, Silent, format_seconds
from .raster_io import RasterIo
from .spool import Spool

__all__ = ["ClassifyOptions", "MapResult", "classify", "queue_bytes"]


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
    for path in (out, options.probabilities, options.confidence):
        if path is not None:
            check_name(source, path)
    plan = make_plan(source, spec, backend, out, options, io, reporter)
    check_space(plan)
    held = queue_bytes(plan, backend.in_flight, options.readers)
    reporter.detail(f"Queues hold at most {held / 1e6:.0f} MB, whatever the size of the image.")
    spool = Spool(out.with_name(f"{out.name}.spool"), plan.fingerprint, restart=options.restart)
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


def _summary(plan: Plan, outcome: engine.Outcome, seconds: float) -> str:
    mpx = sum(plan.pixels(i) for i in plan.tiles) / 1e6
    return f"{mpx:.2f} million pixels, {outcome.inferred} tiles, in {format_seconds(seconds)}."


def _readers(source: ImagerySource, plan: Plan, count: int) -> list[Callable[[], engine.Reader]]:
    def reader() -> engine.Reader:
        chips = ChipReader(source.reopen(), plan.grid, plan.recipe)
        return MaskedChipReader(chips, plan.mask) if plan.mask else chips

    return [reader] * max(1, count)


def _work(plan: Plan) -> engine.Work:
    keys = plan.tile_keys

    def finish_tile(answer: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        tile = {name: array for name, array in answer.items() if name in keys}
        if "confidence" in keys:
            tile["confidence"] = confidence_of(answer["probabilities8"])
        return tile

    return engine.Work(
        spec=plan.spec,
        tiles=plan.tiles,
        pixels=plan.pixels,
        outputs=plan.asked,
        finish_tile=finish_tile,
    )


def queue_bytes(plan: Plan, in_flight: int, readers: int) -> int:
    """Most bytes that chips and tiles take at once; the network's own memory comes on top.

    Args:
        plan: the job.
        in_flight: requests under way at once.
        readers: threads, each with a chip in its hands.
    """
    spec = plan.spec
    chip = len(spec.bands) * spec.chip**2 * np.dtype(spec.dtype).itemsize
    layers = {
        "classes": 1,
        "confidence": 1,
        "probabilities8": len(spec.legend),
        "probabilities": 4 * len(spec.legend),
    }
    tile = sum(layers[key] for key in plan.tile_keys) * spec.tile**2
    return (2 * in_flight + 1 + readers) * chip + (in_flight + engine.RECENT_TILES + 1) * tile
