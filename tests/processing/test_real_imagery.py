"""Real aerial imagery and a real network: the same map from every door."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.landcover_data import landcover_data
from tests.processing.conftest import ROOT, QgisProcess, needs_qgis_process
from tests.processing.test_headless import category_names
from tests.rasters import read_raster


@needs_qgis_process
def test_a_mosaic_of_real_chips_gets_the_same_map_from_toolbox_qgis_process_and_command(
    run: Any, qgis_process: QgisProcess, models: Path, tmp_path: Path
) -> None:
    network = landcover_data("models/cntk/250epochs.model")
    tool = landcover_data("tools/make_mosaic.py")
    image = tmp_path / "mosaic.tif"
    subprocess.run(
        [sys.executable, str(tool), str(image), "--size", "400", "--width", "1100"],
        check=True,
        capture_output=True,
    )
    run("importmodel", {"INPUT": str(network), "NAME": "chesapeake-2018"})
    toolbox, headless, command = (tmp_path / f"{n}.tif" for n in ("toolbox", "headless", "command"))
    run("classify", {"INPUT": str(image), "OUTPUT": str(toolbox)})
    done = qgis_process("run", "landcover:classify", f"--INPUT={image}", f"--OUTPUT={headless}")
    assert done.returncode == 0, done.stdout + done.stderr
    subprocess.run(
        [sys.executable, "-m", "landcover_plugin.cli.main", "classify", str(image), str(command)],
        check=True, capture_output=True, cwd=ROOT,
    )  # fmt: skip
    first = read_raster(toolbox)
    assert first.shape == (1, 200, 550)  # 0.6 m imagery, a 1 m model: level 1
    assert 255 not in first
    assert len(np.unique(first)) >= 3
    for other in (headless, command):
        assert np.array_equal(read_raster(other), first)
        assert category_names(other) == category_names(toolbox)
