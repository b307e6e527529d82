"""The zip is what the plugin repository takes, and QGIS runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.rasters import noise, read_raster, write_raster
from tests.tiny_model import write_brightest_band_model

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def plugin_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a clone, because qgis-plugin-ci packs what is committed."""
    clone = tmp_path_factory.mktemp("package") / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    done = subprocess.run(
        [sys.executable, ".ci/package.py"], cwd=clone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(clone.glob("*.zip"))


def test_the_zip_is_below_the_limit_and_holds_what_it_must(plugin_zip: Path) -> None:
    names = zipfile.ZipFile(plugin_zip).namelist()
    assert plugin_zip.stat().st_size < 25_000_000
    for name in ("__init__.py", "metadata.txt", "LICENSE", "core/classify.py", "server/worker.py",
                 "i18n/landcover_de.qm"):  # fmt: skip
        assert f"landcover_plugin/{name}" in names
    assert not [n for n in names if "/training/" in n or "/tests/" in n or n.endswith(".pyc")]


def test_what_is_in_the_zip_passes_the_scans(plugin_zip: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(plugin_zip).extractall(tmp_path)
    scan = [sys.executable, "-m", "bandit", "-q", "-r", "landcover_plugin", "-s", "B404"]
    done = subprocess.run(scan, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_it_installs_classifies_and_leaves_nothing_behind(plugin_zip: Path, tmp_path: Path) -> None:
    program = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
    if program is None:
        pytest.skip("qgis_process is not installed")
    plugins = tmp_path / "profile" / "profiles" / "default" / "python" / "plugins"
    plugins.mkdir(parents=True)
    zipfile.ZipFile(plugin_zip).extractall(plugins)
    before = sorted(p for p in plugins.rglob("*") if "__pycache__" not in p.parts)
    environment = {
        **{k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "QGIS_PLUGINPATH")},
        "QT_QPA_PLATFORM": "offscreen",
        "QGIS_CUSTOM_CONFIG_PATH": str(tmp_path / "profile"),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "LANDCOVER_PYTHON": sys.executable,
    }
    values = noise(4, 150, 200)
    image = write_raster(tmp_path / "a.tif", values)
    write_brightest_band_model(tmp_path / "brightest", pixel_size_m=(0.6, 0.4, 1.2))

    def qgis(*arguments: str) -> None:
        done = subprocess.run(
            [program, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    qgis("plugins", "enable", "landcover_plugin")
    for _ in range(2):  # it loads again
        qgis("run", "landcover:classify", f"--INPUT={image}", f"--MODEL={tmp_path / 'brightest'}",
             f"--OUTPUT={tmp_path / 'map.tif'}")  # fmt: skip
        assert (read_raster(tmp_path / "map.tif")[0] == 1 + values.argmax(axis=0)).all()
    qgis("plugins", "disable", "landcover_plugin")
    assert sorted(p for p in plugins.rglob("*") if "__pycache__" not in p.parts) == before
    commands = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists()]
    assert not [c for c in commands if str(plugins).encode() in c]


def test_pb_tool_deploys_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("pb_tool")), "deploy", "-y", "-p", str(tmp_path)],
        cwd=ROOT / "landcover_plugin", capture_output=True, text=True, check=False,
    )  # fmt: skip
    deployed = tmp_path / "landcover_plugin"
    assert (deployed / "metadata.txt").exists(), done.stdout + done.stderr
    assert (deployed / "core" / "classify.py").exists() and (deployed / "plugin.py").exists()
