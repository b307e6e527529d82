"""The button on an ArcGIS ImageServer that takes its time to say what it has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.gui.window import drive, qgis_command
from tests.image_server import ground
from tests.tile_server import MapServer
from tests.tiny_model import write_brightest_band_model

pytestmark = [
    pytest.mark.skipif(not qgis_command(), reason="xvfb-run and qgis are needed to drive a window"),
    pytest.mark.xdist_group("window"),
]

SCRIPT = """
SERVER = os.environ['LANDCOVER_TEST_SERVER']

def live():
    return next(l for l in QgsProject.instance().mapLayers().values() if l.providerType() == 'landcover')

def turn(manner):
    import urllib.request
    urllib.request.urlopen(SERVER + '/turn/fine/' + manner, timeout=5).read()

def forget():
    # as if QGIS had just been started
    from landcover_plugin.qgis_imagery import image_server_info
    image_server_info._known.clear()
    QgsNetworkAccessManager.instance().cache().clear()

def held_up(act, until):
    # the longest time in seconds that the window stood still
    longest, last, end = 0.0, time.monotonic(), time.monotonic() + 40
    act()
    while not until():
        if time.monotonic() > end:
            raise TimeoutError('it did not happen in time')
        QApplication.processEvents()
        time.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    return longest

def main():
    import numpy as np
    said = []
    plugin()._live.said.connect(lambda text, about: said.append(text))
    uri = "crs='EPSG:3857' format='PNG32' layer='' url='%s/fine/ImageServer'" % SERVER
    layer = QgsRasterLayer(uri, 'fields', 'arcgismapserver')
    assert layer.isValid()
    QgsProject.instance().setCrs(layer.crs())
    QgsProject.instance().addMapLayer(layer)
    iface.setActiveLayer(layer)
    QTest.qWait(300); wait(settled)
    canvas = iface.mapCanvas()
    centre = layer.extent().center()
    canvas.setExtent(QgsRectangle(centre.x() - 300, centre.y() - 200, centre.x() + 300, centre.y() + 200))
    QTest.qWait(1500); wait(settled)

    turn('mum-30'); forget()
    QgsNetworkAccessManager.setTimeout(2000)
    from landcover_plugin.qgis_imagery import image_server_info
    image_server_info._TIMEOUT_MS = 1500
    RESULT['failed'] = held_up(lambda: click(button()), lambda: bool(said))
    RESULT['said'] = list(said)
    RESULT['blank'] = live().isValid() and feed_of() is None

    turn('mum-3'); forget()
    image_server_info._TIMEOUT_MS = 10_000
    QgsNetworkAccessManager.setTimeout(20_000)
    button().click()  # off
    states = []
    dock_text = lambda: plugin()._gui.dock._state._text.text()
    def painted_now():
        states.append(dock_text())
        return feed_of() is not None and painted(live())
    started = time.monotonic()
    RESULT['waited'] = held_up(lambda: click(button()), painted_now)
    RESULT['took'] = time.monotonic() - started
    RESULT['states'] = sorted(set(states))
    RESULT['extent'] = live().extent() == layer.extent()
    RESULT['crs'] = live().crs().authid()
    RESULT['after'] = said[len(RESULT['said']):]
    wait(settled)
    from landcover_plugin.live.repainting import view_extent
    size = canvas.mapSettings().outputSize()
    view = feed(live()).view(view_extent(canvas, live())[0], size.height(), size.width())
    picture = feed(live()).paint(view, feed(live()).there(view, 'classes'), 'classes')
    np.savez(FOLDER + '/picture.npz', picture=picture, rows=view.rows, cols=view.cols, level=view.level)
    button().grab()
    shot('image-service')

def feed_of():
    return live().dataProvider().live.feed

run(main)
"""


@pytest.fixture
def server() -> Iterator[MapServer]:
    running = MapServer()
    yield running
    running.close()


def test_the_window_goes_on_while_a_service_is_asked_what_it_has(tmp_path: Path, server: MapServer):
    write_brightest_band_model(
        tmp_path / "models" / "bright4", bands=4, tile=256, pixel_size_m=(0.6, 0.3, 2.0), name="bright4"
    )
    result = drive(
        SCRIPT,
        tmp_path,
        {"models_folder": tmp_path / "models", "disk_mb": 0},
        environment={"LANDCOVER_TEST_SERVER": server.url},
    )
    assert result["failed"] < 1.2  # the service was silent for all its time limit
    assert len(result["said"]) == 1
    assert "did not say what it has" in result["said"][0]
    assert "127.0.0.1" in result["said"][0]
    assert result["blank"]
    assert result["took"] > 2.5
    assert result["waited"] < 1.2
    assert any("Asking 127.0.0.1" in state for state in result["states"])
    assert result["after"] == []
    assert result["extent"]
    assert result["crs"] == "EPSG:3857"
    kept = np.load(tmp_path / "picture.npz")
    assert kept["level"] == 0
    rows, cols = kept["rows"], kept["cols"]
    expected = ground(rows[0], cols[0], rows[-1] - rows[0] + 1, cols[-1] - cols[0] + 1).argmax(axis=0) + 1
    np.testing.assert_array_equal(kept["picture"], expected[rows - rows[0]][:, cols - cols[0]])
