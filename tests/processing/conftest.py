from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProject

from landcover_plugin.plugin import LandcoverPlugin
from tests.rasters import noise, write_raster
from tests.tile_server import MapServer
from tests.tiny_model import write_brightest_band_model

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


ROOT = Path(__file__).resolve().parents[2]
PROGRAM = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
needs_qgis_process = pytest.mark.skipif(PROGRAM is None, reason="there is no qgis_process here")

QgisProcess = Callable[..., "subprocess.CompletedProcess[str]"]


class Listener(QgsProcessingFeedback):
    """Feedback that remembers."""

    def __init__(self) -> None:
        super().__init__(False)
        self.infos: list[str] = []
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self.tables: list[str] = []
        self.texts: list[str] = []

    def pushInfo(self, info: str) -> None:
        self.infos.append(info)

    def pushWarning(self, warning: str) -> None:
        self.warnings.append(warning)

    def pushConsoleInfo(self, info: str) -> None:
        self.tables.append(info)

    def reportError(self, error: str, fatalError: bool = False) -> None:
        self.errors.append(error)

    def setProgressText(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture(scope="session")
def processing_module(qgis_app: Any) -> Any:
    """QGIS' module ``processing``, ready."""
    folder = str(Path(qgis_app.pkgDataPath()) / "python" / "plugins")
    if folder not in sys.path:
        sys.path.append(folder)
    import processing
    from processing.core.Processing import Processing

    Processing.initialize()
    return processing


@pytest.fixture
def plugin(processing_module: Any) -> Iterator[LandcoverPlugin]:
    """The plugin, loaded as ``qgis_process`` does."""
    loaded = LandcoverPlugin(None)
    loaded.initProcessing()
    yield loaded
    loaded.unload()


@pytest.fixture
def run(plugin: LandcoverPlugin, processing_module: Any) -> Any:
    """``run(algorithm, parameters)``: runs it in this process; gives results and what was said."""

    def run_it(algorithm: str, parameters: dict[str, Any], listener: Listener | None = None) -> Any:
        listener = listener or Listener()
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        context.setFeedback(listener)
        results = processing_module.run(
            f"landcover:{algorithm}", parameters, context=context, feedback=listener
        )
        return results, listener

    return run_it


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of installed models."""
    folder = tmp_path / "installed models"
    folder.mkdir()
    monkeypatch.setenv("LANDCOVER_MODELS", str(folder))
    return folder


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Four bands of 210 x 150 pixels at 0.6 m."""
    return write_raster(tmp_path / "image.tif", noise(4, 150, 210))


@pytest.fixture
def model(models: Path) -> Any:
    """An installed model of four bands: the brightest one is the class."""
    return write_brightest_band_model(models / "brightest", halo=8, pixel_size_m=(0.6, 0.4, 1.2))


@pytest.fixture(scope="session")
def server() -> Iterator[MapServer]:
    """A map server on the loopback."""
    running = MapServer()
    yield running
    running.close()


def environment(profile: Path, **more: str) -> dict[str, str]:
    """Of a QGIS with an empty profile, this plugin, and a Python for the worker."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")}
    return {
        **kept,
        "QT_QPA_PLATFORM": "offscreen",
        "QGIS_CUSTOM_CONFIG_PATH": str(profile),
        "QGIS_PLUGINPATH": str(ROOT),
        "XDG_RUNTIME_DIR": str(profile),
        "LANDCOVER_PYTHON": sys.executable,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        **more,
    }


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new profile with the plugin enabled, as a user would."""
    folder = tmp_path_factory.mktemp("profile")
    done = subprocess.run(
        [str(PROGRAM), "plugins", "enable", "landcover_plugin"],
        capture_output=True, text=True, env=environment(folder), timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def qgis_process(profile: Path, tmp_path: Path, models: Path) -> QgisProcess:
    """``qgis_process(arguments…)``."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(PROGRAM), *arguments], capture_output=True, text=True, timeout=120, check=False,
            env=environment(profile, LANDCOVER_MODELS=str(models)), cwd=tmp_path,
        )  # fmt: skip

    return call
