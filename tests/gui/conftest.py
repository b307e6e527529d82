"""What most windows are driven with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rasters import noise, write_raster
from tests.tiny_model import write_tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small model, and imagery larger than a view."""
    write_tiny_model(
        tmp_path / "models" / "four", classes=4, tile=256, halo=16, kernel=5, pixel_size_m=(0.6, 0.3, 2.5),
        fill="reflect",
    )  # fmt: skip
    write_raster(tmp_path / "image.tif", noise(4, 1700, 2300), tiled=True)
    return tmp_path
