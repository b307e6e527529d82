"""``landcover classify``: a map from an image."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import click

from .terminal import TerminalReporter


@click.command()
@click.argument("image")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--model", "model", default="", help="Name, folder or model.json; the best that fits by default."
)
@click.option(
    "--backend", default="auto", show_default=True, help="Where the network runs, such as worker: ."
)
@click.option("--bands", default="", help="Band numbers in the model's order, such as 1,2,3,4.")
@click.option("--scale", nargs=2, type=float, metavar="LOW HIGH", help="Imagery values for dark and bright.")
@click.option("--extent", nargs=4, type=float, metavar="XMIN YMIN XMAX YMAX", help="In the image's CRS.")
@click.option("--pixel-size", type=float, metavar="M", help="Ground size of the map's pixels, in metres.")
@click.option("--level", type=int, help="Zoom-out of the grid, 0 to 3, in place of --pixel-size.")
@click.option("--mask", type=click.Path(), help="Polygons; only what lies in them is mapped.")
@click.option("--probabilities", type=click.Path(path_type=Path), help="Also write a band a class.")
@click.option("--float", "as_float", is_flag=True, help="Probabilities as float32, not 0 to 254.")
@click.option(
    "--confidence", type=click.Path(path_type=Path), help="Also write the chosen class' probability."
)
@click.option("--cog", is_flag=True, help="Write cloud optimised GeoTIFFs.")
@click.option("--overviews", is_flag=True, help="Read coarser levels from the image's own overviews.")
@click.option("--restart", is_flag=True, help="Do not go on with an unfinished job.")
@click.option("--readers", default=1, show_default=True, help="Threads that read the image.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no remarks.")
@click.option("-v", "--verbose", is_flag=True, help="Say more.")
def classify(image: str, out: Path, **options: Any) -> None:
    """Map the land cover of IMAGE into the GeoTIFF OUT.

    \b
    landcover classify image.tif landcover.tif --model naip-landcover
    landcover classify image.tif out.tif --bands 4,1,2 --confidence sure.tif
    """
    from ..core import classify as core
    from ..core.backends import configure, open_backend
    from ..core.grid import Extent
    from ..core.raster_io import raster_io

    reporter = TerminalReporter(quiet=options["quiet"], verbose=options["verbose"])
    configure(warn=reporter.warn)
    signal.signal(signal.SIGTERM, lambda *_: reporter.cancel())
    io = raster_io()
    source = io.open(image)
    spec = _model(options["model"], len(source.bands))
    reporter.detail(f"Model: {spec.title} ({spec.name}).")
    job = core.ClassifyOptions(
        bands=options["bands"],
        scaling=options["scale"],
        extent=Extent(*options["extent"]) if options["extent"] else None,
        pixel_size_m=options["pixel_size"],
        level=options["level"],
        mask=tuple(io.read_polygons(options["mask"], source.crs_wkt)) if options["mask"] else (),
        probabilities=options["probabilities"],
        probability_dtype="float32" if options["as_float"] else "uint8",
        confidence=options["confidence"],
        cog=options["cog"],
        overviews=options["overviews"],
        restart=options["restart"],
        readers=options["readers"],
    )
    backend = open_backend(options["backend"], spec)
    try:
        reporter.detail(f"Backend: {backend.description}.")
        with reporter:
            result = core.classify(source, spec, backend, out, job, io=io, reporter=reporter)
    finally:
        backend.close()
        source.close()
    click.echo(json.dumps(_as_json(result)) if options["as_json"] else str(result.path))


def _model(name: str, bands: int) -> Any:
    from ..core.errors import ModelError
    from ..core.model_library import best_model, find_model, list_models

    if name:
        return find_model(name)
    found = best_model(bands, list_models())
    if found is None:
        raise ModelError(f"No model here fits an image of {bands} bands; name one with --model, "
                         "or get one with landcover get-model.")  # fmt: skip
    return find_model(found.name)


def _as_json(result: Any) -> dict[str, Any]:
    return {
        "map": str(result.path),
        **{kind: str(path) for kind, path in result.others.items()},
        "pixels": {str(value): n for value, n in result.pixels.items()},
        "level": result.level,
        "seconds": round(result.seconds, 3),
        "tiles_inferred": result.inferred,
        "tiles_resumed": result.resumed,
    }
