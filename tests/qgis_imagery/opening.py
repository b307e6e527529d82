"""Layers opened as imagery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qgis.core import QgsRasterLayer

from landcover_plugin.core.imagery import ImagerySource
from landcover_plugin.qgis_imagery import LayerImagery


@contextmanager
def opened(uri: str, provider: str = "wms", best: float = 1.2, **options: Any) -> Iterator[ImagerySource]:
    layer = QgsRasterLayer(uri, "some imagery", provider)
    assert layer.isValid()
    source = LayerImagery(layer).open(best, **options)
    try:
        yield source
    finally:
        source.close()
