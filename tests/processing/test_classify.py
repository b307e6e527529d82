from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("qgis.core", reason="QGIS' Python bindings are not here")

from qgis.core import QgsProcessingException

from landcover_plugin.core.backends import open_backend
from landcover_plugin.core.classify import classify
from landcover_plugin.core.raster_io import raster_io
from tests.rasters import noise, read_raster, write_raster
from tests.tiny_model import write_brightest_band_model


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_raster(tmp_path / "image.tif", noise(4, 150, 210))


@pytest.fixture
def model(models: Path) -> Any:
    return write_brightest_band_model(models / "brightest", halo=8, pixel_size_m=(0.6, 0.4, 1.2))


def test_the_map_is_that_of_the_core(run: Any, image: Path, model: Any, tmp_path: Path) -> None:
    out = tmp_path / "map.tif"
    results, _ = run("classify", {"INPUT": str(image), "MODEL": "brightest", "OUTPUT": str(out)})
    io = raster_io("rasterio")
    backend = open_backend("auto", model)
    classify(io.open(str(image)), model, backend, tmp_path / "core.tif", io=io)
    backend.close()
    assert results["OUTPUT"] == str(out)
    assert np.array_equal(read_raster(out), read_raster(tmp_path / "core.tif"))
    assert (tmp_path / "map.tif.aux.xml").read_text() == (tmp_path / "core.tif.aux.xml").read_text()
    expected = read_raster(image).argmax(axis=0) + 1
    assert np.array_equal(read_raster(out)[0], expected)


def test_the_log_says_what_was_chosen_and_ends_with_the_areas(
    run: Any, image: Path, model: Any, tmp_path: Path
) -> None:
    _, said = run("classify", {"INPUT": str(image), "OUTPUT": str(tmp_path / "map.tif")})
    log = "\n".join(said.infos)
    assert "A tiny model (brightest 1)" in log
    assert "near infrared 4" in log
    assert "0.03 million pixels" in log
    assert said.tables[-1].splitlines()[0].startswith("class 1")
    assert "%" in said.tables[-1]


def test_a_missing_image_is_named(run: Any, model: Any, tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere.tif")
    with pytest.raises(QgsProcessingException, match=r"nowhere\.tif"):
        run("classify", {"INPUT": missing, "OUTPUT": str(tmp_path / "map.tif")})
