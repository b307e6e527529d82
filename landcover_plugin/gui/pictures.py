"""The pictures on buttons, sharp at any resolution."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtGui import QColor, QIcon, QPixmap

_FOLDER = Path(__file__).resolve().parents[1] / "icons"


def picture(name: str) -> QIcon:
    """A picture of the plugin's own, else QGIS' of that name."""
    own = _FOLDER / f"{name}.svg"
    return QIcon(str(own)) if own.is_file() else QgsApplication.getThemeIcon(f"/{name}.svg")


def swatch(colour: str, side: int = 16) -> QIcon:
    """A square of one colour."""
    pixels = QPixmap(side, side)
    pixels.fill(QColor(colour))
    return QIcon(pixels)
