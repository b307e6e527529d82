"""What a user does, in a real QGIS window: press the button, drag the map, press keys."""

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

pytestmark = [
    pytest.mark.skipif(not qgis_command(), reason="xvfb-run and qgis are needed to drive a window"),
    pytest.mark.xdist_group("window"),
]

COMMON = """
def live():
    return next(l for l in QgsProject.instance().mapLayers().values() if l.providerType() == 'landcover')

def grabbed(layer, canvas=None):
    # what the layer's block gives the canvas now, as numbers
    import numpy as np
    from landcover_plugin.live.repainting import view_extent
    canvas = canvas or iface.mapCanvas()
    size = canvas.mapSettings().outputSize()
    extent = view_extent(canvas, layer)[0]
    view = feed(layer).view(extent, size.height(), size.width())
    picture = feed(layer).paint(view, feed(layer).there(view, 'classes'), 'classes')
    return picture, view

def keep(name, layer):
    import numpy as np
    picture, view = grabbed(layer)
    np.savez(FOLDER + '/' + name + '.npz', picture=picture, rows=view.rows, cols=view.cols, level=view.level)
"""


def settings(folder: Path) -> dict:
    return {"models_folder": folder / "models"}


def batch(folder: Path, level: int, model: str = "four") -> np.ndarray:
    spec = find_model(model, [folder / "models"])
    backend = open_backend("onnxruntime:cpu", spec)
    io = raster_io("gdal")
    out = folder / f"batch{level}.tif"
    classify(io.open(str(folder / "image.tif")), spec, backend, out, ClassifyOptions(level=level), io=io)
    backend.close()
    return read_raster(out)[0]


def assert_is_batch(folder: Path, name: str, model: str = "four") -> None:
    """A view of the live layer equals the batch job's map, each pixel at its centre."""
    kept = np.load(folder / f"{name}.npz")
    expected = batch(folder, int(kept["level"]), model)
    rows, cols = kept["rows"], kept["cols"]
    inside = ((rows >= 0) & (rows < expected.shape[0]))[:, None] & ((cols >= 0) & (cols < expected.shape[1]))
    sampled = expected[np.clip(rows, 0, expected.shape[0] - 1)][:, np.clip(cols, 0, expected.shape[1] - 1)]
    np.testing.assert_array_equal(kept["picture"], np.where(inside, sampled, 255))


def test_the_button_paints_land_cover_that_follows_pans_and_equals_the_batch_job(folder: Path):
    result = drive(
        COMMON
        + """
def main():
    layer = load(FOLDER + '/image.tif')
    plugin()._gui.show_dock(); QTest.qWait(300)
    native(layer); wait(settled)
    click(button())
    RESULT['checked'] = plugin()._gui.action.isChecked()
    wait(lambda: painted(live())); QTest.qWait(400); wait(settled)
    keep('first', live())
    picture = iface.mapCanvas().grab().toImage()
    middle = picture.pixelColor(picture.width() // 2, picture.height() // 2)
    RESULT['middle'] = [middle.red(), middle.green(), middle.blue()]
    RESULT['legend'] = {c.value: [c.color.red(), c.color.green(), c.color.blue()] for c in live().renderer().classes()}
    before = iface.mapCanvas().center()
    drag(-300, 120); QTest.qWait(100)
    after = iface.mapCanvas().center()
    RESULT['moved'] = [round((after.x() - before.x()) / 0.6), round((after.y() - before.y()) / 0.6)]
    wait(lambda: painted(live())); wait(settled)
    keep('panned', live())
    QTest.keyClick(iface.mapCanvas(), Qt.Key_Right); QTest.qWait(200)
    wait(lambda: painted(live())); wait(settled)
    keep('key', live())
    iface.mapCanvas().zoomByFactor(2.2); QTest.qWait(200)
    wait(lambda: painted(live())); wait(settled)
    keep('coarser', live())
    RESULT['level'] = grabbed(live())[1].level
    click(button()); QTest.qWait(300)
    RESULT['off'] = [plugin()._gui.action.isChecked(), live() not in iface.mapCanvas().layers()]
    button().setFocus(); QTest.keyClick(button(), Qt.Key_Space)
    RESULT['on_by_key'] = plugin()._gui.action.isChecked()
    RESULT['layers'] = len(QgsProject.instance().mapLayers())
run(main)
""",
        folder,
        settings(folder),
    )
    assert result["checked"]
    assert result["middle"] in result["legend"].values()
    assert result["moved"] == [300, 120]
    assert result["level"] >= 1
    assert result["off"] == [False, True]
    assert result["on_by_key"]
    assert result["layers"] == 2
    for name in ("first", "panned", "key", "coarser"):
        assert_is_batch(folder, name)


def test_a_project_keeps_its_live_layer_and_an_export_is_the_batch_jobs_map(folder: Path):
    result = drive(
        COMMON
        + """
def main():
    layer = load(FOLDER + '/image.tif')
    plugin()._gui.show_dock(); QTest.qWait(300)
    native(layer); wait(settled)
    click(button())
    wait(lambda: painted(live()))
    live().setOpacity(0.6)
    plugin()._gui.switch.show_output('classes')
    from landcover_plugin.live.repainting import view_extent
    extent = view_extent(iface.mapCanvas(), live())[0]
    done = []
    plugin()._gui.exporter.view(live(), FOLDER + '/view.tif')
    wait(lambda: os.path.exists(FOLDER + '/view.tif') and not plugin()._gui.exporter._tasks, 60)
    window = feed(live()).grid.window_of(extent, 0)
    RESULT['window'] = [window.row, window.col, window.height, window.width]
    plugin()._gui.exporter.predicted(live(), FOLDER + '/predicted.tif')
    wait(lambda: os.path.exists(FOLDER + '/predicted.tif') and not plugin()._gui.exporter._tasks, 60)
    from landcover_plugin.live.exporting import around
    there = [i for i in feed(live()).cache.indices(feed(live()).setup.series) if i.level == 0]
    window = around(feed(live()), there)
    RESULT['around'] = [window.row, window.col, window.height, window.width]
    QgsProject.instance().write(FOLDER + '/project.qgz')
    QgsProject.instance().clear()
    QgsProject.instance().read(FOLDER + '/project.qgz')
    RESULT['valid'] = live().isValid()
    RESULT['opacity'] = live().opacity()
    RESULT['renderer'] = live().renderer().type()
    QTest.qWait(300); wait(lambda: painted(live())); wait(settled)
    keep('reloaded', live())
run(main)
""",
        folder,
        settings(folder),
    )
    assert result["valid"]
    assert result["opacity"] == pytest.approx(0.6)
    assert result["renderer"] == "paletted"
    assert_is_batch(folder, "reloaded")
    expected = batch(folder, 0)
    row, col, height, width = result["window"]
    np.testing.assert_array_equal(
        read_raster(folder / "view.tif")[0], expected[row : row + height, col : col + width]
    )
    row, col, height, width = result["around"]
    predicted = read_raster(folder / "predicted.tif")[0]
    np.testing.assert_array_equal(
        predicted, np.where(predicted == 255, 255, expected[row : row + height, col : col + width])
    )
    assert (predicted != 255).mean() > 0.5


def test_the_comparison_windows_follow_the_map_and_lead_it(folder: Path):
    result = drive(
        COMMON
        + """
def centres():
    return [[round(c.center().x(), 3), round(c.center().y(), 3), round(c.scale(), 3)] for c in plugin()._gui._canvases()]

def main():
    layer = load(FOLDER + '/image.tif')
    plugin()._gui.show_dock(); QTest.qWait(300)
    native(layer); wait(settled)
    click(button()); wait(lambda: painted(live()))
    click(plugin()._gui.dock.findChild(QPushButton, 'landcover_compare'))
    QTest.qWait(500)
    RESULT['opened'] = centres()
    drag(-80, 40); QTest.qWait(200)
    RESULT['followed'] = centres()
    first = plugin()._gui.comparison.canvases[0]
    first.setFocus(); drag(50, 20, first); QTest.qWait(200)
    RESULT['led'] = centres()
    wait(lambda: all(painted(live(), c) for c in plugin()._gui._canvases()))
    shown = [l for c in plugin()._gui._canvases() for l in c.layers() if l.providerType() == 'landcover']
    RESULT['feeds'] = len({id(feed(l)) for l in shown})
    RESULT['renderers'] = [c.layers()[0].renderer().type() for c in plugin()._gui.comparison.canvases]
    for dock in list(plugin()._gui.comparison._views.values()):
        dock.close()
    QTest.qWait(300)
    RESULT['left'] = len(plugin()._gui._canvases())
run(main)
""",
        folder,
        settings(folder),
    )
    for name in ("opened", "followed", "led"):
        assert len(result[name]) == 3
        assert result[name][0] == pytest.approx(result[name][1], abs=0.01)
        assert result[name][0] == pytest.approx(result[name][2], abs=0.01)
    assert result["opened"] != result["followed"] != result["led"]
    assert result["feeds"] == 1
    assert result["renderers"] == ["singlebandcolordata", "paletted"]
    assert result["left"] == 1


def test_another_map_crs_samples_the_same_classes(folder: Path):
    result = drive(
        COMMON
        + """
def main():
    import numpy as np
    layer = load(FOLDER + '/image.tif')
    native(layer); click(button()); wait(lambda: painted(live()))
    QgsProject.instance().setCrs(QgsCoordinateReferenceSystem('EPSG:32611'))
    QTest.qWait(300); wait(settled); QTest.qWait(600)
    wait(lambda: feed(live()).queue.waiting == 0); QTest.qWait(600); wait(settled)
    canvas = iface.mapCanvas()
    picture = canvas.grab().toImage()
    colours = {(c.color.red(), c.color.green(), c.color.blue()) for c in live().renderer().classes()}
    hit = 0
    for n in range(200):
        c = picture.pixelColor((n * 37) % picture.width(), (n * 53) % picture.height())
        hit += (c.red(), c.green(), c.blue()) in colours
    RESULT['hit'] = hit
run(main)
""",
        folder,
        settings(folder),
    )
    assert result["hit"] >= 150


def test_the_plugin_reloaded_while_rendering_leaves_no_thread_and_layers_that_live(folder: Path):
    result = drive(
        COMMON
        + """
def main():
    import threading
    from qgis import utils
    layer = load(FOLDER + '/image.tif')
    native(layer); click(button()); QTest.qWait(100)
    from landcover_plugin.live.threads import running
    for n in range(3):
        live().triggerRepaint(); QTest.qWait(20)
        utils.unloadPlugin('landcover_plugin')
        QTest.qWait(100)
        RESULT['left%d' % n] = running() + [t.name for t in threading.enumerate() if t.name.startswith('landcover')]
        live().triggerRepaint(); QTest.qWait(100)
        utils.loadPlugin('landcover_plugin'); utils.startPlugin('landcover_plugin')
        QTest.qWait(100)
        wait(lambda: live().isValid() and painted(live()))
    RESULT['toolbars'] = len([t for t in iface.mainWindow().findChildren(QToolButton)
                              if t.defaultAction() is plugin()._gui.action and t.isVisible()])
run(main)
""",
        folder,
        settings(folder),
    )
    assert [result[f"left{n}"] for n in range(3)] == [[], [], []]
    assert result["toolbars"] == 1


def test_an_unloaded_plugin_leaves_nothing_behind(folder: Path):
    result = drive(
        COMMON
        + """
def things_of_the_plugin():
    # QGIS keeps what stands in its list of providers for ever, and 3.22 its hooks for paths
    kinds = [type(thing) for thing in gc.get_objects()]
    return sorted({f'{k.__module__}.{k.__qualname__}' for k in kinds
                   if str(k.__module__).startswith('landcover_plugin') and k.__name__ not in ('LiveMetadata', 'PathHooks')})

def use():
    layer = load(FOLDER + '/image.tif')
    native(layer); plugin()._gui.show_dock(); click(button())
    wait(lambda: painted(live()))
    plugin()._gui.compare()
    QgsProject.instance().addMapLayer(live().clone())
    plugin()._live.tell('Nothing runs models here.', 'backend')  # a line with a button
    plugin()._gui.exporter.view(live(), FOLDER + '/stopped.tif')
    QgsApplication.taskManager().cancelAll()
    wait(lambda: QgsApplication.taskManager().countActiveTasks() == 0)
    QTest.qWait(200)
    QgsProject.instance().write(FOLDER + '/p.qgz'); QgsProject.instance().read(FOLDER + '/p.qgz')
    wait(lambda: painted(live()))

def main():
    import threading
    from qgis import utils
    RESULT['unloaded'] = []
    for n in range(2):
        use()
        QgsProject.instance().clear(); QTest.qWait(100)
        RESULT['unloaded'].append(utils.unloadPlugin('landcover_plugin'))
        if n == 0:
            utils.loadPlugin('landcover_plugin'); utils.startPlugin('landcover_plugin')
    end = time.monotonic() + 30  # Qt deletes windows, and threads end, a moment later: a longer one on a busy computer
    while True:
        QTest.qWait(300)
        gc.collect()
        if not things_of_the_plugin() or time.monotonic() > end:
            break
    RESULT['things'] = things_of_the_plugin()
    RESULT['modules'] = sorted(name for name in sys.modules if name.startswith('landcover_plugin'))
    RESULT['threads'] = [t.name for t in threading.enumerate() if 'landcover' in t.name]
    RESULT['lines'] = [item.text() for item in iface.messageBar().items()]
run(main)
""",
        folder,
        settings(folder),
    )
    assert result["unloaded"] == [True, True]
    assert result["modules"] == []
    assert result["things"] == []
    assert result["threads"] == []
    assert result["lines"] == []


def test_the_imported_model_of_2018_follows_the_map_like_any_other(tmp_path: Path):
    from landcover_plugin.core.model_formats.importing import import_model
    from tests.landcover_data import landcover_data

    published = landcover_data("models/cntk") / "250epochs.model"
    import_model(published, tmp_path / "models" / "chesapeake", overrides={"title": "Land cover of 2018"})
    write_raster(tmp_path / "image.tif", noise(4, 700, 900), tiled=True)
    result = drive(
        COMMON
        + """
def main():
    iface.mainWindow().resize(1000, 700)
    layer = load(FOLDER + '/image.tif')
    native(layer); wait(settled)
    click(button())
    wait(lambda: painted(live()), 200); QTest.qWait(400); wait(settled)
    uri = live().dataProvider().live.uri
    RESULT['model'] = uri.model
    RESULT['classes'] = len(live().renderer().classes())
    drag(-60, 40); QTest.qWait(100)
    wait(lambda: painted(live()), 200); wait(settled)
    keep('panned', live())
    RESULT['found'] = sorted(set(grabbed(live())[0].ravel().tolist()))
run(main)
""",
        tmp_path,
        {"models_folder": tmp_path / "models", "last_model": "chesapeake"},
        timeout_s=280,
    )
    assert result["model"] == "chesapeake"
    assert result["classes"] == 5
    assert set(result["found"]) <= {0, 1, 2, 3, 4, 255}
    assert_is_batch(tmp_path, "panned", "chesapeake")
