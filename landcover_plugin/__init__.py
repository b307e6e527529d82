"""Land cover from aerial and satellite imagery: live in QGIS, and in batch."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def classFactory(iface: Any) -> Any:
    """The plugin object that QGIS asks for; ``iface`` is None in ``qgis_process``."""
    from .plugin import LandcoverPlugin

    return LandcoverPlugin(iface)
