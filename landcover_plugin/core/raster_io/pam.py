"""Class names and the attribute table of a class raster, in the ``.aux.xml`` beside it.

Written here, not by GDAL, because rasterio has no call for either, and so that every door's file
is the same.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Mapping, Sequence

from ..legend import Legend

_FIELDS = (("Value", 0, 5), ("Count", 0, 1), ("Class", 2, 2), ("Red", 0, 6), ("Green", 0, 7), ("Blue", 0, 8))
_CATEGORIES = re.compile(r"<CategoryNames>(.*?)</CategoryNames>", re.S)
_CATEGORY = re.compile(r"<Category>(.*?)</Category>|<Category\s*/>", re.S)
_MAX_BYTES = 1 << 20


def aux_xml(legend: Legend, counts: Mapping[int, int]) -> str:
    """The text of the file.

    Args:
        legend: of the map; a class such as "no data" is named only where it occurs.
        counts: pixels of each value.
    """
    shown = {c.id: c for c in legend if c.is_land_cover or counts.get(c.id)}
    names = [shown[i].name if i in shown else "" for i in range(max(shown, default=-1) + 1)]
    lines = ["<PAMDataset>", '  <PAMRasterBand band="1">', "    <CategoryNames>"]
    lines += [f"      <Category>{html.escape(name)}</Category>" for name in names]
    lines += ["    </CategoryNames>", '    <GDALRasterAttributeTable tableType="thematic">']
    for index, (name, kind, usage) in enumerate(_FIELDS):
        lines.append(f'      <FieldDefn index="{index}"><Name>{name}</Name><Type>{kind}</Type>'
                     f"<Usage>{usage}</Usage></FieldDefn>")  # fmt: skip
    for index, c in enumerate(sorted(shown.values(), key=lambda c: c.id)):
        cells = (c.id, counts.get(c.id, 0), html.escape(c.name), *c.rgb)
        lines.append(f'      <Row index="{index}">' + "".join(f"<F>{v}</F>" for v in cells) + "</Row>")
    lines += ["    </GDALRasterAttributeTable>", "  </PAMRasterBand>", "</PAMDataset>", ""]
    return "\n".join(lines)


def read_classes(path: str, palette: Mapping[int, Sequence[int]]) -> dict[int, tuple[str, str]]:
    """``{value: (name, #rrggbb)}`` from the ``.aux.xml`` beside a raster and from its palette."""
    names: list[str] = []
    aux = f"{path}.aux.xml"
    if os.path.exists(aux) and os.path.getsize(aux) <= _MAX_BYTES:
        with open(aux, encoding="utf-8", errors="replace") as f:
            found = _CATEGORIES.search(f.read())
        names = [html.unescape(m) for m in _CATEGORY.findall(found.group(1))] if found else []
    classes = {}
    for value, name in enumerate(names):
        if name:
            classes[value] = (name, _colour(palette.get(value)))
    return classes


def _colour(rgb: Sequence[int] | None) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb[:3]) if rgb is not None else "#808080"
