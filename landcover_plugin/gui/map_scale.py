"""The map's scale, kept while panels open beside the map."""

from __future__ import annotations

from typing import Any

from qgis.PyQt import sip
from qgis.PyQt.QtCore import QTimer


def keep_scale(canvas: Any) -> None:
    """Let a map window that is about to shrink show less ground at the same scale.

    QGIS would keep the ground and zoom out, and with it what was predicted would be at a wrong level.
    """
    scale = canvas.scale()

    def restore() -> None:
        if not sip.isdeleted(canvas) and scale > 0 and abs(canvas.scale() / scale - 1) > 1e-6:
            canvas.zoomScale(scale)

    # after Qt has laid the window out
    QTimer.singleShot(0, restore)
