"""The remote backend against a real Triton server: ``make test-triton``."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.rasters import noise, read_raster, write_raster
from tests.server.asking import ask_together
from tests.server.triton_server import running_triton, write_triton_config
from tests.tiny_model import write_box_model, write_tiny_model

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
if not os.environ.get("LANDCOVER_TEST_TRITON"):
    pytest.skip("a Triton server is started by make test-triton only", allow_module_level=True)

from landcover_plugin.core.backends import Backend, Priority, open_backend
from landcover_plugin.core.classify import ClassifyOptions, classify
from landcover_plugin.core.model import ModelSpec
from landcover_plugin.core.model_library import list_models
from landcover_plugin.core.raster_io import raster_io

pytestmark = pytest.mark.timeout(600)


class Triton:
    """A running server and what it serves."""

    def __init__(self, specs: list[ModelSpec], urls: dict[str, str]) -> None:
        self.specs, self.urls = specs, urls


@pytest.fixture(scope="module")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    repository = tmp_path_factory.mktemp("repository")
    specs = [
        write_tiny_model(repository / "tiny"),
        write_box_model(repository / "box", reach=7, tile=256, halo=16, depth=0),
    ]
    for spec in specs:
        write_triton_config(spec)
    for spec in list_models():
        if spec.folder is not None and (spec.folder / "config.pbtxt").is_file():
            shutil.copytree(spec.folder, repository / spec.name)
            specs.append(spec)
    with running_triton(repository) as urls:
        yield Triton(specs, urls)


def picture(spec: ModelSpec, seed: int) -> np.ndarray:
    values = noise(len(spec.bands), spec.chip, spec.chip, seed)[None]
    return (
        values.astype(np.float32) / np.float32(255) if spec.dtype == "float32" else values.astype(spec.dtype)
    )


def door(triton: Triton, scheme: str, spec: ModelSpec) -> Backend:
    if scheme == "grpc":
        pytest.importorskip("tritonclient.grpc", reason="tritonclient[grpc] is not installed")
    return open_backend(triton.urls[scheme], spec)


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_every_model_gives_the_classes_of_the_process(triton: Triton, scheme: str, capsys: Any) -> None:
    for spec in triton.specs:
        near, far = open_backend("onnxruntime:cpu", spec), door(triton, scheme, spec)
        try:
            assert far.numeric_kind.startswith("remote-")
            equal, seconds = [], [0.0, 0.0]
            for seed in range(3):
                chips = picture(spec, seed)
                answers = []
                for n, backend in enumerate((near, far)):
                    started = time.monotonic()
                    answers.append(backend.submit(chips, spec.outputs).result(120))
                    seconds[n] += time.monotonic() - started
                equal.append((answers[0]["classes"] == answers[1]["classes"]).mean())
                for name in spec.outputs:
                    assert answers[0][name].dtype == answers[1][name].dtype
            with capsys.disabled():
                print(
                    f"\n{scheme} {spec.name} by {far.description}: {100 * np.mean(equal):.3f} % equal classes, "
                    f"{far.numeric_kind}, one chip {seconds[0] / 3:.3f} s here, {seconds[1] / 3:.3f} s there"
                )
            assert min(equal) >= 0.995
        finally:
            near.close()
            far.close()


def test_http_and_grpc_are_of_one_kind(triton: Triton) -> None:
    spec = triton.specs[0]
    backends = [door(triton, scheme, spec) for scheme in ("http", "grpc")]
    try:
        assert backends[0].numeric_kind == backends[1].numeric_kind
    finally:
        for backend in backends:
            backend.close()


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_batch_job_while_a_live_view_asks(triton: Triton, scheme: str, tmp_path: Path, capsys: Any) -> None:
    spec = triton.specs[1]
    image = write_raster(tmp_path / "a.tif", noise(4, 1400, 1400))
    maps = {}
    waits: list[float] = []
    for name in ("onnxruntime:cpu", triton.urls[scheme]):
        backend = open_backend(name, spec)
        stop = threading.Event()

        def look(backend: Backend = backend, stop: threading.Event = stop) -> None:
            while not stop.wait(0.1):
                started = time.monotonic()
                backend.submit(picture(spec, 1), priority=Priority.LIVE).result(60)
                waits.append(time.monotonic() - started)

        viewer = threading.Thread(target=look)
        if name != "onnxruntime:cpu":
            viewer.start()
        io = raster_io("rasterio")
        source = io.open(str(image))
        try:
            started = time.monotonic()
            classify(source, spec, backend, tmp_path / f"{len(maps)}.tif", ClassifyOptions(), io=io)
            maps[name] = (read_raster(tmp_path / f"{len(maps)}.tif"), time.monotonic() - started)
        finally:
            stop.set()
            if viewer.ident:
                viewer.join()
            source.close()
            backend.close()
    (near, near_s), (far, far_s) = maps.values()
    share = (near == far).mean()
    with capsys.disabled():
        print(
            f"\n{scheme}: {100 * share:.3f} % equal; job {near_s:.1f} s here, {far_s:.1f} s there with "
            f"{len(waits)} live requests of {np.median(waits):.3f} s"
        )
    assert share >= 0.995 and len(waits) > 1


def test_a_live_view_goes_first_and_a_batch_job_goes_on(triton: Triton, capsys: Any) -> None:
    spec = triton.specs[1]
    assert spec.folder is not None
    for waiting in (12, 40):
        live, batch, passed_by = ask_together(
            triton.urls["http"], spec.folder, live=1, batch=waiting, answers=8
        )
        with capsys.disabled():
            print(
                f"\namong {waiting} of batch: {len(live)} live answers of {np.median(live):.3f} s, in which "
                f"{np.median(passed_by):g} of batch are answered; {len(batch)} of batch of "
                f"{np.median(batch):.3f} s"
            )
        # two that run, and one that shares the run; in the order of coming it would be all that wait
        assert np.median(passed_by) <= 5
        assert len(batch) > len(live) / 5
