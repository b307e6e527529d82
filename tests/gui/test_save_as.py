"""QGIS' own *Save as* dialogue on a live layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from landcover_plugin.core.backends.opening import open_backend
from landcover_plugin.core.classify import ClassifyOptions, classify
from landcover_plugin.core.model_library import find_model
from landcover_plugin.core.raster_io import raster_io
from tests.gui.window import drive, qgis_command
from tests.rasters import noise, read_raster, write_raster
from tests.tiny_model import write_tiny_model

pytestmark = [
    pytest.mark.skipif(not qgis_command(), reason="xvfb-run and qgis are needed to drive a window"),
    pytest.mark.xdist_group("window"),
]

SCRIPT = """
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtWidgets import QAction, QDialogButtonBox

def live():
    return next(l for l in QgsProject.instance().mapLayers().values() if l.providerType() == 'landcover')

def save_as(path):
    def fill():
        dialogue = QApplication.activeModalWidget()
        if dialogue is None:
            QTimer.singleShot(100, fill)
            return
        dialogue.findChild(QgsFileWidget, 'mFilename').setFilePath(path)
        QTest.qWait(100)
        boxes = dialogue.findChildren(QDialogButtonBox)
        click(next(box.button(QDialogButtonBox.Ok) for box in boxes if box.button(QDialogButtonBox.Ok)))
    QTimer.singleShot(300, fill)
    iface.setActiveLayer(live())
    iface.mainWindow().findChild(QAction, 'mActionLayerSaveAs').trigger()
    QTest.qWait(200)
    wait(lambda: QgsApplication.taskManager().countActiveTasks() == 0, 60)
    QTest.qWait(500)

def texts():
    return [item.text() for item in iface.messageBar().items()]

def main():
    layer = load(FOLDER + '/image.tif')
    native(layer); wait(settled)
    click(button()); wait(lambda: painted(live()))
    save_as(FOLDER + '/whole.tif')
    RESULT['whole'] = sorted(l.name() for l in QgsProject.instance().mapLayers().values())
    QgsProject.instance().removeMapLayer(next(l.id() for l in QgsProject.instance().mapLayers().values() if l.name() == 'whole'))
    iface.messageBar().clearWidgets()

    plugin()._gui._session.cache.clear()
    from landcover_plugin.core.errors import BackendError
    from landcover_plugin.core.backends.onnxruntime import OnnxRuntimeRunner
    def dead(self, *given):
        raise BackendError('The backend is gone.')
    OnnxRuntimeRunner.run = dead
    save_as(FOLDER + '/holes.tif')
    RESULT['texts'] = texts()
    RESULT['layers'] = sorted(l.name() for l in QgsProject.instance().mapLayers().values())
    shot('save-as')
run(main)
"""


def test_save_as_writes_the_batch_jobs_map_or_nothing(tmp_path: Path):
    write_tiny_model(
        tmp_path / "models" / "four", classes=4, tile=256, halo=16, kernel=5, pixel_size_m=(0.6, 0.3, 2.5),
        fill="reflect",
    )  # fmt: skip
    write_raster(tmp_path / "image.tif", noise(4, 600, 800), tiled=True)
    result = drive(SCRIPT, tmp_path, {"models_folder": tmp_path / "models", "disk_mb": 0})
    spec = find_model("four", [tmp_path / "models"])
    backend = open_backend("onnxruntime:cpu", spec)
    io = raster_io("gdal")
    classify(
        io.open(str(tmp_path / "image.tif")),
        spec,
        backend,
        tmp_path / "batch.tif",
        ClassifyOptions(level=0),
        io=io,
    )
    backend.close()
    assert result["whole"] == ["Land cover of imagery", "imagery", "whole"]
    np.testing.assert_array_equal(
        read_raster(tmp_path / "whole.tif")[0], read_raster(tmp_path / "batch.tif")[0]
    )
    assert result["layers"] == ["Land cover of imagery", "imagery"]
    assert not list(tmp_path.glob("holes*"))
    assert any("holes.tif was not written" in t and "The backend is gone." in t for t in result["texts"])
    assert not any("uccessfully" in t for t in result["texts"])
