"""``make pictures``: the documentation's pictures, all of the generated landscape.

``docs/pictures/land-cover.png`` is imagery beside its map, ``docs/pictures/scene.png`` the sample
scene with its truth at both dates, ``docs/pictures/live.png`` the live layer in a QGIS window and
``docs/pictures/settings.png`` the settings page.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from osgeo import gdal
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor, QImage

from demo import QgisProcess, default_model, say
from landcover_plugin.training.landscape import CLASSES, generate
from sheet import draw_sheet, imagery_rgb, map_rgb

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the tests' window driver
PICTURES = ROOT / "docs" / "pictures"
BUILD = ROOT / "build" / "pictures"
LARGEST = 300_000
LIVE = """
from qgis.gui import QgsOpacityWidget

def save(widget, name):
    widget.grab().save(os.path.join(FOLDER, name + '.png'))

def live():
    layers = QgsProject.instance().mapLayers().values()
    return [l for l in layers if l.providerType() == 'landcover']

def all_painted():
    return bool(live()) and all(painted(live()[0], c) for c in plugin()._gui._canvases()) and settled()

def main():
    window = iface.mainWindow()
    window.resize(1360, 860)
    layer = load(os.environ['SCENE'], 'landscape')
    for dock in window.findChildren(QDockWidget):
        if dock.windowTitle() == 'Browser':
            dock.hide()
    QTest.qWait(300)
    native(layer, 660, 560)
    wait(settled)
    click(button())
    wait(all_painted, 120)
    opacity = window.findChildren(QgsOpacityWidget)[0]
    opacity.setOpacity(0.7)
    QTest.qWait(1500)
    wait(all_painted, 60)
    save(window, 'live')
    save(plugin()._gui.dock, 'dock')
    opacity.setOpacity(1)
    click(plugin()._gui.dock.findChild(QPushButton, 'landcover_compare'))
    QTest.qWait(2000)
    live()[0].setOpacity(0)
    live()[0].triggerRepaint()
    wait(all_painted, 120)
    QTest.qWait(1500)
    save(window, 'compare')
    plugin()._gui.comparison.close()
    live()[0].setOpacity(0.7)
    live()[0].triggerRepaint()
    iface.setActiveLayer(live()[0])
    iface.actionIdentify().trigger()
    QTest.qWait(500)
    wait(all_painted, 120)
    click(iface.mapCanvas().viewport())
    QTest.qWait(2000)
    wait(all_painted, 60)
    for dock in window.findChildren(QDockWidget):
        if dock.objectName() == 'IdentifyResultsTableDock' or 'dentify' in dock.windowTitle():
            save(dock, 'identify')

    def settings():
        dialog = QApplication.activeModalWidget()
        dialog.resize(940, 745)
        QTest.qWait(1200)
        save(dialog, 'settings')
        dialog.reject()
    QTimer.singleShot(1500, settings)
    plugin()._gui.open_settings()

run(main)
"""
LIVE_PICTURES = ("live", "dock", "compare", "identify", "settings")


def main() -> None:
    """Draw them."""
    scene = generate(BUILD / "scene")
    PICTURES.mkdir(parents=True, exist_ok=True)
    image, second = Path(scene.image), Path(scene.image_second_date)
    spec = default_model(image, BUILD)
    land_cover = BUILD / "land-cover.tif"
    with tempfile.TemporaryDirectory() as profile:
        qgis = QgisProcess(Path(profile))
        qgis.run("landcover:classify", INPUT=image, MODEL=spec.folder, OUTPUT=land_cover)
    panels = [("Imagery", part(imagery_rgb(image, 720))), ("Land cover", part(map_rgb(land_cover, 720)))]
    say(f"Land cover by {spec.title}")
    legend = [(c.name, c.colour) for c in spec.legend if c.is_land_cover]
    save(panels, legend, "land-cover.png")
    panels = [
        ("First date", imagery_rgb(image, 230)),
        ("Truth", map_rgb(Path(scene.truth), 230)),
        ("Second date", imagery_rgb(second, 230)),
        ("Truth", map_rgb(Path(scene.truth_second_date), 230)),
    ]
    save(panels, list(CLASSES.values()), "scene.png")
    live_window(image)


def part(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """River, fields, wood and village, of the whole scene at 720 px."""
    return pixels[255:605, 110:520]


def live_window(image: Path) -> None:
    """A QGIS window, the button pressed, and the settings page, on a screen of its own."""
    from tests.gui.window import drive

    drive(LIVE, BUILD, {"backend": "auto"}, 400, {"SCENE": str(image), "LANDCOVER_PYTHON": ""})
    for name in LIVE_PICTURES:
        keep(BUILD / f"{name}.png", PICTURES / f"{name}.png")


def keep(drawn: Path, path: Path) -> None:
    """Keep a picture in its 256 most used colours, and end where it is too large for a repository."""
    image = QImage(str(drawn)).convertToFormat(QImage.Format.Format_RGB888)
    colours = gdal.ColorTable()
    with tempfile.TemporaryDirectory() as folder:
        copy = f"{folder}/picture.tif"
        gdal.Translate(copy, str(drawn), bandList=[1, 2, 3])
        opened = gdal.Open(copy)
        gdal.ComputeMedianCutPCT(*(opened.GetRasterBand(n) for n in (1, 2, 3)), 256, colours)
        opened = None
    table = [QColor(*colours.GetColorEntry(n)[:3]).rgb() for n in range(colours.GetCount())]
    flags = Qt.ImageConversionFlag.ThresholdDither | Qt.ImageConversionFlag.AvoidDither
    image.convertToFormat(QImage.Format.Format_Indexed8, table, flags).save(str(path))
    check_size(path)


def save(panels: list[tuple[str, npt.NDArray[np.uint8]]], legend: list[tuple[str, str]], name: str) -> None:
    """Write one picture, and end where it is too large for a repository."""
    path = PICTURES / name
    draw_sheet(panels, legend, path)
    check_size(path)


def check_size(path: Path) -> None:
    """Say how large a picture is, and end where it is too large for a repository."""
    size = path.stat().st_size
    say(f"{path.relative_to(ROOT)} ({size:,} bytes)")
    if size > LARGEST:
        sys.exit(f"{path} is larger than {LARGEST:,} bytes")


if __name__ == "__main__":
    main()
