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
from qgis.core import QgsApplication
app = QgsApplication([], False)
app.initQgis()
before = set(sys.modules)
from landcover_plugin.processing.provider import LandcoverProvider
QgsApplication.processingRegistry().addProvider(LandcoverProvider())
print(*(set(sys.modules) - before))
sys.stdout.flush()
import os; os._exit(0)
"""


def test_the_algorithms_import_nothing_heavy() -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", _LOAD], capture_output=True, text=True, check=True, env=environment
    )
    assert not {"numpy", "osgeo", "onnx", "onnxruntime", "requests", "sqlite3"} & set(done.stdout.split())
