"""From NumPy to a Python of its own with ONNX Runtime, and what happens when that dies; in a real window."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from landcover_plugin.server.runtime_builds import CPU, requirements_of
from tests.gui.window import ROOT, drive, qgis_command
from tests.rasters import noise, read_raster, write_raster
from tests.tiny_model import write_tiny_model

pytestmark = [
    pytest.mark.skipif(not qgis_command(), reason="xvfb-run and qgis are needed to drive a window"),
    pytest.mark.xdist_group("window"),
]

# a virtual environment's python first on the path would give QGIS that environment's packages
PATH = os.pathsep.join(
    p for p in os.environ["PATH"].split(os.pathsep) if not (Path(p).parent / "pyvenv.cfg").exists()
)
NO_RUNTIME = {"PYTHONPATH": str(ROOT), "LANDCOVER_PYTHON": "", "VIRTUAL_ENV": "", "PATH": PATH}

COMMON = """
from qgis.PyQt.QtWidgets import QLabel, QDialog
from qgis.gui import QgsFileWidget

def live():
    return next(l for l in QgsProject.instance().mapLayers().values() if l.providerType() == 'landcover')

def backend():
    setup = feed(live()).setup
    return setup.backend if setup else None

def runs_in(words):
    return backend() is not None and backend().description.startswith(words)

def worker_pid():
    from landcover_plugin.core.backends import worker
    return next((p.pid for p in worker._processes.values() if p.pid), None)

def child(name):
    found = [w for top in QApplication.topLevelWidgets() for w in top.findChildren(QPushButton, name) if w.isVisible()]
    return found[0]

def picture(widget, name):
    QTest.qWait(100)
    widget.grab().save(os.path.join(FOLDER, name + '.png'))
"""


@pytest.fixture(scope="module")
def wheels(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels with all that the worker needs, for the Python that QGIS runs on."""
    cache = getattr(pytestconfig, "cache", None)  # gone with -p no:cacheprovider
    make = cache.mkdir if cache else tmp_path_factory.mktemp
    folder = Path(make(f"wheels-{sys.version_info[0]}.{sys.version_info[1]}"))
    command = [sys.executable, "-m", "pip", "download", "-q", "--only-binary", ":all:", "-d", str(folder)]
    done = subprocess.run(
        [*command, *requirements_of(CPU)], capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        pytest.skip(f"pip cannot download the wheels here: {done.stderr.strip().splitlines()[-1]}")
    return folder


def have_ended(pids: list[int]) -> bool:
    """Whether processes are gone, soon."""
    until = time.monotonic() + 20
    while time.monotonic() < until and any(Path(f"/proc/{pid}").exists() for pid in pids):
        time.sleep(0.1)
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_numpy_first_then_local_inference_from_a_folder_of_wheels_then_numpy_again(
    tmp_path: Path, wheels: Path, landscape
):
    write_raster(tmp_path / "image.tif", read_raster(landscape.image)[:, 256:768], tiled=True)
    result = drive(
        COMMON
        + """
def main():
    gui = plugin()._gui
    layer = load(FOLDER + '/image.tif')
    native(layer); wait(settled)
    click(button())
    wait(lambda: painted(live()), 100); QTest.qWait(700); wait(settled)
    RESULT['first'] = [backend().description, backend().mpx_a_second]
    RESULT['importable'] = __import__('importlib').util.find_spec('onnxruntime') is not None
    offer = gui.dock.findChild(QLabel, 'landcover_offer')
    RESULT['offered'] = offer.isVisible()
    shot('numpy')
    QTest.mouseClick(offer, Qt.LeftButton, Qt.NoModifier, QPoint(30, offer.fontMetrics().height() // 2))
    dialog = gui.inference._dialog
    wait(dialog.isVisible)
    picture(dialog, 'dialog')
    dialog.findChild(QgsFileWidget, 'landcover_wheels').setFilePath(os.environ['WHEELS'])
    click(child('landcover_setup_start'))
    RESULT['sentences'] = []
    gui.inference.setup.ended.connect(lambda made, sentence: RESULT['sentences'].append([made, sentence]))
    longest, before = 0, time.monotonic()
    def beat():
        nonlocal longest, before
        longest, before = max(longest, time.monotonic() - before), time.monotonic()
    timer = QTimer(); timer.timeout.connect(beat); timer.start(20)
    QTest.qWait(4000); picture(dialog, 'making')
    wait(lambda: RESULT['sentences'], 80)
    RESULT['longest_pause'] = longest
    picture(dialog, 'made'); click(child('landcover_setup_close'))
    wait(lambda: runs_in('Worker process, ONNX Runtime') and painted(live()), 80); QTest.qWait(700); wait(settled)
    RESULT['second'] = [backend().description, backend().mpx_a_second]
    RESULT['offered_still'] = offer.isVisible()
    shot('onnxruntime')
    RESULT['sys_path'] = [p for p in sys.path if 'landcover/env' in p]
    gui.inference.remove()
    wait(lambda: runs_in('NumPy'), 40)
    there = FOLDER + '/profiles/profiles/default/landcover/env'
    wait(lambda: '1' not in os.listdir(there))
    click(button()); QTest.qWait(100)
run(main)
""",
        tmp_path,
        {"backend": "auto", "models_folder": ROOT / "models"},
        timeout_s=230,
        environment={**NO_RUNTIME, "WHEELS": str(wheels)},
    )
    assert result["first"][0].startswith("NumPy")
    assert not result["importable"]
    assert result["offered"]
    assert result["sentences"][0][0], result["sentences"]
    assert result["sentences"][0][1].startswith("Local inference is ready: ONNX Runtime ")
    assert result["second"][0].startswith("Worker process, ONNX Runtime")
    assert result["second"][1] > result["first"][1]
    assert not result["offered_still"]
    assert result["longest_pause"] < 2.0
    assert result["sys_path"] == []


def test_a_worker_killed_in_mid_view_comes_back_and_the_view_is_finished(tmp_path: Path):
    write_tiny_model(
        tmp_path / "models" / "slow", classes=4, tile=256, halo=8, depth=4, width=32, kernel=5,
        pixel_size_m=(0.6, 0.3, 2.5),
    )  # fmt: skip
    write_raster(tmp_path / "image.tif", noise(4, 1400, 2000), tiled=True)
    result = drive(
        COMMON
        + """
import signal

def main():
    said = []
    plugin()._live.said.connect(lambda sentence, about: said.append(sentence))
    layer = load(FOLDER + '/image.tif')
    native(layer); wait(settled)
    click(button())
    wait(lambda: worker_pid() and feed(live()).setup and any(feed(live()).cache.indices(feed(live()).setup.series)), 60)
    first = worker_pid()
    os.kill(first, signal.SIGKILL)
    killed = time.monotonic()
    RESULT['was_done'] = painted(live())
    wait(lambda: painted(live()), 60)
    RESULT['seconds'] = time.monotonic() - killed
    second = worker_pid()
    RESULT['pids'] = [first, second]
    # an idle worker that dies is no trouble either
    os.kill(second, signal.SIGKILL)
    QTest.qWait(300)
    drag(-300, 0)
    wait(lambda: painted(live()), 60)
    RESULT['pids'].append(worker_pid())
    RESULT['said'] = said
run(main)
""",
        tmp_path,
        {"backend": "worker:", "models_folder": tmp_path / "models"},
        environment={**NO_RUNTIME, "LANDCOVER_PYTHON": sys.executable},
    )
    assert not result["was_done"]
    assert len(set(result["pids"])) == 3
    assert result["said"] == []
    assert have_ended(result["pids"]), "the worker ends with QGIS"
