"""A real Triton server, started and stopped for tests."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from landcover_plugin.core.model import ModelSpec
from landcover_plugin.core.model_formats.triton import triton_config
from tests.landcover_data import landcover_data
from tests.server.serving import free_ports


def write_triton_config(spec: ModelSpec) -> None:
    """What the server has to know of a test model."""
    assert spec.folder is not None
    text = triton_config(spec, 4, batch_is_free=True, size_is_free=True)
    (spec.folder / "config.pbtxt").write_text(text)


@contextlib.contextmanager
def running_triton(repository: Path) -> Iterator[dict[str, str]]:
    """Serve a folder of models; gives the URLs of ``http`` and ``grpc``."""
    tool = str(landcover_data("tools/triton"))
    http, grpc, metrics = map(str, free_ports(3))
    ports = ["--http-port", http, "--grpc-port", grpc, "--metrics-port", metrics]
    done = subprocess.run(
        [tool, "start", "--model-repository", str(repository), *ports],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    try:
        yield {"http": f"http://127.0.0.1:{http}", "grpc": f"grpc://127.0.0.1:{grpc}"}
    finally:
        subprocess.run([tool, "stop", "--http-port", http], timeout=60)
