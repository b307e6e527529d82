from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from tests.tiny_model import write_tiny_model

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from landcover_plugin.core.backends import configure, open_backend
from landcover_plugin.core.errors import BackendError, OptionError
from landcover_plugin.server.serve import ServeOptions, check_exposure, limits_for
from tests.fake_backend import fake_spec


class Served:
    """``landcover serve`` as a process of its own."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "landcover_plugin.cli.main", "serve", "--port", "0", *arguments],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "LANDCOVER_THREADS": "1"},
        )
        self.said = self.process.stderr.readline() if self.process.stderr else ""
        self.url = self.said.rpartition(" at ")[2].strip().rstrip(".")

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_tiny_model(folder / "tiny")
    return folder


@pytest.fixture(scope="module")
def spec(folder: Path):
    from landcover_plugin.core.model import read_model

    return read_model(folder / "tiny")


@pytest.fixture(scope="module")
def server(folder: Path):
    served = Served("--models", str(folder))
    try:
        yield served
    finally:
        served.stop()


def chips(spec: Any, count: int = 1, seed: int = 0) -> np.ndarray:
    shape = (count, len(spec.bands), spec.chip, spec.chip)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def expected(spec: Any, picture: np.ndarray) -> dict[str, np.ndarray]:
    backend = open_backend("onnxruntime:cpu", spec)
    try:
        return backend.submit(picture, spec.outputs).result(20)
    finally:
        backend.close()


def test_the_backend_http_gives_the_bits_and_the_kind_of_the_process(server, spec) -> None:
    backend = open_backend(server.url, spec)
    try:
        assert backend.numeric_kind == "onnxruntime-cpu-float32"
        for seed in range(5):
            answer = backend.submit(chips(spec, seed=seed), spec.outputs).result(20)
            for name, array in expected(spec, chips(spec, seed=seed)).items():
                np.testing.assert_array_equal(answer[name], array)
    finally:
        backend.close()


def test_tritons_own_client_gets_the_same(server, spec) -> None:
    client = pytest.importorskip("tritonclient.http", reason="tritonclient[http] is not installed")
    with client.InferenceServerClient(server.url.partition("://")[2]) as triton:
        assert triton.is_server_live() and triton.is_server_ready() and triton.is_model_ready("tiny")
        assert triton.get_model_metadata("tiny")["inputs"][0]["datatype"] == "UINT8"
        assert triton.get_model_repository_index()[0]["name"] == "tiny"
        picture = chips(spec, 2)
        for binary_in in (True, False):
            given = client.InferInput("chips", list(picture.shape), "UINT8")
            given.set_data_from_numpy(picture, binary_data=binary_in)
            wanted = [client.InferRequestedOutput(n, binary_data=n != "probabilities8") for n in spec.outputs]
            result = triton.infer("tiny", [given], outputs=wanted, request_id="7", priority=1)
            assert result.get_response()["id"] == "7"
            for name, array in expected(spec, picture).items():
                np.testing.assert_array_equal(result.as_numpy(name), array)


def test_metrics_count_what_was_asked(server, spec) -> None:
    pytest.importorskip("prometheus_client", reason="prometheus_client is not installed")
    backend = open_backend(server.url, spec)
    backend.submit(chips(spec, 3)).result(20)
    backend.close()
    requests.post(f"{server.url}/v2/models/tiny/infer", data=b"{", timeout=5)
    requests.post(f"{server.url}/v2/models/nothing/infer", data=b"{", timeout=5)
    text = requests.get(f"{server.url}/metrics", timeout=5).text
    assert 'landcover_requests_total{model="tiny",status="200"}' in text
    assert 'landcover_requests_total{model="tiny",status="400"}' in text
    assert "nothing" not in text  # else anybody could fill the memory with names
    (line,) = [line for line in text.splitlines() if line.startswith("landcover_chips_total")]
    assert float(line.split()[-1]) >= 4


def test_a_stop_answers_what_is_under_way(folder: Path, tmp_path: Path) -> None:
    slow = write_tiny_model(tmp_path / "models" / "slow", depth=6, width=96, tile=256)
    served = Served("--models", str(tmp_path / "models"))
    backend = open_backend(served.url, slow)
    try:
        futures = [backend.submit(chips(slow, seed=n)) for n in range(2)]
        time.sleep(0.1)
        served.process.send_signal(signal.SIGTERM)
        for future in futures:
            assert future.result(20)["classes"].shape == (1, 256, 256)
    finally:
        backend.close()
        assert served.stop() == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])
def test_other_computers_are_served_only_with_a_bearer(host: str) -> None:
    with pytest.raises(OptionError, match=r"^.* can be reached from other computers.*--token-file\.$"):
        check_exposure(ServeOptions(host=host))
    check_exposure(ServeOptions(host=host, bearer="abc"))
    check_exposure(ServeOptions(host="::1"))


def test_a_bearer_is_asked_for_where_a_file_names_one(folder: Path, spec, tmp_path: Path) -> None:
    (tmp_path / "bearer").write_text("open-sesame")
    served = Served("--models", str(folder), "--token-file", str(tmp_path / "bearer"))
    try:
        assert requests.get(f"{served.url}/v2", timeout=5).status_code == 401
        configure(token_file=str(tmp_path / "bearer"))
        backend = open_backend(served.url, spec)
        backend.submit(chips(spec)).result(20)
        backend.close()
        assert "open-sesame" not in served.said
    finally:
        configure()
        served.stop()


def test_https_is_checked_with_the_users_own_certificates(folder: Path, spec, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, so there is no certificate to test with")
    certificate, key = str(tmp_path / "certificate.pem"), str(tmp_path / "key.pem")
    make = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(
        [*make.split(), "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    served = Served("--models", str(folder), "--certificate", certificate, "--key", key)
    try:
        assert served.url.startswith("https://")
        with pytest.raises(BackendError, match="(?i)certificate verify failed"):
            open_backend(served.url, spec)
        configure(ca_file=str(tmp_path / "nowhere.pem"))
        with pytest.raises(BackendError, match="does not exist"):
            open_backend(served.url, spec)
        configure(ca_file=certificate)
        backend = open_backend(served.url, spec)
        assert backend.submit(chips(spec)).result(20)["classes"].shape == (1, 64, 64)
        backend.close()
    finally:
        configure()
        served.stop()


def test_a_folder_without_models_is_one_sentence(tmp_path: Path) -> None:
    served = Served("--models", str(tmp_path))
    assert served.said.startswith("Error: No model can be served; name a folder")
    assert served.process.wait(20) == 1


def test_a_body_may_hold_a_few_chips_of_the_largest_model() -> None:
    limits = limits_for([fake_spec(tile=512, halo=64)], 5)
    assert 8 * 4 * 640**2 < limits.body_bytes < 64 << 20 and limits.pending == 5


def test_the_command_maps_an_image_on_two_servers_one_of_them_absent(
    server, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from landcover_plugin.cli.classify import classify
    from tests.rasters import noise, read_raster, write_raster

    monkeypatch.setenv("LANDCOVER_MODELS", str(folder))
    image = str(write_raster(tmp_path / "a.tif", noise(4, 300, 300)))
    said = []
    for name, backend in (("near", "onnxruntime:cpu"), ("far", f"http://127.0.0.1:9,{server.url}")):
        arguments = [image, str(tmp_path / f"{name}.tif"), "--model", "tiny", "--backend", backend]
        done = CliRunner().invoke(classify, arguments, catch_exceptions=False)
        assert done.exit_code == 0
        said.append(done.output)
    configure()
    np.testing.assert_array_equal(read_raster(tmp_path / "near.tif"), read_raster(tmp_path / "far.tif"))
    assert "A server is not used until it answers: No answer from http://127.0.0.1:9" in said[1]
