"""The settings page in QGIS' own options dialogue, driven in a real window."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gui.window import drive, qgis_command
from tests.rasters import noise, write_raster
from tests.tiny_model import write_tiny_model

pytestmark = [
    pytest.mark.skipif(not qgis_command(), reason="xvfb-run and qgis are needed to drive a window"),
    pytest.mark.xdist_group("window"),
]

BEARER = "not-for-anybody-elses-eyes"
COMMON = """
from qgis.PyQt.QtWidgets import QLabel, QComboBox, QDialog, QDialogButtonBox, QLineEdit
from qgis.gui import QgsAuthConfigSelect, QgsFileWidget

def live():
    return next(l for l in QgsProject.instance().mapLayers().values() if l.providerType() == 'landcover')

def in_options(do):
    # the dialogue is modal: what is done in it is done by a timer
    failed = []
    def work():
        try:
            dialog = QApplication.activeModalWidget()
            page = next(w for w in dialog.findChildren(QgsOptionsPageWidget) if w.objectName() == 'landcover')
            assert page.isVisible()
            do(dialog, page)
        except BaseException:
            failed.append(traceback.format_exc())
            QApplication.activeModalWidget().reject()
    QTimer.singleShot(1500, work)
    plugin()._gui.open_settings()
    assert not failed, failed[0]

def picture(widget, name):
    QTest.qWait(150)
    widget.grab().save(os.path.join(FOLDER, name + '.png'))

def ok(dialog):
    click(dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.Ok))

from qgis.gui import QgsOptionsPageWidget
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """``landcover serve`` with a bearer."""
    write_tiny_model(tmp_path / "models" / "four", classes=4, tile=256, halo=16, kernel=5, pixel_size_m=(0.6, 0.3, 2.5))  # fmt: skip
    bearer = tmp_path / "bearer.txt"
    bearer.write_text(BEARER)
    process = subprocess.Popen(
        [sys.executable, "-m", "landcover_plugin.cli.main", "serve", "--port", "0",
         "--models", str(tmp_path / "models"), "--token-file", str(bearer)],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "LANDCOVER_THREADS": "1"},
    )  # fmt: skip
    said = process.stderr.readline() if process.stderr else ""
    yield said.rpartition(" at ")[2].strip().rstrip(".")
    process.send_signal(signal.SIGTERM)
    process.wait(20)


def test_a_server_is_named_in_one_field_and_signed_in_to_by_qgis(tmp_path: Path, server: str):
    write_raster(tmp_path / "image.tif", noise(4, 900, 1200), tiled=True)
    result = drive(
        COMMON
        + """
def store(method, name, **values):
    config = QgsAuthMethodConfig(method)
    config.setName(name)
    for key, value in values.items():
        config.setConfig(key, value)
    QgsApplication.authManager().storeAuthenticationConfig(config)
    assert config.id(), 'it was not stored'
    return config.id()

def main():
    manager = QgsApplication.authManager()
    manager.setMasterPassword('a master password', True)
    if 'APIHeader' in manager.authMethodsKeys():  # since 3.24
        secret = store('APIHeader', 'Our server', Authorization='Bearer ' + os.environ['BEARER'])
    else:
        secret = store('Basic', 'Our server', username='me', password=os.environ['BEARER'])
    certificate = store('PKI-Paths', 'A certificate', certpath='/c.pem', keypath='/k.pem')
    layer = load(FOLDER + '/image.tif')
    native(layer); wait(settled)
    click(button())
    wait(lambda: painted(live()), 60)

    def fill(dialog, page):
        field = page.findChild(QComboBox, 'landcover_backend')
        sign_in, note = page.findChild(QgsAuthConfigSelect), page.findChild(QLabel, 'landcover_server_note')
        RESULT['before'] = [field.currentText(), sign_in.isEnabled(), note.isVisible()]
        picture(dialog, 'options')
        field.setEditText('https://ann:secret@host:1'); RESULT['password'] = [note.text(), page.isValid()]
        field.setEditText('http://gpu.example.org:8000'); RESULT['open'] = [note.text(), page.isValid()]
        sign_in.setConfigId(certificate); RESULT['certificate'] = [note.text(), page.isValid()]
        picture(dialog, 'refused')
        sign_in.setConfigId(secret)
        field.setEditText(os.environ['SERVER']); RESULT['good'] = [note.isVisible(), page.isValid()]
        picture(dialog, 'server')
        plugin()._live.cache.clear()  # the server computes as this computer does
        ok(dialog)
    in_options(fill)
    wait(lambda: feed(live()).setup and ' at http' in feed(live()).setup.backend.description and painted(live()), 60)
    QTest.qWait(700); wait(settled)
    RESULT['runs_on'] = feed(live()).setup.backend.description
    RESULT['state'] = plugin()._gui.dock._state._text.text()
    shot('server-in-the-dock')
    QgsProject.instance().write(FOLDER + '/project.qgs')
    QgsProject.instance().write(FOLDER + '/project.qgz')
    # the one server refuses who brings nothing
    QgsSettings().setValue('landcover/server_sign_in', '')
    from landcover_plugin.backend_settings import configure_backends
    configure_backends(plugin()._live.warn)
    plugin()._live.reopen_backends(); plugin()._live.cache.clear(); plugin()._gui.rebind()
    wait(lambda: feed(live()).error is not None, 40)
    RESULT['refused'] = str(feed(live()).error)
    QgsSettings().setValue('landcover/server_sign_in', certificate)
    configure_backends(plugin()._live.warn)
    plugin()._live.reopen_backends(); plugin()._gui.rebind()
    wait(lambda: feed(live()).error is not None, 40)
    RESULT['certificate_later'] = str(feed(live()).error)
run(main)
""",
        tmp_path,
        {"models_folder": tmp_path / "models"},
        environment={"SERVER": server, "BEARER": BEARER},
    )
    assert result["before"] == ["onnxruntime:cpu", False, False]
    assert "a name or password has no place in it" in result["password"][0]
    assert "secret" not in result["password"][0]
    assert result["open"][0].startswith(
        "Imagery, and what proves who you are, would travel unencrypted to gpu.ex"
    )
    assert result["certificate"][0].startswith("Authentication by 'PKI-Paths' is not possible here")
    assert [result[key][1] for key in ("password", "open", "certificate", "good")] == [
        False,
        True,
        False,
        True,
    ]
    assert not result["good"][0]
    assert result["runs_on"].endswith(f" at {server}")
    assert "Mpx/\u2060s" in result["state"], "a rate is not broken over two lines"
    assert "401" in result["refused"]
    assert result["certificate_later"].startswith("Authentication by 'PKI-Paths' is not possible")
    assert_nowhere(BEARER, tmp_path)


def assert_nowhere(secret: str, folder: Path) -> None:
    """No file holds the secret, but the one that it was given in."""
    shutil.unpack_archive(folder / "project.qgz", folder / "unpacked", "zip")
    holding = [p.name for p in folder.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]
    assert holding == ["bearer.txt"]
