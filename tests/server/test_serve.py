from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
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

from landcover_plugin.core.backends import Priority, configure, open_backend
from landcover_plugin.core.backends.remote import InferenceClient
from landcover_plugin.core.errors import BackendError, OptionError
from landcover_plugin.core.model_library import find_model
from landcover_plugin.server.serve import ServeOptions, check_exposure, limits_for
from tests.fake_backend import fake_spec
from tests.server.asking import ask_together
from tests.server.serving import Served


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
    from prometheus_client.parser import text_string_to_metric_families

    backend = open_backend(server.url, spec)
    backend.submit(chips(spec, 3)).result(20)
    backend.close()
    requests.post(f"{server.url}/v2/models/tiny/infer", data=b"{", timeout=5)
    requests.post(f"{server.url}/v2/models/nothing/infer", data=b"{", timeout=5)
    answer = requests.get(f"{server.url}/metrics", timeout=5)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "nothing" not in answer.text  # else anybody could fill the memory with names
    found = text_string_to_metric_families(answer.text)
    families = {family.name: family for family in found if not family.name.endswith("_created")}
    assert {name: family.type for name, family in families.items()} == {
        "landcover_requests": "counter",
        "landcover_request_seconds": "histogram",
        "landcover_chips": "counter",
        "landcover_pending_requests": "gauge",
    }
    counted = {
        s.labels["status"]: s.value for s in families["landcover_requests"].samples if "status" in s.labels
    }
    assert counted["200"] >= 2 and counted["400"] >= 1
    samples = families["landcover_request_seconds"].samples
    assert {s.value for s in samples if s.name.endswith("_count")} == {sum(counted.values())}
    assert next(s.value for s in families["landcover_chips"].samples if s.name.endswith("_total")) >= 4
    assert [(s.labels, s.value) for s in families["landcover_pending_requests"].samples] == [
        ({"model": "tiny"}, 0)
    ]


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory):
    """A model whose requests wait for one another."""
    return write_tiny_model(tmp_path_factory.mktemp("slow") / "slow", depth=4, width=64, tile=256)


def test_a_stop_under_load_answers_all_that_are_under_way(slow) -> None:
    served = Served("--models", str(slow.folder.parent))
    client = InferenceClient(served.url, connections=24)
    ask = lambda n: client.infer(  # noqa: E731
        "slow", chips(slow, seed=n), ["classes"], Priority.BATCH, deadline_s=60, answer_bytes=1 << 16
    )
    try:
        with ThreadPoolExecutor(24) as pool:
            futures = [pool.submit(ask, n) for n in range(24)]
            under_way = 'landcover_pending_requests{model="slow"} '
            pending = 0.0
            while pending < 8:
                assert not all(future.done() for future in futures)
                text = requests.get(f"{served.url}/metrics", timeout=20).text
                pending = float(text.partition(under_way)[2].split()[0])
            served.process.send_signal(signal.SIGTERM)
            answers = [future.result(60) for future in futures if not future.exception(60)]
        assert len(answers) >= pending
        assert {answer["classes"].shape for answer in answers} == {(1, 256, 256)}
        assert served.process.wait(90) == 0  # 30 s of grace, and a busy computer
        with pytest.raises(BackendError, match="No answer"):
            ask(0)
    finally:
        client.close()
        assert served.stop() == 0


def test_a_live_view_goes_first_and_a_batch_job_gets_one_in_five(slow, capsys: Any) -> None:
    served = Served("--models", str(slow.folder.parent))
    try:
        live, batch, _ = ask_together(served.url, slow.folder, live=8, batch=8, answers=48)
        share = len(batch) / len(live + batch)
        look, work, passed_by = ask_together(served.url, slow.folder, live=1, batch=8, answers=12)
        with capsys.disabled():
            print(
                f"\nbatch gets {100 * share:.0f} % beside 8 live requests; beside one, that one waits "
                f"{np.median(look):.2f} s, in which {np.median(passed_by):g} of batch are answered, and batch "
                f"{np.median(work):.2f} s"
            )
        assert 0.15 <= share <= 0.3
        assert np.median(look) < np.median(work) / 2
        assert len(work) > len(look) / 5
    finally:
        served.stop()


def test_a_connection_outlasts_a_pause(server) -> None:
    host, port = server.url.partition("://")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        for pause in (6, 0):  # uvicorn would close it after 5 s
            line.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n")
            assert line.recv(1000).startswith(b"HTTP/1.1 200 ")
            time.sleep(pause)


def test_it_listens_on_this_computer_alone_unless_told_otherwise(server, folder: Path) -> None:
    port = int(server.url.rpartition(":")[2])
    assert server.url == f"http://127.0.0.1:{port}"
    with pytest.raises(ConnectionRefusedError):  # whoever listens on all addresses listens on this one too
        socket.create_connection(("127.0.0.2", port), timeout=5)
    exposed = Served("--models", str(folder), "--host", "0.0.0.0")
    assert exposed.said.startswith(
        "Error: 0.0.0.0 can be reached from other computers, so a bearer is needed"
    )
    assert exposed.process.wait(20) == 1


def test_with_a_bearer_it_listens_to_other_computers(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bearer").write_text("open-sesame")
    served = Served("--models", str(folder), "--host", "0.0.0.0", "--token-file", str(tmp_path / "bearer"))
    try:
        url = served.url.replace("0.0.0.0", "127.0.0.2")
        assert requests.get(f"{url}/v2", timeout=5).status_code == 401
        bearer = {"Authorization": "Bearer open-sesame"}
        assert requests.get(f"{url}/v2", timeout=5, headers=bearer).status_code == 200
    finally:
        served.stop()


def test_a_model_that_takes_whole_chips_only_says_so(folder: Path) -> None:
    spec = find_model("naip-scene")
    served = Served("--model", "naip-scene")
    try:
        backend = open_backend(served.url, spec)
        answer = backend.submit(chips(spec, 2)).result(20)
        np.testing.assert_array_equal(answer["classes"], expected(spec, chips(spec, 2))["classes"])
        with pytest.raises(BackendError, match=f"takes chips of {spec.chip} x {spec.chip} pixels only"):
            backend.submit(chips(spec)[..., :64, :64]).result(20)
        backend.close()
    finally:
        served.stop()


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
