"""``landcover areas``: what a map covers, in hectares."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click


@click.command()
@click.argument("map_path", metavar="MAP")
@click.option("--zones", type=click.Path(), help="Polygons; areas are given for each.")
@click.option("--csv", "csv_path", type=click.Path(path_type=Path), help="Also write the table as CSV.")
@click.option("--html", "html_path", type=click.Path(path_type=Path), help="Also write it as a page.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def areas(
    map_path: str, zones: str | None, csv_path: Path | None, html_path: Path | None, as_json: bool
) -> None:
    """Area of each class of MAP, on the ellipsoid.

    \b
    landcover areas landcover.tif --zones parcels.gpkg --csv areas.csv
    """
    from ..core import areas as core
    from ..core.raster_io import raster_io

    io = raster_io()
    source = io.open(map_path)
    polygons = io.read_polygons(zones, source.crs_wkt) if zones else []
    source.close()
    table = core.class_areas(io, map_path, polygons)
    if csv_path:
        csv_path.write_text(core.areas_csv(table), "utf-8")
    if html_path:
        html_path.write_text(core.areas_html(table, Path(map_path).stem), "utf-8")
    click.echo(json.dumps([asdict(row) for row in table]) if as_json else core.areas_text(table))
