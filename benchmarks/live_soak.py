"""``make soak``: a real QGIS window, used at random for twenty minutes.

Pans, zooms, layers toggled, styled, duplicated and removed in mid-render, outputs changed, projects
saved and opened, comparison views, identify, exports beside it all. At the end the plugin is
unloaded: no thread and no worker process may be left, and memory must lie within the caches' bound.

    python -m benchmarks.live_soak [--minutes 20] [--seed 1] [--qgis "qgis command"]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.inputs import cut_mosaic
from tests.gui.window import drive
from tests.tiny_model import write_tiny_model

MEMORY_MB = 128

SCRIPT = """
import random, threading
SECONDS, SEED = float(os.environ['SOAK_SECONDS']), int(os.environ['SOAK_SEED'])
rng = random.Random(SEED)
project = QgsProject.instance()
COUNTS, MEMORY = {}, []

def rss_mb():
    return int(open('/proc/self/statm').read().split()[1]) * 4096 / 1e6

def lives():
    return [l for l in project.mapLayers().values() if l.providerType() == 'landcover']

def images():
    return [l for l in project.mapLayers().values() if l.providerType() == 'gdal' and 'mosaic' in l.source()]

def pan():
    drag(rng.randint(-500, 500), rng.randint(-300, 300))

def key_pan():
    QTest.keyClick(iface.mapCanvas(), rng.choice([Qt.Key_Left, Qt.Key_Right, Qt.Key_Up, Qt.Key_Down]))

def zoom():
    iface.mapCanvas().zoomScale(rng.choice([1000, 2000, 3000, 5000, 8000, 20000, 500000]))

def jump():
    layer = rng.choice(images())
    native(layer, rng.randint(0, layer.width()), rng.randint(0, layer.height()))

def press():
    iface.setActiveLayer(rng.choice(images()))
    click(button())

def output():
    plugin()._gui.switch.show_output(rng.choice(['classes', 'blend', 'confidence']))

def style():
    for l in lives()[:1]:
        l.setOpacity(rng.uniform(0.3, 1)); l.triggerRepaint()
        chart = plugin()._gui.dock._chart
        if chart.topLevelItemCount():
            item = chart.topLevelItem(rng.randrange(chart.topLevelItemCount()))
            item.setCheckState(0, rng.choice([Qt.Checked, Qt.Unchecked]))

def remove():
    iface.mapCanvas().refreshAllLayers()
    if lives():
        project.removeMapLayer(rng.choice(lives()).id())

def duplicate():
    if lives() and len(lives()) < 5:
        project.addMapLayer(rng.choice(lives()).clone())

def reload():
    project.write(FOLDER + '/soak.qgz')
    project.read(FOLDER + '/soak.qgz')

def compare():
    gui = plugin()._gui
    if gui.comparison.canvases and rng.random() < 0.6:
        gui.comparison.close()
    else:
        gui.compare()

def identify():
    iface.actionIdentify().trigger()
    v = iface.mapCanvas().viewport()
    if lives():
        iface.setActiveLayer(lives()[0])
    QTest.mouseClick(v, Qt.LeftButton, Qt.NoModifier, QPoint(rng.randint(50, v.width() - 50), rng.randint(50, v.height() - 50)))
    iface.actionPan().trigger()

def clear():
    plugin()._gui.clear()

def rebind():
    plugin()._gui.rebind()

def export():
    if lives() and lives()[0].isValid() and len(plugin()._gui.exporter._tasks) < 2:
        n = rng.randint(0, 3)
        plugin()._gui.exporter.view(lives()[0], FOLDER + '/export%d.tif' % n)

def other_crs():
    project.setCrs(QgsCoordinateReferenceSystem(rng.choice(['EPSG:26911', 'EPSG:3857', 'EPSG:4326'])))

def tidy():
    for l in list(project.mapLayers().values()):
        if l.name().startswith('export'):
            project.removeMapLayer(l.id())

ACTIONS = ([pan] * 12 + [key_pan] * 4 + [zoom] * 4 + [jump] * 4 + [press] * 5 + [output] * 3 + [style] * 3 + [remove] * 2
           + [duplicate] + [reload] + [compare] * 2 + [identify] * 3 + [clear] + [rebind] + [export] + [other_crs] + [tidy])

def main():
    faulthandler.dump_traceback_later(SECONDS + 120, exit=True)
    load(FOLDER + '/mosaic.tif', 'one'); load(FOLDER + '/mosaic2.tif', 'two')
    native(images()[0]); click(button())
    started = time.monotonic(); next_sample = 0; longest = 0
    while time.monotonic() - started < SECONDS:
        action = rng.choice(ACTIONS)
        COUNTS[action.__name__] = COUNTS.get(action.__name__, 0) + 1
        with open(FOLDER + '/last_action', 'a') as f:
            f.write('%.1f %s\\n' % (time.monotonic() - started, action.__name__))
        t = time.monotonic(); action(); longest = max(longest, time.monotonic() - t)
        QTest.qWait(rng.choice([0, 5, 30, 100, 300, 800]))
        if len(images()) < 2:
            load(FOLDER + '/mosaic.tif', 'one'); load(FOLDER + '/mosaic2.tif', 'two')
        if time.monotonic() - started > next_sample:
            MEMORY.append(rss_mb()); next_sample += max(5, SECONDS / 60)
    RESULT.update(counts=COUNTS, memory=MEMORY, longest_action_s=longest)
    project.clear(); QTest.qWait(300); gc.collect()
    session = plugin()._live
    from qgis import utils
    from landcover_plugin.live.threads import running
    utils.unloadPlugin('landcover_plugin')
    QTest.qWait(500)
    RESULT['threads_left'] = running() + [t.name for t in threading.enumerate() if 'landcover' in t.name]
    RESULT['memory_end'] = rss_mb()
run(main)
"""


def main() -> None:
    """Run it, and say what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="landcover-soak-", dir=Path.cwd()))
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in (("mosaic", 4096), ("mosaic2", 3072)):
        if not (folder / f"{name}.tif").exists():
            os.replace(cut_mosaic(folder, size), folder / f"{name}.tif")
    write_tiny_model(
        folder / "models" / "tiny",
        classes=5,
        tile=256,
        halo=16,
        depth=2,
        pixel_size_m=(0.6, 0.3, 1.5),
        fill="reflect",
    )
    (folder / "last_action").unlink(missing_ok=True)
    seconds = given.minutes * 60
    result = drive(
        SCRIPT,
        folder,
        {"models_folder": folder / "models", "memory_mb": MEMORY_MB, "disk_mb": 256},
        seconds + 180,
        {"SOAK_SECONDS": str(seconds), "SOAK_SEED": str(given.seed), "GDAL_CACHEMAX": "64"},
    )
    print(json.dumps(result, indent=1))
    early, late = result["memory"][len(result["memory"]) // 4], max(result["memory"])
    print(
        f"memory: {early:.0f} MB after a quarter, {late:.0f} MB at most, bound {early + MEMORY_MB + 150:.0f} MB"
    )
    if result["threads_left"] or late > early + MEMORY_MB + 150:
        sys.exit("Something is left, or memory grew beyond its bound.")


if __name__ == "__main__":
    main()
