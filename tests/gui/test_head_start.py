"""The first press finds everything ready, where that needs nobody but this computer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gui.window import drive, qgis_command
from tests.rasters import noise, write_raster
from tests.tiny_model import write_tiny_model

pytestmark = [
    pytest.mark.skipif(not qgis_command(), reason="xvfb-run and qgis are needed to drive a window"),
    pytest.mark.xdist_group("window"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tiny_model(tmp_path / "models" / "four", classes=4, tile=256, halo=16, pixel_size_m=(0.6, 0.3, 2.5))
    write_raster(tmp_path / "image.tif", noise(4, 900, 1100), tiled=True)
    return tmp_path


def test_imagery_and_model_are_open_before_the_first_press_and_are_let_go_of(folder: Path) -> None:
    result = drive(
        """
def main():
    RESULT['at_start'] = 'landcover_plugin.live.feeds' in sys.modules
    gui, session = plugin()._gui, plugin()._live
    layer = load(FOLDER + '/image.tif')
    RESULT['at_once'] = gui.head_start.is_ready
    wait(lambda: gui.head_start.is_ready, 60)
    ready = session.feeds[0]
    RESULT['backend'] = ready.setup.backend.description
    native(layer); wait(settled)
    click(button())
    live = next(l for l in QgsProject.instance().mapLayers().values() if l.providerType() == 'landcover')
    RESULT['taken_over'] = feed(live) is ready and len(session.feeds) == 1
    wait(lambda: painted(live))
    wait(lambda: gui.head_start._held is None)
    QgsProject.instance().removeMapLayer(live.id())
    live = None
    wait(lambda: gui.head_start.is_ready, 60)
    QgsProject.instance().clear()
    wait(lambda: gui.head_start._held is None)
    gc.collect()
    RESULT['held'] = len(ready.users)
run(main)
""",
        folder,
        {"models_folder": folder / "models"},
    )
    assert not result["at_start"]
    assert not result["at_once"]
    assert "ONNX Runtime" in result["backend"]
    assert result["taken_over"]
    assert result["held"] == 0


def test_nothing_is_asked_of_a_server_or_a_service_before_the_press(folder: Path) -> None:
    result = drive(
        """
def main():
    from dataclasses import replace
    gui, session = plugin()._gui, plugin()._live
    begun = []
    real = gui.head_start._begin
    gui.head_start._idle.timeout.disconnect()
    gui.head_start._idle.timeout.connect(lambda: (real(), begun.append(gui.head_start._uri())))
    session.apply(replace(session.settings, backend='http://127.0.0.1:9'))
    load(FOLDER + '/image.tif')
    wait(lambda: begun, 30)
    session.apply(replace(session.settings, backend='onnxruntime:cpu'))
    QgsProject.instance().clear(); begun.clear()
    service = QgsRasterLayer('type=xyz&url=http://127.0.0.1:9/%7Bz%7D/%7Bx%7D/%7By%7D.png', 'tiles', 'wms')
    QgsProject.instance().addMapLayer(service); iface.setActiveLayer(service)
    wait(lambda: begun, 30)
    RESULT['begun'] = begun
    RESULT['feeds'] = len(session.feeds)
run(main)
""",
        folder,
        {"models_folder": folder / "models"},
    )
    assert set(result["begun"]) == {None}
    assert result["feeds"] == 0
