# ruff: noqa
# Runs inside QGIS, after the prelude of tests/gui/window.py.
import threading

import numpy as np

CALLS = []
PAINTED = [0, None, 0]  # tiles in the last picture, its view, and when it was drawn


def watch():
    from landcover_plugin.live.feed import TileFeed

    real = TileFeed.paint

    def paint(self, view, tiles, output):
        CALLS.append((view.shape, len(tiles), len(view.tiles())))
        if view.shape[0] > 400:  # not the dock's sample
            PAINTED[0], PAINTED[1] = len(tiles), view
        return real(self, view, tiles, output)

    TileFeed.paint = paint


def live():
    return next(l for l in QgsProject.instance().mapLayers().values() if l.providerType() == "landcover")


def frames_until(done, seconds=60):
    """Seconds until the first frame that shows a tile, and until the one after which done() holds."""
    started, first, counted = time.perf_counter(), [], []
    canvas = iface.mapCanvas()

    def refreshed():
        counted.append((round(time.perf_counter() - started, 2), PAINTED[0]))
        if PAINTED[0] and not first:
            first.append(time.perf_counter() - started)

    canvas.mapCanvasRefreshed.connect(refreshed)
    end = time.monotonic() + seconds
    while not (first and done()):
        QApplication.processEvents()
        time.sleep(0.001)
        if time.monotonic() > end:
            faulthandler.dump_traceback(all_threads=True)
            canvas_state = (
                canvas.isDrawing(),
                PAINTED[0],
                feed(live()).queue.waiting,
                canvas.renderFlag(),
                [l.name() for l in canvas.layers()],
                canvas.extent().toString(0),
                counted,
                CALLS[-3:],
            )
            raise TimeoutError(f"the view was not painted: {canvas_state}, {plugin()._gui._repainter._gates}")
    whole = time.perf_counter() - started
    canvas.mapCanvasRefreshed.disconnect(refreshed)
    return first[0], whole


def all_painted():
    view = PAINTED[1]
    return view is not None and PAINTED[0] == len(view.tiles()) and not iface.mapCanvas().isDrawing()


def measure_tile(layer):
    """Read and infer, one tile after another, far from where the views are."""
    from landcover_plugin.core.backends import Priority
    from landcover_plugin.core.chips import ChipReader
    from landcover_plugin.core.grid import TileIndex

    f = feed(layer)
    reader = ChipReader(f.imagery.sources[0].reopen(), f.grid, f.setup.choice.recipe)
    times = {}
    for outputs in (("classes", "probabilities8"), ("classes",)):
        for n in range(7):
            t = time.perf_counter()
            chip = reader.read(TileIndex(0, 0, n))
            f.setup.backend.submit(chip.pixels[None], outputs, Priority.LIVE).result()
            times.setdefault(outputs, []).append(time.perf_counter() - t)
    reader.close()
    RESULT["tile_s"] = float(np.median(times["classes", "probabilities8"][1:]))
    RESULT["tile_classes_s"] = float(np.median(times["classes",][1:]))


def frame_times(n=15):
    times = []
    for k in range(n):
        center = iface.mapCanvas().center()
        iface.mapCanvas().setCenter(QgsPointXY(center.x() + (-1) ** k * 60, center.y()))
        t = time.perf_counter()
        iface.mapCanvas().refresh()
        done = []
        slot = lambda: done.append(1)
        iface.mapCanvas().mapCanvasRefreshed.connect(slot)
        while not done:
            QApplication.processEvents()
        iface.mapCanvas().mapCanvasRefreshed.disconnect(slot)
        times.append(time.perf_counter() - t)
    return times


def pauses(seconds, act):
    """Gaps between turns of the main loop while something happens, the longest hundredth."""
    gaps, last = [], [time.perf_counter()]
    timer = QTimer()

    def beat():
        now = time.perf_counter()
        gaps.append(now - last[0])
        last[0] = now

    timer.timeout.connect(beat)
    timer.start(1)
    act()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QTest.qWait(20)
    timer.stop()
    return float(np.percentile(gaps, 99)), max(gaps)


def main():
    faulthandler.dump_traceback_later(580, exit=True)
    t = time.perf_counter()
    from qgis import utils

    utils.unloadPlugin("landcover_plugin")
    utils.loadPlugin("landcover_plugin")
    t = time.perf_counter()
    utils.startPlugin("landcover_plugin")
    RESULT["init_s"] = time.perf_counter() - t
    watch()
    gui = plugin()._gui
    layer = load(FOLDER + "/mosaic.tif")
    gui.show_dock()
    iface.mainWindow().findChild(QDockWidget, "Browser").hide()
    QTest.qWait(500)
    native(layer)
    wait(settled)
    QTest.qWait(500)
    size = iface.mapCanvas().mapSettings().outputSize()
    RESULT["canvas"] = [size.width(), size.height()]
    gui.switch._session.cache.clear()

    click(button())
    first, whole = frames_until(all_painted)
    RESULT["cold"] = {"first_s": first, "whole_s": whole, "tiles": len(PAINTED[1].tiles())}
    RESULT["backend"] = feed(live()).setup.backend.description
    QTest.qWait(2000)
    measure_tile(live())

    click(button())
    QTest.qWait(500)
    gui.clear()  # and so what the map itself kept of the layer
    PAINTED[:] = [0, None, 0]
    click(button())
    first, whole = frames_until(all_painted)
    RESULT["warm"] = {"first_s": first, "whole_s": whole, "tiles": len(PAINTED[1].tiles())}
    QTest.qWait(500)

    # frames over predicted ground, and over a file with the same classes
    native(layer)
    QTest.qWait(500)
    wait(settled)
    wait(lambda: painted(live()), 60)
    center = iface.mapCanvas().center()
    iface.mapCanvas().setCenter(QgsPointXY(center.x() + 60, center.y()))
    wait(lambda: painted(live()), 60)
    QTest.qWait(1500)
    wait(settled)
    iface.mapCanvas().setCenter(center)
    QTest.qWait(500)
    wait(settled)
    RESULT["live_frames_s"] = frame_times()
    gui.exporter.predicted(live(), FOLDER + "/predicted.tif")
    wait(lambda: not gui.exporter._tasks, 60)
    made = next(l for l in QgsProject.instance().mapLayers().values() if "predicted" in l.source())
    root = QgsProject.instance().layerTreeRoot()
    root.findLayer(live().id()).setItemVisibilityChecked(False)
    QTest.qWait(500)
    wait(settled)
    RESULT["file_frames_s"] = frame_times()
    QgsProject.instance().removeMapLayer(made.id())
    QTest.qWait(300)
    wait(settled)

    # interface pauses: pan over new ground without, and with the layer
    def pan_about():
        for k in range(6):
            drag(-250, 0)
            QTest.qWait(150)

    native(layer, 2000, 5200)
    QTest.qWait(500)
    wait(settled)
    RESULT["pause_without_p99_s"], RESULT["pause_without_max_s"] = pauses(4, pan_about)
    iface.setActiveLayer(layer)
    root.findLayer(live().id()).setItemVisibilityChecked(True)
    native(layer, 2000, 5200)
    QTest.qWait(100)
    RESULT["pause_live_p99_s"], RESULT["pause_live_max_s"] = pauses(4, pan_about)
    RESULT["tile_rate"] = feed(live()).tiles_a_second()

    # a jump in mid-view
    native(layer, 2000, 6800)
    QTest.qWait(150)
    PAINTED[:] = [0, None, 0]
    native(layer, 6000, 1500)
    RESULT["jump_s"], _ = frames_until(lambda: True)

    # half a view every two seconds
    native(layer, 1500, 3500)
    QTest.qWait(300)
    wait(lambda: painted(live()), 120)
    QTest.qWait(1000)
    RESULT["pans"] = []
    width = iface.mapCanvas().viewport().width()
    for k in range(5):
        drag(-width // 2 + 20, 0)
        new = None
        QTest.qWait(120)
        new = len(PAINTED[1].tiles()) - PAINTED[0]
        QTest.qWait(1880 - 60)
        view = PAINTED[1]
        there = len(feed(live()).there(view, "classes"))
        total = len(view.tiles())
        per_pan = max(1, total // 2)
        held = min(1.0, (total - per_pan + 2.0 / RESULT["tile_s"]) / total)
        RESULT["pans"].append([there / total, held])

    # a basemap that needs two seconds a frame
    from qgis.core import QgsPluginLayer, QgsMapLayerRenderer

    finished, cancelled = [], []

    class SlowRenderer(QgsMapLayerRenderer):
        def __init__(self, layer_id, context):
            super().__init__(layer_id, context)
            self._context = context

        def render(self):
            end = time.monotonic() + 2
            while time.monotonic() < end:
                if self._context.renderingStopped():
                    cancelled.append(1)
                    return False
                time.sleep(0.02)
            finished.append(1)
            return True

    KEEP = []

    class SlowLayer(QgsPluginLayer):
        def __init__(self):
            super().__init__("slow", "slow")
            self.setValid(True)
            self.setCrs(layer.crs())

        def extent(self):
            return layer.extent()

        def setTransformContext(self, context):
            pass

        def createMapRenderer(self, context):
            KEEP.append(SlowRenderer(self.id(), context))
            return KEEP[-1]

    slow = SlowLayer()
    native(layer, 6500, 6500)
    QTest.qWait(100)
    QgsProject.instance().addMapLayer(slow)
    drag(-300, -200)
    QTest.qWait(6000)
    RESULT["basemap_finished"] = bool(finished)
    RESULT["basemap"] = [len(finished), len(cancelled)]
    QgsProject.instance().removeMapLayer(slow.id())
    QTest.qWait(300)
    gc.collect()
    RESULT["rss_mb"] = int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
    shot("bench")


run(main)
