"""Area of each class of a map, on the ellipsoid."""

from __future__ import annotations

import csv
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO

import numpy as np
import numpy.typing as npt

from .errors import CancelledError, ImageryError, NoCrsError
from .grid import Window
from .ground import row_areas
from .imagery import ImagerySource, grid_of
from .legend import NODATA
from .raster_io import Polygon, RasterIo

_BLOCK = 512
_NARROW = 256
_HECTARE = 1e4
_KM2 = 1e6
EVERYWHERE = ""
"""Zone name of figures for the whole map."""


@dataclass(frozen=True)
class ClassArea:
    """Area of one class in one zone.

    Args:
        zone: the zone's name, empty for the whole map.
        value: the class id.
        name: of the class.
        colour: ``#rrggbb``.
        pixels: how many.
        area_m2: in square metres.
        share: of the zone's classified area, 0 to 1.
    """

    zone: str
    value: int
    name: str
    colour: str
    pixels: int
    area_m2: float
    share: float


def class_areas(
    io: RasterIo,
    path: str,
    zones: Sequence[Polygon] = (),
    progress: Callable[[float], bool] = lambda _: True,
) -> list[ClassArea]:
    """Areas of the classes of a map, for the whole of it or for each zone.

    Pixels count where their centre lies in a zone; zones may overlap.

    Args:
        io: reads the raster.
        path: a raster of class ids; its NoData value and 255 do not count.
        zones: polygons in the map's CRS; none for the whole map.
        progress: told the share done, 0 to 1; returns False to stop.

    Raises:
        NoCrsError: the map has no CRS, so its pixels have no area.
        ImageryError: not a raster of classes.
        CancelledError: ``progress`` said so.
    """
    source = io.open(path)
    try:
        counter = _AreaCounter(io, source, zones)
        counter.run(progress)
    finally:
        source.close()
    return counter.table(io.classes_of(path))


class _AreaCounter:
    """Sums pixels and areas block by block."""

    def __init__(self, io: RasterIo, source: ImagerySource, zones: Sequence[Polygon]) -> None:
        if source.crs_wkt is None:
            raise NoCrsError(
                f"{source.name} has no CRS, so its pixels have no area; assign one and try again."
            )
        if source.bands[0].dtype != "uint8":
            raise ImageryError(
                f"{source.name} holds {source.bands[0].dtype}, not classes; choose a map of 8-bit class ids."
            )
        self._io, self._source, self._zones = io, source, list(zones)
        self._crs_wkt = source.crs_wkt
        self._grid = grid_of(source, _BLOCK)
        names = [z.name for z in self._zones] or [EVERYWHERE]
        self._names = names
        self._pixels = np.zeros((len(names), 256), np.int64)
        self._areas = np.zeros((len(names), 256), np.float64)

    def _to_lonlat(
        self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        return self._io.to_lonlat(self._crs_wkt, x, y)

    def run(self, progress: Callable[[float], bool]) -> None:
        """Visit every block."""
        blocks = list(self._grid.tiles_in(self._grid.window()))
        for done, index in enumerate(blocks):
            if not progress(done / len(blocks)):
                raise CancelledError("Stopped.")
            self._count(self._grid.map_window(index))
        progress(1.0)

    def _count(self, window: Window) -> None:
        extent = self._grid.extent(window)
        zones = [n for n, z in enumerate(self._zones) if z.bounds.touches(extent)]
        if self._zones and not zones:
            return
        values = self._source.read(window, (1,))[0]
        areas = self._pixel_areas(window)
        if not self._zones:
            self._add(0, values, areas, None)
        geotransform = self._grid.geotransform(window)
        for n in zones:
            inside = self._io.rasterise([self._zones[n]], geotransform, window.height, window.width)
            self._add(n, values, areas, inside)

    def _pixel_areas(self, window: Window) -> npt.NDArray[np.float64]:
        """``(row, part)``: area of a pixel in each row of each narrow part of the window."""
        parts = [
            Window(window.row, col, window.height, min(_NARROW, window.col_end - col))
            for col in range(window.col, window.col_end, _NARROW)
        ]
        return np.stack([row_areas(self._grid, self._to_lonlat, part) for part in parts], axis=1)

    def _add(
        self,
        zone: int,
        values: npt.NDArray[np.uint8],
        areas: npt.NDArray[np.float64],
        inside: npt.NDArray[np.bool_] | None,
    ) -> None:
        rows = np.arange(len(values))[:, None] * 256
        for part in range(areas.shape[1]):
            cut = slice(part * _NARROW, (part + 1) * _NARROW)
            keys = rows + values[:, cut]
            keys = keys.ravel() if inside is None else keys[inside[:, cut]]
            counts = np.bincount(keys, minlength=len(values) * 256).reshape(-1, 256)
            self._pixels[zone] += counts.sum(axis=0)
            self._areas[zone] += np.nan_to_num(areas[:, part]) @ counts

    def table(self, classes: Mapping[int, tuple[str, str]]) -> list[ClassArea]:
        """One row a zone and class, classes that do not occur in a zone included with 0."""
        nodata = {NODATA} | {int(b.nodata) for b in self._source.bands[:1] if b.nodata is not None}
        present = {int(v) for v in np.flatnonzero(self._pixels.sum(axis=0))}
        values = sorted((present | set(classes)) - nodata)
        table = []
        for n, zone in enumerate(self._names):
            total = float(self._areas[n, values].sum())
            for value in values:
                name, colour = classes.get(value, (f"class {value}", "#808080"))
                area = float(self._areas[n, value])
                share = area / total if total else 0.0
                table.append(ClassArea(zone, value, name, colour, int(self._pixels[n, value]), area, share))
        return table


def format_area(area_m2: float) -> str:
    """An area in the unit that suits its size: m², ha or km²."""
    if area_m2 >= 10 * _KM2:
        return f"{area_m2 / _KM2:,.1f} km²"
    if area_m2 >= _HECTARE:
        return f"{area_m2 / _HECTARE:,.2f} ha"
    return f"{area_m2:,.0f} m²"


def areas_csv(table: Sequence[ClassArea]) -> str:
    """The table as CSV with a header line."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["zone", "class", "name", "pixels", "area_m2", "share"])
    for row in table:
        writer.writerow([row.zone, row.value, row.name, row.pixels, f"{row.area_m2:.2f}", f"{row.share:.6f}"])
    return text.getvalue()


def areas_text(table: Sequence[ClassArea]) -> str:
    """The table in aligned columns, for a terminal or a log."""
    rows = [(r.zone, r.name, format_area(r.area_m2), f"{100 * r.share:.1f} %") for r in table if r.pixels]
    if not rows:
        return "No classified ground."
    widths = [max(len(r[i]) for r in rows) for i in range(4)]
    lines = []
    for zone, name, area, share in rows:
        first = f"{zone:<{widths[0]}}  " if widths[0] else ""
        lines.append(f"{first}{name:<{widths[1]}}  {area:>{widths[2]}}  {share:>{widths[3]}}")
    return "\n".join(lines)


def areas_html(table: Sequence[ClassArea], title: str) -> str:
    """The table as a page with a bar for each share."""
    body = []
    for row in table:
        swatch = f'<span style="display:inline-block;width:1em;height:1em;background:{row.colour}"></span>'
        bar = f'<div style="width:{200 * row.share:.0f}px;height:0.8em;background:{row.colour}"></div>'
        body.append(
            f"<tr><td>{html.escape(row.zone)}</td><td>{swatch} {html.escape(row.name)}</td>"
            f'<td align="right">{row.pixels:,}</td><td align="right">{format_area(row.area_m2)}</td>'
            f'<td align="right">{100 * row.share:.1f} %</td><td>{bar}</td></tr>'
        )
    head = "<tr><th>Zone</th><th>Class</th><th>Pixels</th><th>Area</th><th>Share</th><th></th></tr>"
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title></head>"
        f'<body style="font-family:sans-serif"><h1>{html.escape(title)}</h1>'
        f'<table cellpadding="4">{head}{"".join(body)}</table></body></html>\n'
    )
