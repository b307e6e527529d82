"""One map from every door, by every protocol, whatever runs the network; and the bearer stays out of sight."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from landcover_plugin.core.backends import open_backend
from landcover_plugin.plugin import LandcoverPlugin
from tests.grpc_server import serving_grpc
from tests.live.test_provider import live_layer, saved
from tests.processing.conftest import PROGRAM, ROOT, environment, needs_qgis_process
from tests.rasters import read_raster
from tests.server.serving import Served
from tests.server.triton_server import running_triton, write_triton_config
from tests.tiny_model import write_tiny_model

TRITON = os.environ.get("LANDCOVER_TEST_TRITON")
BEARER = "open-sesame-0123456789"


@pytest.fixture
def bearer(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file that holds the bearer, known to all doors."""
    path = tmp_path_factory.mktemp("secret") / "bearer.txt"
    path.write_text(BEARER)
    monkeypatch.setenv("LANDCOVER_TOKEN_FILE", str(path))
    return str(path)


@pytest.fixture(params=["http", "grpc", *(["triton http", "triton grpc"] if TRITON else [])])
def url(
    request: pytest.FixtureRequest, models: Path, bearer: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A server of a model by each protocol; all but Triton, which cannot, look at the bearer."""
    spec = write_tiny_model(models / "four", pixel_size_m=(0.6, 0.4, 1.2))
    server, _, scheme = request.param.rpartition(" ")
    if server:
        write_triton_config(spec)
        repository = tmp_path_factory.mktemp("repository")  # Triton takes no path with blanks
        shutil.copytree(models / "four", repository / "four")
        with running_triton(repository) as urls:
            yield urls[scheme]
        return
    if scheme == "grpc":
        with serving_grpc(spec, open_backend("onnxruntime:cpu", spec)) as (address, service, _):
            yield address
        assert set(service.bearers) == {f"Bearer {BEARER}"}
        return
    serving = Served("--models", str(models), "--token-file", bearer)
    yield serving.url
    serving.stop()


def in_subprocess(command: list[str], **environment: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, check=False, cwd=ROOT,
        env=environment or {**os.environ},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_qgis_process
def test_every_door_gives_the_map_of_the_process_from_a_server(
    url: str, run: Any, plugin: LandcoverPlugin, profile: Path, image: Path, models: Path, tmp_path: Path
) -> None:
    def command(backend: str, out: str) -> str:
        program = [sys.executable, "-m", "landcover_plugin.cli.main", "classify", str(image)]
        return in_subprocess([*program, str(tmp_path / out), "--model", "four", "--backend", backend])

    command("onnxruntime:cpu", "here.tif")
    said = command(url, "command.tif")
    _, listener = run(
        "classify",
        {"INPUT": str(image), "MODEL": "four", "BACKEND": url, "OUTPUT": str(tmp_path / "toolbox.tif")},
    )
    said += "\n".join([*listener.infos, *listener.warnings, *listener.texts])
    # gRPC needs a package that QGIS' own Python has only where the user put it there
    tritonclient = importlib.util.find_spec("tritonclient") if url.startswith("grpc") else None
    packages = str(Path(str(tritonclient.origin)).parents[1]) if tritonclient else ""
    said += in_subprocess(
        [str(PROGRAM), "run", "landcover:classify", f"--INPUT={image}", "--MODEL=four", f"--BACKEND={url}",
         f"--OUTPUT={tmp_path / 'headless.tif'}"],
        **environment(profile, LANDCOVER_MODELS=str(models), PYTHONPATH=packages),
    )  # fmt: skip

    session = plugin._live
    assert session is not None
    session.apply(replace(session.settings, backend=url, disk_mb=0))
    session.cache.clear()
    layer = live_layer(image)
    saved(layer, tmp_path / "live.tif")
    provider = layer.dataProvider()
    assert provider.live.feed.setup.backend.description.endswith(url)

    here = read_raster(tmp_path / "here.tif")
    for door in ("command", "toolbox", "headless", "live"):
        np.testing.assert_array_equal(read_raster(tmp_path / f"{door}.tif"), here, err_msg=door)
    said += layer.source() + provider.htmlMetadata()
    assert url in said and BEARER not in said
    holding = [p.name for p in tmp_path.rglob("*") if p.is_file() and BEARER.encode() in p.read_bytes()]
    assert holding == []
