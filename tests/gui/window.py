"""A real QGIS window under Xvfb, driven from inside by a script with real mouse and key events."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

PRELUDE = """
import json, os, sys, time, traceback, gc
from qgis.PyQt.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from qgis.PyQt.QtGui import QMouseEvent
from qgis.PyQt.QtWidgets import QToolButton, QPushButton, QApplication, QDockWidget
from qgis.PyQt.QtTest import QTest
from qgis.core import *
from qgis.utils import iface, plugins
import faulthandler
faulthandler.dump_traceback_later(float(os.environ['LANDCOVER_TEST_SECONDS']), exit=True)
FOLDER = os.environ['LANDCOVER_TEST_FOLDER']
RESULT = {}

def plugin():
    return plugins['landcover_plugin']

def wait(condition, seconds=20, what=''):
    end = time.monotonic() + seconds * float(os.environ.get('LANDCOVER_TEST_PATIENCE', '1'))
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what or 'it did not happen in time')
        QTest.qWait(5)

def settled():
    return not any(c.isDrawing() for c in iface.mapCanvases())

def button():
    action = plugin()._gui.action
    return next(b for b in iface.mainWindow().findChildren(QToolButton)
                if b.defaultAction() is action and b.isVisible())

def click(widget):
    QTest.mouseClick(widget, Qt.LeftButton)

def load(path, name='imagery'):
    layer = QgsRasterLayer(path, name)
    assert layer.isValid(), path
    QgsProject.instance().setCrs(layer.crs())
    QgsProject.instance().addMapLayer(layer)
    iface.setActiveLayer(layer)
    QTest.qWait(300)  # QGIS zooms to the first layer a moment later
    wait(settled)
    return layer

def native(layer, x=None, y=None):
    # the map at the imagery's own pixels, centred, pixels on pixels
    canvas = iface.mapCanvas()
    size = canvas.mapSettings().outputSize()
    px, py = layer.rasterUnitsPerPixelX(), layer.rasterUnitsPerPixelY()
    ext = layer.extent()
    col = int(layer.width() // 2 if x is None else x) - size.width() // 2
    row = int(layer.height() // 2 if y is None else y) - size.height() // 2
    canvas.setExtent(QgsRectangle(ext.xMinimum() + col * px, ext.yMaximum() - (row + size.height()) * py,
                                  ext.xMinimum() + (col + size.width()) * px, ext.yMaximum() - row * py))
    canvas.refresh()

def drag(dx, dy, canvas=None):
    view = (canvas or iface.mapCanvas()).viewport()
    middle = view.rect().center()
    QTest.mousePress(view, Qt.LeftButton, Qt.NoModifier, middle)
    for n in range(1, 11):
        # QTest.mouseMove moves the pointer with no button held, which is no drag
        place = QPointF(middle + QPoint(dx * n // 10, dy * n // 10))
        event = QMouseEvent(QEvent.MouseMove, place, QPointF(view.mapToGlobal(place.toPoint())),
                            Qt.NoButton, Qt.LeftButton, Qt.NoModifier)
        QApplication.sendEvent(view, event)
        QTest.qWait(5)
    QTest.mouseRelease(view, Qt.LeftButton, Qt.NoModifier, middle + QPoint(dx, dy))

def shot(name):
    QTest.qWait(50)
    iface.mainWindow().grab().save(os.path.join(FOLDER, name + '.png'))

def feed(layer):
    return layer.dataProvider().live.feed

def painted(layer, canvas=None):
    canvas = canvas or iface.mapCanvas()
    from landcover_plugin.live.repainting import view_extent
    size = canvas.mapSettings().outputSize()
    view = feed(layer).view(view_extent(canvas, layer)[0], size.height(), size.width())
    return view is not None and len(feed(layer).there(view, 'classes')) == len(view.tiles())

def run(main):
    def guarded():
        try:
            iface.mainWindow().resize(1900, 1150)
            QTest.qWait(200)
            main()
            RESULT['ok'] = True
        except BaseException:
            RESULT['error'] = traceback.format_exc()
        with open(os.path.join(FOLDER, 'result.json'), 'w') as f:
            json.dump(RESULT, f)
        if 'error' in RESULT:
            iface.mainWindow().grab().save(os.path.join(FOLDER, 'error.png'))
            os._exit(9)
        try:  # QGIS 3.22 can wait for ever for a service's drawing that is cancelled as its request begins
            wait(settled, 5)
        except TimeoutError:
            pass
        if FOLDER.startswith('/tmp'):  # QGIS asks what is to become of layers there
            QgsProject.instance().clear()
        QgsProject.instance().setDirty(False)
        # called by Qt itself: a call from here would hold Python while QGIS waits for threads that draw
        QTimer.singleShot(0, iface.actionExit().trigger)
    QTimer.singleShot(int(os.environ.get('LANDCOVER_TEST_DELAY', '1500')), guarded)
"""


def qgis_command() -> list[str]:
    """How QGIS is started here; nothing where it cannot be."""
    if not shutil.which("xvfb-run") or not shutil.which("qgis"):
        return []
    return ["xvfb-run", "-a", "-s", "-screen 0 1920x1200x24 -nolisten tcp", "qgis"]


def drive(
    script: str,
    folder: Path,
    settings: dict[str, Any] | None = None,
    timeout_s: float = 120,
    environment: dict[str, str] | None = None,
    profile_settings: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Run a script in a new QGIS with the plugin; what it put into ``RESULT``.

    Args:
        script: Python; it ends with ``run(main)``.
        folder: for the profile, the result and screenshots; kept between calls with the same one.
        settings: of the plugin, such as ``{"models_folder": …}``.
        timeout_s: then QGIS is taken to hang; LANDCOVER_TEST_PATIENCE, a factor, is for a busy computer.
        environment: more of it.
        profile_settings: of QGIS, such as ``{"UI/UITheme": "Night Mapping"}``.
    """
    command = qgis_command()
    if not command:
        pytest.skip("xvfb-run and qgis are needed to drive a window")
    _write_profile(folder, settings or {}, profile_settings or {})
    (folder / "driver.py").write_text(PRELUDE + script)
    (folder / "result.json").unlink(missing_ok=True)
    packages = os.environ.get("LANDCOVER_TEST_PACKAGES") or _site_packages()
    timeout_s *= float(os.environ.get("LANDCOVER_TEST_PATIENCE", "1"))
    env = {
        **os.environ,
        "QT_QPA_PLATFORM": "xcb",
        "QGIS_PLUGINPATH": str(ROOT),
        "PYTHONPATH": os.pathsep.join([str(ROOT), packages]),
        "LANDCOVER_TEST_FOLDER": str(folder),
        "LANDCOVER_TEST_SECONDS": str(timeout_s),
        "XDG_CACHE_HOME": str(folder / "cache"),
        **(environment or {}),
    }
    arguments = [
        "--noversioncheck",
        "--nologo",
        "--profiles-path",
        str(folder / "profiles"),
        "--profile",
        "default",
    ]
    with (folder / "qgis.log").open("w") as log:
        process = subprocess.Popen(
            [*command, *arguments, "--code", str(folder / "driver.py")],
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout_s + 20)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # Xvfb too
    text = (folder / "qgis.log").read_text(errors="replace")[-4000:]
    path = folder / "result.json"
    assert path.exists(), f"QGIS ended with {code} without a result:\n{text}"
    result: dict[str, Any] = json.loads(path.read_text())
    assert "error" not in result, result["error"]
    assert code == 0, f"QGIS ended with {code}:\n{text}"
    return result


def _write_profile(folder: Path, settings: dict[str, Any], profile_settings: dict[str, Any]) -> None:
    """The settings that QGIS starts with."""
    values = {
        "PythonPlugins/landcover_plugin": "true",
        "landcover/backend": "onnxruntime:cpu",
        **{f"landcover/{key}": value for key, value in settings.items()},
        "qgis/checkVersion": "false",
        "qgis/showTips": "false",
        "UI/allowToolbarTruncation": "false",
        "app/projections\\promptWhenMultipleTransformsExist": "false",
        **profile_settings,
    }
    groups: dict[str, list[str]] = {}
    for name, value in values.items():
        group, key = name.split("/", 1)
        groups.setdefault(group, []).append(f"{key}={value}")
    profile = folder / "profiles" / "profiles" / "default" / "QGIS"
    profile.mkdir(parents=True, exist_ok=True)
    text = "\n".join("\n".join([f"[{group}]", *lines, ""]) for group, lines in groups.items())
    (profile / "QGIS3.ini").write_text(text)


def _site_packages() -> str:
    """Where this Python has onnxruntime, for the QGIS of the same Python."""
    import onnxruntime

    return str(Path(onnxruntime.__file__).parents[1])
