"""The panel in a real window: by keyboard and screen reader, in step with QGIS, in another language."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gui.window import ROOT, drive, qgis_command
from tests.rasters import noise, write_raster
from tests.tiny_model import write_tiny_model

pytestmark = [
    pytest.mark.skipif(not qgis_command(), reason="xvfb-run and qgis are needed to drive a window"),
    pytest.mark.xdist_group("window"),
]

COMMON = """
from qgis.gui import QgsCollapsibleGroupBox, QgsOpacityWidget
from qgis.PyQt.QtWidgets import QAbstractButton, QLabel, QToolButton, QTreeWidget, QWidget

def live():
    return next(l for l in QgsProject.instance().mapLayers().values() if l.providerType() == 'landcover')

def shown():
    load(FOLDER + '/image.tif')
    click(button())
    wait(lambda: painted(live()), 60)
    dock = plugin()._gui.dock
    dock.findChild(QgsCollapsibleGroupBox, 'landcover_advanced').setCollapsed(False)
    QTest.qWait(300)
    return dock
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tiny_model(
        tmp_path / "models" / "four",
        classes=4,
        tile=256,
        halo=16,
        pixel_size_m=(0.6, 0.3, 5.0),
        fill="reflect",
    )
    write_raster(tmp_path / "image.tif", noise(4, 600, 800), tiled=True)
    return tmp_path


def test_every_control_is_reached_by_keys_and_has_a_name(folder: Path):
    result = drive(
        COMMON
        + """
def name_of(widget, dock):
    for label in dock.findChildren(QLabel):
        if label.buddy() in (widget, widget.parentWidget()) and label.text():
            return label.text()
    return widget.accessibleName() or (widget.text() if isinstance(widget, (QAbstractButton, QLabel)) else '') \\
        or (widget.title() if hasattr(widget, 'title') else '')

def main():
    dock = shown()
    window = iface.mainWindow()
    QApplication.setActiveWindow(window)
    controls = [w for w in dock.widget().widget().findChildren(QWidget)
                if w.isVisible() and w.isEnabled() and w.focusProxy() is None
                and (int(w.focusPolicy()) & int(Qt.TabFocus)) == int(Qt.TabFocus)
                # of several that exclude each other Tab stops at one, arrow keys lead on
                and not (isinstance(w, QAbstractButton) and w.group() is not None and not w.isChecked())]
    RESULT['nameless'] = [w.metaObject().className() for w in controls if not name_of(w, dock)]
    RESULT['controls'] = len(controls)
    controls[0].setFocus()
    reached = []
    for n in range(3 * len(controls)):
        at = QApplication.focusWidget()
        if at is None:
            break
        reached.append(at)
        QTest.keyClick(at, Qt.Key_Tab)
    RESULT['unreached'] = [name_of(w, dock) for w in controls if w not in reached]
    keys = [t[t.index('&') + 1].lower() for w in dock.findChildren((QLabel, QAbstractButton))
            if w.isVisible() for t in [w.text()] if '&' in t and '&&' not in t and '<' not in t]
    RESULT['keys'] = sorted(keys)
    classes = next(b for b in dock.findChildren(QToolButton) if b.text() == '&Classes')
    classes.setFocus()
    QTest.keyClick(classes, Qt.Key_Right)
    QTest.qWait(200)
    RESULT['output'] = plugin()._gui.switch.output
    QTest.keyClick(QApplication.focusWidget(), Qt.Key_Left)
    QTest.qWait(200)
    chart = dock.findChild(QTreeWidget)
    chart.setFocus()
    QTest.keyClick(chart, Qt.Key_Home)
    QTest.keyClick(chart, Qt.Key_Space)
    QTest.qWait(200)
    RESULT['alpha'] = [c.color.alpha() for c in live().renderer().classes()]
    # changed elsewhere, as by QGIS' own sliders: the panel follows
    live().setOpacity(0.35)
    renderer = live().renderer().clone()
    entries = renderer.classes()
    for entry in entries:
        entry.color.setAlpha(255)
    live().setRenderer(QgsPalettedRasterRenderer(live().dataProvider(), 1, entries))
    live().setOpacity(0.35)
    QTest.qWait(1200)
    RESULT['followed'] = dock.findChild(QgsOpacityWidget).opacity()
    RESULT['checked'] = [chart.topLevelItem(n).checkState(0) == Qt.Checked for n in range(chart.topLevelItemCount())]
    plugin()._gui.switch.show_output('confidence')
    QTest.qWait(700)
    RESULT['switchable'] = chart.topLevelItem(0).data(0, Qt.CheckStateRole) is not None
    RESULT['kept'] = live().opacity()
    live().setName('after the flood')
    RESULT['cut'] = dock.widget().widget().minimumSizeHint().width() > dock.widget().viewport().width()
run(main)
""",
        folder,
        {"models_folder": folder / "models"},
    )
    assert result["controls"] >= 10
    assert result["nameless"] == []
    assert result["unreached"] == []
    assert len(result["keys"]) == len(set(result["keys"])) >= 9
    assert result["output"] == "blend"
    assert result["alpha"] == [0, 255, 255, 255]
    assert result["followed"] == pytest.approx(0.35)
    assert result["checked"] == [True] * 4
    assert not result["switchable"]
    assert result["kept"] == pytest.approx(0.35)
    assert not result["cut"]


@pytest.mark.skipif(
    not shutil.which("lrelease"), reason="lrelease (qttools5-dev-tools) compiles translations"
)
def test_in_a_german_qgis_the_plugin_speaks_german(folder: Path):
    plugins = folder / "plugins"
    ignored = shutil.ignore_patterns("__pycache__", "*.qm")
    shutil.copytree(ROOT / "landcover_plugin", plugins / "landcover_plugin", ignore=ignored)
    compiled = plugins / "landcover_plugin" / "i18n"
    subprocess.run([sys.executable, ROOT / ".ci" / "translations.py", "compile", compiled], check=True)
    environment = {"QGIS_PLUGINPATH": str(plugins)}
    packages = os.environ.get("LANDCOVER_TEST_PACKAGES")
    if not packages:
        import onnxruntime

        packages = str(Path(onnxruntime.__file__).parents[1])
    environment["PYTHONPATH"] = os.pathsep.join([str(plugins), packages])
    result = drive(
        COMMON
        + """
def main():
    dock = shown()
    RESULT['from'] = plugin().__module__ and sys.modules['landcover_plugin'].__file__
    RESULT['action'] = plugin()._gui.action.text()
    RESULT['dock'] = dock.windowTitle()
    RESULT['texts'] = [w.text() for w in dock.findChildren((QLabel, QAbstractButton)) if w.isVisible()]
    menu = button().menu()
    menu.aboutToShow.emit()
    RESULT['menu'] = [a.text() for a in menu.actions() if a.text()]
    RESULT['name'] = live().name()
run(main)
""",
        folder,
        {"models_folder": folder / "models"},
        environment=environment,
        profile_settings={"locale/overrideFlag": "true", "locale/userLocale": "de"},
    )
    assert result["from"].startswith(str(plugins))
    assert result["action"] == "Landbedeckung live"
    assert result["dock"] == "Landbedeckung"
    assert {"B&ild", "&Modell", "&Klassen", "&Vergleichen"} <= set(result["texts"])
    assert result["menu"][:2] == ["&Modell", "&Zeigen"]
    assert result["name"] == "Landbedeckung von imagery"
