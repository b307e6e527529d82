# ruff: noqa
# Runs inside QGIS, after the prelude of tests/gui/window.py.
import ctypes
import random
import threading
from dataclasses import replace

faulthandler.enable()
SECONDS, SEED = float(os.environ["SOAK_SECONDS"]), int(os.environ["SOAK_SEED"])
SERVICE = os.environ["SOAK_SERVICE"]
rng = random.Random(SEED)
wait.__defaults__ = (150, "")  # machines that soak are busy
project = QgsProject.instance()
PICTURES = []  # the end of a job that is active would wait for its threads, with Python held
COUNTS, MEMORY, TIMES, ERRORS = {}, [], {}, []
FRAMES = {"main": 0, "compared": 0}


def rss_mb():
    # what C keeps of freed memory is nobody's leak
    ctypes.CDLL(None).malloc_trim(0)
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6


def peak_mb():
    line = next(l for l in open("/proc/self/status") if l.startswith("VmHWM"))
    return int(line.split()[1]) / 1000


def children():
    """Command lines of the processes that this one has started."""
    found = []
    for pid in os.listdir("/proc"):
        try:
            if (
                pid.isdigit()
                and int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1]) == os.getpid()
            ):
                found.append(open(f"/proc/{pid}/cmdline").read().replace("\0", " ")[:120])
        except (OSError, IndexError):
            pass
    return found


def objects_left():
    """Things with a life that outlived the plugin, by class."""
    lived = ("TileFeed", "LiveFeeds", "LiveSession", "LandcoverProvider", "LiveSource", "TileCache", "MemoryTiles",
             "ProviderSource", "XyzSource", "GdalSource", "Worker", "LiveGui", "LiveDock", "HeadStart", "CompareView")  # fmt: skip
    found = {}
    for thing in gc.get_objects():
        kind = type(thing)
        if kind.__name__ in lived and kind.__module__.startswith("landcover_plugin"):
            found[kind.__name__] = found.get(kind.__name__, 0) + 1
    return found


def lives():
    return [l for l in project.mapLayers().values() if l.providerType() == "landcover"]


def images():
    return [l for l in project.mapLayers().values() if l.providerType() == "gdal" and "mosaic" in l.source()]


def services():
    return [l for l in project.mapLayers().values() if l.providerType() == "wms"]


def load_all():
    loaded = {l.name() for l in project.mapLayers().values()}
    for name, path in (("one", "/mosaic.tif"), ("two", "/mosaic2.tif")):
        if name not in loaded:
            load(FOLDER + path, name)
    for name, manner in (("tiles", "slow-0.15"), ("flaky tiles", "flaky")):
        if name not in loaded:
            uri = f"type=xyz&url={SERVICE}/{manner}/%7Bz%7D/%7Bx%7D/%7By%7D.png&zmax=19&zmin=0"
            layer = QgsRasterLayer(uri, name, "wms")
            project.addMapLayer(layer, False)
            project.layerTreeRoot().addLayer(layer).setItemVisibilityChecked(rng.random() < 0.3)


def pan():
    drag(rng.randint(-500, 500), rng.randint(-300, 300))


def quick_pans():
    for n in range(rng.randint(3, 8)):
        drag(rng.randint(-400, 400), rng.randint(-300, 300))


def key_pan():
    QTest.keyClick(iface.mapCanvas(), rng.choice([Qt.Key_Left, Qt.Key_Right, Qt.Key_Up, Qt.Key_Down]))


def zoom():
    iface.mapCanvas().zoomScale(rng.choice([1000, 2000, 3000, 5000, 8000, 20000, 500000]))


def jump():
    layer, canvas = rng.choice(images()), iface.mapCanvas()
    if canvas.mapSettings().destinationCrs() == layer.crs():
        native(layer, rng.randint(0, layer.width()), rng.randint(0, layer.height()))
        return
    box = layer.extent()
    place = QgsPointXY(
        rng.uniform(box.xMinimum(), box.xMaximum()), rng.uniform(box.yMinimum(), box.yMaximum())
    )
    there = QgsCoordinateTransform(layer.crs(), canvas.mapSettings().destinationCrs(), project)
    canvas.setCenter(there.transform(place))
    canvas.zoomScale(2000)


def press():
    iface.setActiveLayer(rng.choice(images()))
    click(button())


def press_on_service():
    """Land cover of a tile service whose reads the next pan cancels."""
    layer = rng.choice(services())
    project.layerTreeRoot().findLayer(layer.id()).setItemVisibilityChecked(True)
    iface.setActiveLayer(layer)
    if not plugin()._gui.action.isChecked():
        click(button())
    for n in range(rng.randint(1, 4)):
        QTest.qWait(rng.choice([20, 80, 250]))
        drag(rng.randint(-400, 400), rng.randint(-300, 300))


def service_off():
    for layer in services():
        project.layerTreeRoot().findLayer(layer.id()).setItemVisibilityChecked(False)
    for layer in lives():
        if "provider=wms" in layer.source():
            project.removeMapLayer(layer.id())


def toggle_layers():
    for layer in project.mapLayers().values():
        node = project.layerTreeRoot().findLayer(layer.id())
        if node is not None and rng.random() < 0.3:
            node.setItemVisibilityChecked(not node.isVisible())


def output():
    plugin()._gui.switch.show_output(rng.choice(["classes", "blend", "confidence"]))


def model():
    plugin()._gui.switch.show_model(rng.choice(["tiny", "rgb"]))


def style():
    for l in lives()[:1]:
        l.setOpacity(rng.uniform(0.3, 1))
        l.triggerRepaint()
        chart = plugin()._gui.dock._chart
        if chart.topLevelItemCount():
            item = chart.topLevelItem(rng.randrange(chart.topLevelItemCount()))
            item.setCheckState(0, rng.choice([Qt.Checked, Qt.Unchecked]))


def renderer():
    """Another of QGIS' own renderers, and the layer's own again."""
    for l in lives()[:1]:
        if l.isValid():
            from landcover_plugin.gui.live_layers import style

            if rng.random() < 0.5:
                l.setRenderer(QgsSingleBandGrayRenderer(l.dataProvider(), 1))
            else:
                style(l)
            l.triggerRepaint()


def remove():
    iface.mapCanvas().refreshAllLayers()
    QTest.qWait(rng.choice([0, 0, 5, 20]))
    if lives():
        project.removeMapLayer(rng.choice(lives()).id())


def remove_imagery():
    """The source goes while its land cover is drawn."""
    iface.mapCanvas().refreshAllLayers()
    project.removeMapLayer(rng.choice(images() + services()).id())


def duplicate():
    if lives() and len(lives()) < 5:
        project.addMapLayer(rng.choice(lives()).clone())


def reload():
    project.write(FOLDER + "/soak.qgz")
    project.read(FOLDER + "/soak.qgz")


def compare():
    gui = plugin()._gui
    if gui.comparison.canvases and rng.random() < 0.4:
        gui.comparison.close()
    else:
        gui.compare()


def pan_compared():
    for canvas in plugin()._gui.comparison.canvases[:1]:
        canvas.setFocus()
        drag(rng.randint(-80, 80), rng.randint(-80, 80), canvas)


def identify():
    iface.actionIdentify().trigger()
    v = iface.mapCanvas().viewport()
    if lives():
        iface.setActiveLayer(lives()[0])
    QTest.mouseClick(
        v,
        Qt.LeftButton,
        Qt.NoModifier,
        QPoint(rng.randint(50, v.width() - 50), rng.randint(50, v.height() - 50)),
    )
    iface.actionPan().trigger()


def clear():
    plugin()._gui.clear()


def rebind():
    plugin()._gui.rebind()


def backend():
    """Another place to run models, as the settings page does it."""
    gui = plugin()._gui
    session = plugin()._live
    new = rng.choice(["onnxruntime:cpu", "onnxruntime:cpu", "worker:", "numpy:"])
    session.apply(replace(session.settings, backend=new))
    gui.rebind()


def unload():
    from qgis import utils

    if not utils.unloadPlugin("landcover_plugin"):
        ERRORS.append("The plugin could not be unloaded: %s" % [i.text() for i in iface.messageBar().items()])


def plugin_reload():
    from qgis import utils

    for canvas in plugin()._gui._canvases():
        canvas.refreshAllLayers()
    QTest.qWait(rng.choice([0, 5, 20, 100]))
    unload()
    QTest.qWait(rng.choice([0, 20, 200]))
    utils.loadPlugin("landcover_plugin")
    utils.startPlugin("landcover_plugin")


def export():
    if lives() and lives()[0].isValid() and len(plugin()._gui.exporter._tasks) < 2:
        n = rng.randint(0, 3)
        plugin()._gui.exporter.view(lives()[0], FOLDER + "/export%d.tif" % n)


def picture():
    """What layouts do: a picture that waits for its predictions, in a thread."""
    settings = QgsMapSettings(iface.mapCanvas().mapSettings())
    settings.setOutputSize(iface.mapCanvas().size() / 4)
    settings.setExtent(iface.mapCanvas().extent().scaled(0.25))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    end = time.monotonic() + rng.choice([0.05, 0.3, 3])
    while job.isActive() and time.monotonic() < end:
        QTest.qWait(10)
    job.cancelWithoutBlocking()
    PICTURES[:] = [old for old in PICTURES if old.isActive()] + [job]


def other_crs():
    project.setCrs(QgsCoordinateReferenceSystem(rng.choice(["EPSG:26911", "EPSG:3857", "EPSG:4326"])))


def tidy():
    for l in list(project.mapLayers().values()):
        if l.name().startswith("export"):
            project.removeMapLayer(l.id())


ACTIONS = {
    pan: 12, quick_pans: 2, key_pan: 4, zoom: 4, jump: 4, press: 5, press_on_service: 2, service_off: 2,
    toggle_layers: 2, output: 3, model: 1, style: 3, renderer: 1, remove: 2, remove_imagery: 1, duplicate: 1,
    reload: 1, compare: 2, pan_compared: 2, identify: 3, clear: 1, rebind: 1, backend: 1, plugin_reload: 1,
    export: 1, picture: 1, other_crs: 1, tidy: 1,
}  # fmt: skip


def count_frames():
    """Each window's finished frames; windows come and go."""
    known = []

    def look():
        for canvas in list(iface.mapCanvases()) + plugin()._gui.comparison.canvases if plugin() else []:
            if not any(canvas is k for k in known):
                kind = "main" if canvas is iface.mapCanvas() else "compared"
                canvas.mapCanvasRefreshed.connect(
                    lambda kind=kind: FRAMES.__setitem__(kind, FRAMES[kind] + 1)
                )
                known.append(canvas)

    timer = QTimer(iface.mainWindow())
    timer.timeout.connect(look)
    timer.start(200)
    return timer


def plugin():
    return plugins.get("landcover_plugin")


def one_action(started):
    action = rng.choices(list(ACTIONS), list(ACTIONS.values()))[0]
    name = action.__name__
    COUNTS[name] = COUNTS.get(name, 0) + 1
    with open(FOLDER + "/actions.log", "a") as f:
        f.write("%.1f %s\n" % (time.monotonic() - started, name))
    t = time.monotonic()
    action()
    TIMES[name] = max(TIMES.get(name, 0.0), time.monotonic() - t)
    QTest.qWait(rng.choice([0, 5, 20, 50, 100, 200, 500]))
    # a hang is what matters, so each action may take its time and no more
    faulthandler.dump_traceback_later(240, exit=True)


def main():
    def excepted(kind, error, trace):
        ERRORS.append("".join(traceback.format_exception(kind, error, trace))[-1500:])

    sys.excepthook = excepted
    load_all()
    plugin()._gui.show_dock()
    native(images()[0])
    click(button())
    counting = count_frames()
    started = time.monotonic()
    next_sample = 0
    while time.monotonic() - started < SECONDS:
        one_action(started)
        if len(images()) < 2 or len(services()) < 2:
            load_all()
        if time.monotonic() - started > next_sample:
            MEMORY.append(round(rss_mb()))
            next_sample += max(5, SECONDS / 60)
    counting.stop()
    RESULT.update(
        counts=COUNTS, frames=FRAMES, memory=MEMORY, peak_mb=peak_mb(), longest_s=TIMES, errors=ERRORS,
        children_before=children(),
    )  # fmt: skip
    wait(lambda: not any(job.isActive() for job in PICTURES), 60, "a picture's threads did not end")
    PICTURES.clear()
    project.clear()
    QTest.qWait(300)
    gc.collect()
    from landcover_plugin.live.threads import running

    unload()
    counting = None
    end = time.monotonic() + 40
    while time.monotonic() < end:
        QTest.qWait(500)
        left = running() + [t.name for t in threading.enumerate() if "landcover" in t.name]
        if not left and not children() and not objects_left():
            break
    RESULT["threads_left"], RESULT["processes_left"] = left, children()
    RESULT["objects_left"] = objects_left()
    RESULT["memory_end"] = round(rss_mb())
    # QGIS 3.40 crashes on exit while a thread of its task manager lives, which is 30 s after its last task,
    # whoever's that was
    QTest.qWait(33_000)


run(main)
