"""The pictures of the algorithms."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtGui import QIcon

_FOLDER = Path(__file__).resolve().parents[1] / "icons"


def icon(name: str = "landcover") -> QIcon:
    """A picture of the plugin; its own sign, or QGIS' raster sign, where there is none of that name."""
    for file in (_FOLDER / f"{name}.svg", _FOLDER / "landcover.svg"):
        if file.is_file():
            return QIcon(str(file))
    return QgsApplication.getThemeIcon("/mIconRaster.svg")
