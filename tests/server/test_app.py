from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tiny_model import write_tiny_model

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from landcover_plugin.core.backends import Priority, open_backend
from landcover_plugin.core.backends.remote import InferenceClient
from landcover_plugin.core.backends.tensors import HEADER_LENGTH, encode
from landcover_plugin.core.model import model_json
from landcover_plugin.server.app import make_app
from landcover_plugin.server.inference import Limits
from landcover_plugin.server.models import ServedModel, ServedModels
from tests.server.serving import served

LIMITS = Limits(body_bytes=1 << 20, json_bytes=200_000, pending=4, body_s=1.0)
INFER = "/v2/models/tiny/infer"


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory):
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def url(spec):
    models = ServedModels()
    models.load("tiny", spec, "onnxruntime:cpu")
    with served(make_app(models, bearer=None, limits=LIMITS)) as address:
        yield address


def chips(spec, count=1, seed=0):
    shape = (count, len(spec.bands), spec.chip, spec.chip)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def expected(spec, picture):
    backend = open_backend("onnxruntime:cpu", spec)
    try:
        return backend.submit(picture, spec.outputs).result(20)
    finally:
        backend.close()


def post(url: str, body: Any, **headers: str) -> requests.Response:
    return requests.post(url, data=body, headers=headers, timeout=20)


# -- what a good client sees ---------------------------------------------------------------------


def test_health_and_metadata_are_those_of_the_protocol(url: str) -> None:
    assert "binary_tensor_data" in requests.get(f"{url}/v2", timeout=5).json()["extensions"]
    for path in ("health/live", "health/ready", "models/tiny/ready", "models/tiny/versions/1/ready"):
        assert requests.get(f"{url}/v2/{path}", timeout=5).status_code == 200
    found = requests.get(f"{url}/v2/models/tiny", timeout=5).json()
    assert found["versions"] == ["1"]
    assert found["inputs"] == [{"name": "chips", "datatype": "UINT8", "shape": [-1, 4, -1, -1]}]
    assert found["outputs"][1] == {"name": "probabilities8", "datatype": "UINT8", "shape": [-1, 3, -1, -1]}
    assert found["parameters"]["numeric_kind"] == "onnxruntime-cpu-float32"
    index = requests.post(f"{url}/v2/repository/index", timeout=5).json()
    assert index == [{"name": "tiny", "version": "1", "state": "READY"}]


@pytest.mark.parametrize("path", ["models/other", "models/tiny/versions/2", "models/other/ready", "nowhere"])
def test_what_is_not_here_is_404_with_an_error(url: str, path: str) -> None:
    answer = requests.get(f"{url}/v2/{path}", timeout=5)
    assert answer.status_code == 404
    assert isinstance(answer.json()["error"], str)


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_json_and_binary_give_the_same_in_every_mixture(url, spec, binary_in, binary_out) -> None:
    picture = chips(spec)
    message = {
        "id": "42",
        "outputs": [{"name": "classes", "parameters": {"binary_data": binary_out}}],
    }
    body, length = encode(message, "inputs", {"chips": picture}, {"chips": binary_in})
    headers = {} if length is None else {HEADER_LENGTH: str(length)}
    answer = post(url + INFER, body, **headers)
    assert answer.status_code == 200, answer.text
    size = answer.headers.get(HEADER_LENGTH)
    assert (size is not None) == binary_out
    described = json.loads(answer.content[: int(size)] if size else answer.content)
    (output,) = described["outputs"]
    assert (described["id"], described["model_name"], described["model_version"]) == ("42", "tiny", "1")
    values = np.frombuffer(answer.content[int(size) :], np.uint8) if size else np.array(output["data"])
    assert np.array_equal(values.reshape(output["shape"]), expected(spec, picture)["classes"])


def test_no_outputs_asked_means_all_of_them(url, spec) -> None:
    body, length = encode(
        {"parameters": {"binary_data_output": True}}, "inputs", {"chips": chips(spec)}, {"chips": True}
    )
    answer = post(url + INFER, body, **{HEADER_LENGTH: str(length)})
    described = json.loads(answer.content[: int(answer.headers[HEADER_LENGTH])])
    assert [o["name"] for o in described["outputs"]] == list(spec.outputs)


def test_our_client_gets_what_the_network_gives(url, spec) -> None:
    client = InferenceClient(url)
    picture = chips(spec, 3)
    answer = client.infer("tiny", picture, spec.outputs, Priority.LIVE, deadline_s=20, answer_bytes=10**6)
    for name, array in expected(spec, picture).items():
        assert np.array_equal(answer[name], array)
    client.close()


# -- what a bad one does -------------------------------------------------------------------------


def good(spec, **changed: Any) -> dict[str, Any]:
    data = chips(spec).ravel().tolist()
    tensor = {"name": "chips", "datatype": "UINT8", "shape": [1, 4, 80, 80], "data": data}
    return {"inputs": [tensor], "outputs": [{"name": "classes"}], **changed}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"inputs": None}, "list"),
        ({"inputs": []}, "the one input is 'chips'"),
        ({"id": 5}, "'id'"),
        ({"parameters": "fast"}, "'parameters'"),
        ({"parameters": {"priority": -1}}, "priority"),
        ({"parameters": {"priority": "high"}}, "priority"),
        ({"outputs": "classes"}, "'outputs'"),
        ({"outputs": [{"name": "classes"}] * 2}, "each once"),
        ({"outputs": [{"name": "../../etc/passwd"}]}, "no output"),
        ({"outputs": [{"name": None}]}, "'name'"),
    ],
)
def test_a_wrong_request_is_400_and_says_why(url, spec, change, sentence) -> None:
    answer = post(url + INFER, json.dumps(good(spec, **change)))
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((1, 3, 80, 80), "must have the shape (N, 4"),
        ((4, 80, 80), "must have the shape"),
        ((1, 4, 16, 80), "must be above 16"),
        ((1, 4, 81, 80), "above the limit"),
        ((1, 4, 800, 80), "above the limit"),
    ],
)
def test_chips_that_the_model_cannot_take_are_refused(url, shape, sentence) -> None:
    body, length = encode({}, "inputs", {"chips": np.zeros(shape, np.uint8)}, {"chips": True})
    answer = post(url + INFER, body, **{HEADER_LENGTH: str(length)})
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]


def test_an_answer_too_large_for_the_limits_is_refused_before_it_is_made(url) -> None:
    body, length = encode({}, "inputs", {"chips": np.zeros((40, 4, 80, 80), np.uint8)}, {"chips": True})
    answer = post(url + INFER, body, **{HEADER_LENGTH: str(length)})
    assert answer.status_code == 400
    assert "send fewer chips" in answer.json()["error"]


def test_bodies_above_the_limit_are_refused(url) -> None:
    assert post(url + INFER, b"0" * (2 << 20)).status_code == 413
    assert post(url + INFER, (b"0" * (1 << 17) for _ in range(16))).status_code == 413
    assert post(url + INFER, b"[" * 300_000).status_code == 400
    lie = requests.Request("POST", url + INFER, data=b"{}").prepare()
    lie.headers["Content-Length"] = "9" * 14
    with requests.Session() as session:
        assert session.send(lie, timeout=5).status_code == 413


def test_a_body_that_comes_too_slowly_is_given_up(url) -> None:
    host, port = url[7:].split(":")
    with socket.create_connection((host, int(port)), timeout=10) as slow:
        slow.sendall(f"POST {INFER} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{{".encode())
        started = time.monotonic()
        assert b" 408 " in slow.recv(1000)
        assert time.monotonic() - started < 3


@pytest.mark.parametrize("length", ["-5", "0", "99999", "1", "abc", "1" * 50])
def test_a_lying_header_length_is_400(url, spec, length: str) -> None:
    assert post(url + INFER, json.dumps(good(spec)), **{HEADER_LENGTH: length}).status_code == 400


def test_an_encoded_body_is_refused(url, spec) -> None:
    assert post(url + INFER, b"x", **{"Content-Encoding": "gzip"}).status_code == 415


@pytest.mark.parametrize(
    "path", ["repository/models/x/load", "repository/models/tiny/unload", "landcover/tasks/a"]
)
def test_only_a_worker_loads_models_and_does_tasks(url, path: str) -> None:
    assert post(f"{url}/v2/{path}", b"{}").status_code == 404


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
TENSOR = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("chips") | JSON,
        "datatype": st.sampled_from(["UINT8", "FP32", "INT16", "BYTES"]) | JSON,
        "shape": st.lists(st.integers(-2, 90), max_size=5) | JSON,
        "data": st.lists(st.integers(0, 300), max_size=20) | JSON,
        "parameters": st.fixed_dictionaries({"binary_data_size": st.integers(-5, 100) | JSON}) | JSON,
    },
)
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON,
        "inputs": st.lists(TENSOR, max_size=3) | JSON,
        "outputs": st.lists(st.fixed_dictionaries({"name": st.just("classes") | JSON}), max_size=3) | JSON,
        "parameters": st.fixed_dictionaries({"priority": JSON, "binary_data_output": JSON}) | JSON,
    },
)


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(MESSAGE | JSON, st.binary(max_size=60), st.none() | st.integers(-3, 400))
def test_no_request_makes_the_server_fail(url, message, raw, shift) -> None:
    body = json.dumps(message).encode()
    headers = {} if shift is None else {HEADER_LENGTH: str(len(body) if shift > 200 else shift)}
    assert post(url + INFER, body + raw, **headers).status_code in (200, 400, 413)


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#?"), max_size=40))
def test_no_path_leads_anywhere_it_should_not(url, path) -> None:
    for start in ("/v2/models/", "/v2/", "/"):
        assert requests.get(f"{url}{start}..%2f{path}", timeout=5).status_code in (400, 404, 405)


# -- load ----------------------------------------------------------------------------------------


class SlowBackend:
    """Answers when it is let; writes down the order."""

    description, numeric_kind, in_flight = "slow", "slow", 1

    def __init__(self, spec) -> None:
        self.inner = open_backend("onnxruntime:cpu", spec)
        self.futures: list[Any] = []

    def submit(self, chips, outputs=("classes",), priority=Priority.BATCH):
        from concurrent.futures import Future

        self.futures.append((Future(), priority))
        return self.futures[-1][0]

    def close(self) -> None:
        self.inner.close()


def test_a_full_queue_is_503_with_retry_after_and_a_lost_client_leaves_it(spec) -> None:
    models = ServedModels()
    backend = SlowBackend(spec)
    models._models["tiny"] = ServedModel("tiny", spec, backend)
    body = json.dumps(good(spec, parameters={"priority": 1}))
    with served(make_app(models, bearer=None, limits=LIMITS)) as url:
        host, port = url[7:].split(":")
        sockets = [socket.create_connection((host, int(port)), timeout=10) for _ in range(LIMITS.pending)]
        for each in sockets:
            head = f"POST {INFER} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
            each.sendall(head.encode() + body.encode())
        deadline = time.monotonic() + 5
        while len(backend.futures) < LIMITS.pending and time.monotonic() < deadline:
            time.sleep(0.01)
        assert {priority for _, priority in backend.futures} == {Priority.LIVE}
        refused = post(url + INFER, body)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        sockets[0].close()
        while not backend.futures[0][0].cancelled() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert backend.futures[0][0].cancelled()
        answer: list[requests.Response] = []
        asked = threading.Thread(target=lambda: answer.append(post(url + INFER, body)))
        asked.start()
        while len(backend.futures) <= LIMITS.pending and time.monotonic() < deadline:
            time.sleep(0.01)
        for future, _ in backend.futures[1:]:
            future.set_result({"classes": np.ones((1, 64, 64), np.uint8)})
        asked.join(10)
        assert answer[0].status_code == 200
        for each in sockets:
            each.close()


def test_a_client_that_knows_only_basic_gives_the_bearer_as_its_password() -> None:
    with served(make_app(ServedModels(), bearer="let:me in")) as url:
        for auth, status in ((("anybody", "let:me in"), 200), (("let", "me in"), 401), (("a", ""), 401)):
            assert requests.get(f"{url}/v2", auth=auth, timeout=5).status_code == status
        for header in ("Basic", "Basic !!", "Basic YQ==", "Digest let:me in", "let:me in"):
            assert requests.get(f"{url}/v2", headers={"Authorization": header}, timeout=5).status_code == 401


def test_a_worker_asks_for_its_bearer_and_loads_what_it_is_told(spec, tmp_path: Path) -> None:
    models = ServedModels()
    with served(make_app(models, bearer="let me in", is_worker=True)) as url:
        assert requests.get(f"{url}/v2", timeout=5).status_code == 401
        assert requests.get(f"{url}/v2", headers={"Authorization": "Bearer "}, timeout=5).status_code == 401
        client = InferenceClient(url, bearer="let me in")
        parameters = {"folder": str(spec.folder), "spec": model_json(spec)}
        facts = client.call("POST", "/v2/repository/models/t/load", {"parameters": parameters}, deadline_s=20)
        assert facts["numeric_kind"] == "onnxruntime-cpu-float32"
        assert client.call("GET", "/v2/models/t/ready", deadline_s=5) is None
        client.call("POST", "/v2/repository/models/t/unload", {}, deadline_s=5)
        assert models.get("t") is None
        headers = {"Authorization": "Bearer let me in"}
        for bad in (b"", b"[]", b"{}", b'{"parameters": {"folder": 3}}', b'{"parameters": {"folder": "/"}}'):
            answer = post(f"{url}/v2/repository/models/t/load", bad, **headers)
            assert answer.status_code == 400
            assert answer.json()["error"]
        unready = post(f"{url}/v2/landcover/tasks/import_model", b"{}", **headers)
        assert unready.status_code == 503
        assert unready.json()["error"].startswith("The worker could not do import_model (")
        name = f"{url}/v2/repository/models/..%2f..%2fetc/load"
        assert post(name, json.dumps({"parameters": parameters}), **headers).status_code in (400, 404)
        client.close()
