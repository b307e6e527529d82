"""Imagery that comes as colours, as map and tile services send it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from qgis.PyQt.QtGui import QImage

from ..core.imagery import SourceBand

COLOUR_BANDS = tuple(
    SourceBand(number, colour=colour) for number, colour in enumerate(("red", "green", "blue"), start=1)
)
"""The bands of every such service."""


def pixels_of(image: QImage) -> npt.NDArray[np.uint8]:
    """``(row, col, 4)`` blue, green, red, alpha of a picture; the colours are not premultiplied."""
    image = image.convertToFormat(QImage.Format.Format_ARGB32)
    bits = image.constBits()
    bits.setsize(image.height() * image.bytesPerLine())
    rows = np.frombuffer(bytes(bits), np.uint8).reshape(image.height(), -1, 4)
    return rows[:, : image.width()].copy()
