# ruff: noqa
# Runs inside QGIS, after the prelude of tests/gui/window.py.
import threading
from pathlib import Path

import numpy as np

CALLS = []
PAINTED = [0, None, 0]  # tiles in the last picture, its view, and when it was drawn
KEPT = []
wait.__defaults__ = (120, "")  # whatever else the machine does, the run ends with its figures


def watch():
    """Count the tiles of each picture; after the press, for the press is what imports the feed."""
    from landcover_plugin.live.feed import TileFeed

    if hasattr(TileFeed, "unwatched"):
        return
    real = TileFeed.unwatched = TileFeed.paint

    def paint(self, view, tiles, output):
        CALLS.append((view.shape, len(tiles), len(view.tiles())))
        if view.shape[0] > 400:  # not the dock's sample
            PAINTED[0], PAINTED[1] = len(tiles), view
        return real(self, view, tiles, output)

    TileFeed.paint = paint


def live():
    return next(l for l in QgsProject.instance().mapLayers().values() if l.providerType() == "landcover")


def frames_until(done, seconds=120, since=None):
    """Seconds until the first frame that shows a tile, and until the one after which done() holds."""
    started, first, counted = since or time.perf_counter(), [], []
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


def begin():
    """The plugin started anew, the imagery at its own pixels, nothing predicted yet."""
    from qgis import utils

    utils.unloadPlugin("landcover_plugin")
    for name in [m for m in sys.modules if m.startswith("landcover_plugin")]:
        del sys.modules[name]
    utils.loadPlugin("landcover_plugin")
    t = time.perf_counter()
    utils.startPlugin("landcover_plugin")
    RESULT["init_s"] = time.perf_counter() - t
    plugin()._gui.show_dock()
    for name in ("Browser", "Layers"):
        iface.mainWindow().findChild(QDockWidget, name).hide()
    layer = load(FOLDER + "/mosaic.tif")
    native(layer)
    QTest.qWait(500)  # QGIS draws a map once more half a second after it got its size
    wait(settled, 60)
    size = iface.mapCanvas().mapSettings().outputSize()
    RESULT["canvas"] = [size.width(), size.height()]
    return layer


def press(kind):
    """The button, until the whole view is painted."""
    PAINTED[:] = [0, None, 0]
    target = button()  # finding it among all of QGIS' takes a while
    started = time.perf_counter()
    click(target)
    pressed = time.perf_counter() - started
    watch()
    first, whole = frames_until(all_painted, since=started)
    RESULT[kind] = {"first_s": first, "whole_s": whole, "tiles": len(PAINTED[1].tiles()), "press_s": pressed}
    RESULT["backend"] = feed(live()).setup.backend.description
    QTest.qWait(2000)


def at_once():
    """The very first press, before QGIS had a moment to get ready."""
    begin()
    RESULT["was_ready"] = plugin()._gui.head_start.is_ready
    press("cold")
    measure_tile(live())


def ready():
    """The first press, once QGIS had a moment to get ready."""
    layer = begin()
    wait(lambda: plugin()._gui.head_start.is_ready, 120)
    QTest.qWait(1500)
    press("ready")
    measure_tile(live())
    return layer


def presses():
    layer = ready()
    gui = plugin()._gui
    click(button())
    QTest.qWait(500)
    gui.clear()  # and so what the map itself kept of the layer
    press("again")
    return layer


def frames(layer):
    """Over predicted ground, and over a file with the same classes."""
    native(layer)
    QTest.qWait(500)
    wait(settled, 60)
    wait(lambda: painted(live()), 120)
    center = iface.mapCanvas().center()
    iface.mapCanvas().setCenter(QgsPointXY(center.x() + 60, center.y()))
    wait(lambda: painted(live()), 120)
    QTest.qWait(1500)
    wait(settled, 60)
    iface.mapCanvas().setCenter(center)
    QTest.qWait(500)
    wait(settled, 60)
    RESULT["live_frames_s"] = frame_times()
    exporter = plugin()._gui.exporter
    exporter.predicted(live(), FOLDER + "/predicted.tif")
    wait(lambda: not exporter._tasks, 120)
    made = next(l for l in QgsProject.instance().mapLayers().values() if "predicted" in l.source())
    show_live(False)
    RESULT["file_frames_s"] = frame_times()
    QgsProject.instance().removeMapLayer(made.id())
    show_live(True)


def show_live(on):
    root = QgsProject.instance().layerTreeRoot()
    root.findLayer(live().id()).setItemVisibilityChecked(on)
    QTest.qWait(500)
    wait(settled, 60)


def interface_pauses(layer):
    """Pan over new ground without, and with the layer."""

    def pan_about():
        for k in range(6):
            drag(-250, 0)
            QTest.qWait(150)

    show_live(False)
    native(layer, 2000, 5200)
    QTest.qWait(500)
    wait(settled, 60)
    RESULT["pause_without_p99_s"], RESULT["pause_without_max_s"] = pauses(4, pan_about)
    iface.setActiveLayer(layer)
    show_live(True)
    native(layer, 2000, 5200)
    QTest.qWait(100)
    RESULT["pause_live_p99_s"], RESULT["pause_live_max_s"] = pauses(4, pan_about)
    RESULT["tile_rate"] = feed(live()).tiles_a_second()


def jump(layer):
    """Elsewhere, in mid-view."""
    native(layer, 2000, 6800)
    QTest.qWait(400)
    PAINTED[:] = [0, None, 0]
    native(layer, 6000, 1500)
    RESULT["jump_s"], _ = frames_until(lambda: True)


def steady_pan(layer):
    """Half a view every two seconds."""
    native(layer, 1500, 3500)
    QTest.qWait(300)
    wait(lambda: painted(live()), 120)
    QTest.qWait(1000)
    RESULT["pans"] = []
    width = iface.mapCanvas().viewport().width()
    for k in range(5):
        drag(-width // 2 + 20, 0)
        QTest.qWait(2000 - 60)
        view = PAINTED[1]
        there = len(feed(live()).there(view, "classes"))
        total = len(view.tiles())
        per_pan = max(1, total // 2)
        held = min(1.0, (total - per_pan + 2.0 / RESULT["tile_s"]) / total)
        RESULT["pans"].append([there / total, held])


def slow_basemap(layer):
    """A layer that needs two seconds a frame, while tiles stream in.

    QGIS looks ahead of a view once it is drawn, and gives that up for any frame: that is no frame.
    """
    from qgis.core import QgsMapLayerRenderer, QgsPluginLayer, QgsRenderContext

    finished, cancelled, kept = [], [], []

    class SlowRenderer(QgsMapLayerRenderer):
        def __init__(self, layer_id, context):
            super().__init__(layer_id, context)
            self._context = context

        def render(self):
            is_frame = not self._context.testFlag(QgsRenderContext.RenderPreviewJob)
            end = time.monotonic() + 2
            while time.monotonic() < end:
                if self._context.renderingStopped():
                    cancelled.extend([1] * is_frame)
                    return False
                time.sleep(0.02)
            finished.extend([1] * is_frame)
            return True

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
            kept.append(SlowRenderer(self.id(), context))
            return kept[-1]

    slow = SlowLayer()
    native(layer, 6500, 6500)
    QTest.qWait(100)
    drag(-300, -200)
    QgsProject.instance().addMapLayer(slow)
    QTest.qWait(6000)
    RESULT["basemap"] = [len(finished), len(cancelled)]
    QgsProject.instance().removeMapLayer(slow.id())
    QTest.qWait(300)
    KEPT.append(kept)


def batch_beside(layer, seconds=12):
    """A batch job on the same model, while the view never rests: whose requests are served."""
    from qgis.PyQt.QtCore import QRect

    from landcover_plugin.core.backends import Priority, open_backend
    from landcover_plugin.core.backends.onnxruntime import OnnxRuntimeRunner
    from landcover_plugin.core.classify import ClassifyOptions, classify
    from landcover_plugin.core.errors import CancelledError
    from landcover_plugin.core.progress import Silent
    from landcover_plugin.core.raster_io import raster_io

    served, stop = [], threading.Event()
    real = OnnxRuntimeRunner.run

    def run(self, chips, outputs, priority):
        served.append(priority)
        return real(self, chips, outputs, priority)

    class Reporter(Silent):
        def is_cancelled(self):
            return stop.is_set()

    def work():
        io, spec = raster_io("gdal"), feed(live()).spec
        backend = open_backend(os.environ["BENCH_BACKEND"], spec)
        options = ClassifyOptions(level=0, restart=True)
        try:
            source = io.open(FOLDER + "/mosaic.tif")
            classify(source, spec, backend, Path(FOLDER, "batch.tif"), options, io=io, reporter=Reporter())
        except CancelledError:
            pass
        finally:
            backend.close()

    job = threading.Thread(target=work)
    job.start()
    OnnxRuntimeRunner.run = run
    try:
        wait(lambda: Priority.BATCH in served, 60)
        served.clear()
        end, k = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            native(layer, 1000 + 700 * (k % 9), 800 + 650 * (k % 10))
            k += 1
            QTest.qWait(max(500, int(3000 * RESULT["tile_s"])))
        RESULT["served"] = [sum(p is Priority.LIVE for p in served), sum(p is Priority.BATCH for p in served)]
    finally:
        OnnxRuntimeRunner.run = real
        stop.set()
        wait(lambda: not job.is_alive(), 60)


def remember_memory():
    gc.collect()
    RESULT["rss_mb"] = int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6


def main():
    faulthandler.dump_traceback_later(float(os.environ["LANDCOVER_TEST_SECONDS"]) - 20, exit=True)
    parts = os.environ["BENCH_PARTS"].split()
    if parts[0] in ("at_once", "ready"):
        globals()[parts[0]]()
        return
    layer = presses()
    for part in parts:
        if part == "batch_beside":
            remember_memory()
        globals()[part](layer)
    if "rss_mb" not in RESULT:
        remember_memory()
    shot("bench")


run(main)
