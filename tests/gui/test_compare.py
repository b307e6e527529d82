from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.rasters import noise, write_raster

qgis = pytest.importorskip("qgis.core")


def test_comparison_windows_do_not_fetch_what_the_map_fetches(qgis_app: Any, tmp_path: Path) -> None:
    from landcover_plugin.gui.compare import below_land_cover

    photo = qgis.QgsRasterLayer(str(write_raster(tmp_path / "photo.tif", noise(3, 40, 50))), "photo")
    tiles = qgis.QgsRasterLayer("type=xyz&url=http://127.0.0.1:9/%7Bz%7D/%7Bx%7D/%7By%7D.png", "tiles", "wms")
    places = qgis.QgsVectorLayer("Point?crs=EPSG:4326", "places", "memory")
    assert tiles.isValid()
    assert below_land_cover([places, tiles, photo]) == [places, photo]
