"""The plugin loads quickly, unloads without a trace, and loads again."""

from __future__ import annotations

import gc
import importlib.util
import os
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest

if importlib.util.find_spec("qgis") is None:
    pytest.skip("QGIS' Python bindings are not here", allow_module_level=True)

from qgis.core import QgsApplication

import landcover_plugin

ROOT = Path(__file__).resolve().parents[1]


def algorithms() -> list[str]:
    provider = QgsApplication.processingRegistry().providerById("landcover")
    return sorted(a.name() for a in provider.algorithms()) if provider else []


def test_it_loads_unloads_and_loads_again(qgis_app: Any, qgis_iface: Any) -> None:
    for iface in (None, qgis_iface, qgis_iface):
        assert algorithms() == []
        plugin = landcover_plugin.classFactory(iface)
        if iface is None:
            plugin.initProcessing()
        else:
            plugin.initGui()
        assert algorithms() == ["classareas", "classify", "importmodel", "modelinfo"]
        plugin.initProcessing()
        assert len(algorithms()) == 4
        alive = weakref.ref(plugin)
        plugin.unload()
        plugin.unload()
        assert algorithms() == []
        del plugin
        gc.collect()
        assert alive() is None


_LOAD = """
import sys
from pytest_qgis.mock_qgis_classes import MockMessageBar
from pytest_qgis.qgis_interface import QgisInterface
from qgis.core import QgsApplication
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtWidgets import QMainWindow
app = QgsApplication([], True)
app.initQgis()
window = QMainWindow()
iface = QgisInterface(QgsMapCanvas(window), MockMessageBar(), window)
before = set(sys.modules)
import landcover_plugin
plugin = landcover_plugin.classFactory(iface)
plugin.{}()
if plugin._gui is not None:
    plugin._gui.dock.refresh()
print(*(set(sys.modules) - before))
sys.stdout.flush()
import os; os._exit(0)
"""
HEAVY = {"numpy", "osgeo", "onnx", "onnxruntime", "requests", "sqlite3", "landcover_plugin.live.feeds"}


def imported_by(step: str) -> set[str]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", _LOAD.format(step)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("step", ["initProcessing", "initGui"])
def test_qgis_starts_without_waiting_for_anything_heavy(step: str) -> None:
    imported = imported_by(step)
    assert "landcover_plugin.live.session" in imported
    assert ("landcover_plugin.gui.dock" in imported) == (step == "initGui")
    assert not HEAVY & imported
