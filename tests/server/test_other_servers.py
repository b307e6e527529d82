"""The remote backend against MLServer and KServe: ``make test-servers``."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from tests.rasters import noise
from tests.server.serving import free_ports
from tests.tiny_model import write_tiny_model

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
if not os.environ.get("LANDCOVER_TEST_SERVERS"):
    pytest.skip("MLServer and KServe are started by make test-servers only", allow_module_level=True)

from landcover_plugin.core.backends import Backend, open_backend
from landcover_plugin.core.backends.answers import DTYPE_OF
from landcover_plugin.core.backends.tensors import DATATYPES
from landcover_plugin.core.model import ModelSpec
from landcover_plugin.core.model_library import list_models
from landcover_plugin.server.inference import tensors_of

SCRIPTS = Path(__file__).parent / "other_servers"
ENVIRONMENTS = Path(os.environ["LANDCOVER_TEST_SERVERS"])
pytestmark = pytest.mark.timeout(600)


@dataclass
class Running:
    """A server, and how its models are reached there."""

    specs: Sequence[ModelSpec]
    urls: dict[str, str]


def mlserver(specs: Sequence[ModelSpec], http: int, grpc: int, folder: Path) -> list[str]:
    """The command that starts MLServer."""
    settings = {
        "host": "127.0.0.1",
        "http_port": http,
        "grpc_port": grpc,
        "metrics_port": free_ports(1)[0],
        "parallel_workers": 0,
        "grpc_max_message_length": 1 << 28,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    for spec in specs:
        home = folder / spec.name
        home.mkdir()
        described = {
            "name": spec.name,
            "implementation": "mlserver_model.OnnxModel",
            "parameters": {"uri": str(spec.path)},
            **tensors_of(spec, spec.task == "chip-classification"),
        }
        (home / "model-settings.json").write_text(json.dumps(described))
    return [str(ENVIRONMENTS / "mlserver" / "bin" / "mlserver"), "start", str(folder)]


def kserve(specs: Sequence[ModelSpec], http: int, grpc: int, folder: Path) -> list[str]:
    """The command that starts KServe's model server."""
    python = str(ENVIRONMENTS / "kserve" / "bin" / "python")
    return [python, str(SCRIPTS / "kserve_server.py"), str(http), str(grpc), *(str(s.path) for s in specs)]


@pytest.fixture(scope="module", params=[mlserver, kserve])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    start: Callable[..., list[str]] = request.param
    folder = tmp_path_factory.mktemp(start.__name__)
    specs = [write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")]
    specs += [spec for spec in list_models() if spec.name in ("naip-landcover", "naip-scene")]
    http, grpc = free_ports(2)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            start(specs, http, grpc, folder),
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
            stdout=log,
            stderr=log,
        )
    try:
        ready = f"http://127.0.0.1:{http}/v2/health/ready"
        end = time.monotonic() + 300  # much is imported, and a busy computer takes minutes for it
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(requests.RequestException):
                if requests.get(ready, timeout=5).status_code == 200:
                    break
            time.sleep(0.2)
        else:
            pytest.fail((folder / "log").read_text()[-3000:])
        urls = {"http": f"http://127.0.0.1:{http}", "grpc": f"grpc://127.0.0.1:{grpc}"}
        if start is kserve:
            urls["raw"] = f"{urls['http']}?binary=1"
        yield Running(specs, urls)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        finally:
            process.kill()


def classes_of(backend: Backend, spec: ModelSpec, seed: int, outputs: Sequence[str]) -> dict[str, Any]:
    chips = noise(len(spec.bands), spec.chip, spec.chip, seed)[None].astype(spec.dtype)
    return backend.submit(chips, outputs).result(120)


@pytest.mark.parametrize("way", ["http", "raw", "grpc"])
def test_every_model_gives_the_classes_of_the_process(server: Running, way: str, capsys: Any) -> None:
    if way not in server.urls:
        pytest.skip("this server takes no raw tensors over HTTP")
    for spec in server.specs:
        near, far = open_backend("onnxruntime:cpu", spec), open_backend(server.urls[way], spec)
        try:
            for outputs in (("classes",), spec.outputs):
                started = time.monotonic()
                there = classes_of(far, spec, 1, outputs)
                seconds = time.monotonic() - started
                here = classes_of(near, spec, 1, outputs)
                equal = (here["classes"] == there["classes"]).mean()
                with capsys.disabled():
                    print(
                        f"\n{way} {spec.name} {'+'.join(outputs)} by {far.description}: "
                        f"{100 * equal:.3f} % equal, {seconds:.3f} s"
                    )
                assert equal >= 0.995
                for name in outputs:
                    assert DATATYPES[there[name].dtype.name] == DATATYPES[DTYPE_OF[name]]
                    assert there[name].shape == here[name].shape
        finally:
            near.close()
            far.close()


def test_all_ways_are_of_one_kind(server: Running) -> None:
    kinds = set()
    for url in server.urls.values():
        backend = open_backend(url, server.specs[0])
        kinds.add(backend.numeric_kind)
        backend.close()
    assert len(kinds) == 1 and np.all([kind.startswith("remote-") for kind in kinds])
