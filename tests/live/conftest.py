from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.last_failure import forget_last_failure
from tests.rasters import noise, write_raster
from tests.tiny_model import write_tiny_model


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with two models: ``four`` for four bands, ``three`` for three."""
    folder = tmp_path / "models"
    for name, bands in (("four", 4), ("three", 3)):
        write_tiny_model(folder / name, bands=bands, pixel_size_m=(0.6, 0.3, 5.0), fill="reflect", name=name)
    return folder


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_raster(tmp_path / "image.tif", noise(4, 300, 421))


@pytest.fixture
def session(qgis_app, models: Path, tmp_path: Path) -> Iterator:
    """A live session with a cache of its own, closed and checked afterwards."""
    from qgis.core import QgsProject

    from landcover_plugin.live.live_settings import LiveSettings
    from landcover_plugin.live.session import LiveSession
    from landcover_plugin.live.threads import running

    made = LiveSession(
        LiveSettings("onnxruntime:cpu", 64, 64, str(models)), cache_path=tmp_path / "cache" / "tiles.sqlite"
    )
    yield made
    QgsProject.instance().clear()
    forget_last_failure()
    made.close()
    assert running() == []
