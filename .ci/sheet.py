"""A picture: imagery beside land cover, with the legend below; drawn with Qt, without a screen."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import Resampling

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
_RUNTIME = tempfile.TemporaryDirectory()
os.environ.setdefault("XDG_RUNTIME_DIR", _RUNTIME.name)  # else Qt complains on stderr

from qgis.PyQt.QtCore import QRect, Qt
from qgis.PyQt.QtGui import QColor, QFont, QGuiApplication, QImage, QPainter

GAP, ROW, SWATCH = 16, 28, 16


def imagery_rgb(path: Path, side: int) -> npt.NDArray[np.uint8]:
    """``(row, col, 3)`` of an image, its sides at most ``side`` pixels.

    Other than 8-bit imagery is stretched to its 1st and 99th percentile.
    """
    with rasterio.open(path) as dataset:
        shape = _fitted(dataset.height, dataset.width, side)
        count = min(3, dataset.count)
        bands = dataset.read(
            list(range(1, count + 1)), out_shape=(count, *shape), resampling=Resampling.average
        )
    if bands.dtype != np.uint8:
        low, high = np.percentile(bands, (1, 99))
        bands = np.clip((bands - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.moveaxis(bands[[0, 1, 2] if count == 3 else [0, 0, 0]], 0, -1))


def map_rgb(path: Path, side: int) -> npt.NDArray[np.uint8]:
    """``(row, col, 3)`` of a class map in its own colours; NoData white."""
    with rasterio.open(path) as dataset:
        values = dataset.read(
            1, out_shape=_fitted(dataset.height, dataset.width, side), resampling=Resampling.nearest
        )
        table = np.array([dataset.colormap(1).get(i, (0, 0, 0, 0)) for i in range(256)], np.uint8)
    rgb = table[values][..., :3].copy()
    rgb[values == 255] = 255
    return rgb


def _fitted(height: int, width: int, side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def draw_sheet(
    panels: list[tuple[str, npt.NDArray[np.uint8]]], legend: list[tuple[str, str]], out: Path
) -> None:
    """Panels side by side under their titles, the legend's swatches below.

    Args:
        panels: title and ``(row, col, 3)``.
        legend: name and ``#rrggbb``.
        out: a PNG.
    """
    application = QGuiApplication.instance() or QGuiApplication(["sheet"])
    height = max(p.shape[0] for _, p in panels)
    width = sum(p.shape[1] for _, p in panels) + GAP * (len(panels) + 1)
    rows = _legend_rows(legend, width)
    page = QImage(width, ROW + height + GAP + ROW * rows, QImage.Format.Format_RGB32)
    page.fill(QColor("white"))
    painter = QPainter(page)
    painter.setFont(QFont("DejaVu Sans", 11))
    left = GAP
    for title, pixels in panels:
        painter.drawText(QRect(left, 0, pixels.shape[1], ROW), Qt.AlignmentFlag.AlignVCenter, title)
        data = np.ascontiguousarray(pixels)
        picture = QImage(
            data.tobytes(), data.shape[1], data.shape[0], data.shape[1] * 3, QImage.Format.Format_RGB888
        )
        painter.drawImage(left, ROW, picture.copy())
        left += pixels.shape[1] + GAP
    _draw_legend(painter, legend, width, ROW + height + GAP // 2)
    painter.end()
    page.save(str(out))
    del application


def _entry_width(name: str) -> int:
    return SWATCH + 10 + 9 * len(name) + GAP


def _legend_rows(legend: list[tuple[str, str]], width: int) -> int:
    left, rows = GAP, 1
    for name, _ in legend:
        if left + _entry_width(name) > width:
            left, rows = GAP, rows + 1
        left += _entry_width(name)
    return rows


def _draw_legend(painter: QPainter, legend: list[tuple[str, str]], width: int, top: int) -> None:
    left = GAP
    for name, colour in legend:
        if left + _entry_width(name) > width:
            left, top = GAP, top + ROW
        painter.fillRect(left, top + (ROW - SWATCH) // 2, SWATCH, SWATCH, QColor(colour))
        painter.drawText(
            QRect(left + SWATCH + 8, top, _entry_width(name), ROW), Qt.AlignmentFlag.AlignVCenter, name
        )
        left += _entry_width(name)
