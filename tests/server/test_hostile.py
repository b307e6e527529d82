"""What clients may do to ``landcover serve`` that no good client does."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import requests

from tests.tiny_model import write_tiny_model

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from landcover_plugin.core.backends import Priority
from landcover_plugin.core.backends.remote import InferenceClient
from landcover_plugin.core.backends.tensors import HEADER_LENGTH, encode
from landcover_plugin.server import app as app_module
from landcover_plugin.server.app import make_app
from landcover_plugin.server.connections import PatientProtocol
from landcover_plugin.server.inference import Limits
from landcover_plugin.server.models import ServedModel, ServedModels
from tests.server.serving import served

LIMITS = Limits(body_bytes=8 << 20, json_bytes=6 << 20, pending=4, held_bytes=12 << 20, body_s=1.0)
INFER = "/v2/models/tiny/infer"


class HastyProtocol(PatientProtocol):
    client_s = 1.0


class Target:
    """A running server, and what it looks like from inside."""

    def __init__(self, url: str, model: ServedModel) -> None:
        self.url, self.model = url, model
        host, port = url.partition("://")[2].split(":")
        self.address = (host, int(port))

    def post(self, body: bytes, path: str = INFER, **headers: str) -> requests.Response:
        return requests.post(self.url + path, data=body, headers=headers, timeout=20)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=20)

    def say(self, *lines: str, body: bytes = b"") -> bytes:
        """The answer's first line to a request written by hand."""
        with self.connect() as line:
            line.sendall("\r\n".join([*lines, "Host: a", "", ""]).encode("latin-1") + body)
            return line.makefile("rb").readline()


def until(is_so: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.02)
    return is_so()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    models = ServedModels()
    spec = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    model = models.load("tiny", spec, "onnxruntime:cpu")
    with served(make_app(models, bearer=None, limits=LIMITS), HastyProtocol) as url:
        yield Target(url, model)


@pytest.fixture
def target(running: Target) -> Iterator[Target]:
    """The server, which must answer a good client after whatever the test did to it."""
    yield running
    client = InferenceClient(running.url)
    chips = np.zeros((1, 4, 80, 80), np.uint8)
    assert until(lambda: running.model.pending == 0)
    answer = client.infer("tiny", chips, ["classes"], Priority.LIVE, deadline_s=20, answer_bytes=10**5)
    client.close()
    assert answer["classes"].shape == (1, 64, 64)


def request(**changed: Any) -> bytes:
    tensor = {"name": "chips", "datatype": "UINT8", "shape": [1, 4, 80, 80], "data": [0] * 25600, **changed}
    return json.dumps({"inputs": [tensor], "outputs": [{"name": "classes"}]}).encode()


# -- what is in a body ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [1, 4, 2**31 - 1, 2**31 - 1]},
        {"shape": [2**31, 4, 80, 80]},
        {"shape": [10**4000]},
        {"shape": [1] * 70},
        {"shape": [-1, 4, 80, 80]},
        {"shape": [0, 4, 80, 80]},
        {"shape": [1, 4, 80.0, 80]},
        {"shape": [float("inf")]},
        {"data": [float("nan")] * 25600},
        {"data": [float("-inf")] * 25600},
        {"data": [-1] * 25600},
        {"data": [1e308 * 10] * 25600},
        {"data": [{}] * 25600},
        {"data": "0" * 25600},
        {"data": ["long" * 10**6] + [""] * 25599},
        {"name": "\ud800"},
        {"datatype": "\udfff"},
        {"parameters": {"binary_data_size": float("nan")}},
        {"parameters": {"binary_data_size": 10**30}},
        {"parameters": {"binary_data_size": -25600}},
        {"parameters": {"shared_memory_region": "/etc/passwd"}, "data": None},
    ],
)
def test_a_tensor_that_cannot_be_is_400(target: Target, change: dict[str, Any]) -> None:
    answer = target.post(request(**change))
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"\x00" * 100,
        b'{"inputs": "\xff"}',
        b'{"inputs": [}',
        b'{"a": 1' + b"0" * 10**5 + b"}",
        b'{"inputs": ' + b"[" * 10**5 + b"]" * 10**5 + b"}",
        b'{"inputs": ' + b'{"parameters":' * 10**5,
        b"NaN",
        b'{"parameters": {"priority": NaN}, "inputs": []}',
        b'{"parameters": {"priority": 1e999}, "inputs": []}',
        gzip.compress(request()),
    ],
)
def test_a_body_that_is_no_request_is_400(target: Target, body: bytes) -> None:
    assert target.post(body).status_code == 400


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "identity, gzip", "x"])
def test_a_compressed_body_is_refused_unread(target: Target, encoding: str) -> None:
    bomb = gzip.compress(bytes(50 << 20))
    assert target.post(bomb, **{"Content-Encoding": encoding}).status_code == 415


@pytest.mark.parametrize(("announced", "sent"), [(25600, 25599), (25600, 25601), (25599, 25599), (1, 25600)])
def test_raw_bytes_that_do_not_match_are_400(target: Target, announced: int, sent: int) -> None:
    tensor = {"name": "chips", "datatype": "UINT8", "shape": [1, 4, 80, 80]}
    head = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": announced}}]}).encode()
    assert target.post(head + bytes(sent), **{HEADER_LENGTH: str(len(head))}).status_code == 400


@pytest.mark.parametrize("length", ["-1", "+5", "0x10", "1e2", " ", "9" * 5000, "²", "1,2", "10000000"])
def test_an_inference_header_length_that_lies_is_400(target: Target, length: str) -> None:
    said = target.say(
        f"POST {INFER} HTTP/1.1",
        f"Content-Length: {len(request())}",
        f"{HEADER_LENGTH}: {length}",
        body=request(),
    )
    assert said.startswith(b"HTTP/1.1 400 ")


# -- how it is sent ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        [f"POST {INFER} HTTP/1.1", "Content-Length: -5"],
        [f"POST {INFER} HTTP/1.1", "Content-Length: many"],
        [f"POST {INFER} HTTP/1.1", "Content-Length: 5", "Content-Length: 6"],
        [f"POST {INFER} HTTP/1.1", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        [f"POST {INFER} HTTP/1.1", "Transfer-Encoding: gzip"],
        [f"POST {INFER} HTTP/1.1", "Content-Length: " + "9" * 14],
        [f"POST {INFER} HTTP/1.1", "Content-Length: " + "9" * 4000],
        ["GET /v2\xff HTTP/1.1"],
        ["GET /v2"],
        ["GET /v2 HTTP/1.1", "Name with spaces: a"],
        ["GET /v2 HTTP/1.1", "Long: " + "a" * 10**6],
        ["GET /" + "v" * 10**6 + " HTTP/1.1"],
        ["\x16\x03\x01\x02\x00\x01"],
    ],
)
def test_what_is_no_http_is_refused(target: Target, lines: list[str]) -> None:
    try:
        said = target.say(*lines)
    except ConnectionError:
        return
    assert said[:10] in (b"HTTP/1.1 4", b"HTTP/1.1 5", b"") and not said.startswith(b"HTTP/1.1 500")


def test_a_content_length_above_the_body_holds_nobody_else_up(target: Target) -> None:
    head = f"POST {INFER} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n".encode()
    gone = target.connect()
    gone.sendall(head + request()[:50000])
    gone.close()
    with target.connect() as waits:
        waits.sendall(head + request()[:50000])
        assert b" 408 " in waits.recv(100)


def test_a_content_length_below_the_body_makes_the_rest_no_request(target: Target) -> None:
    smuggled = b"POST /v2/repository/index HTTP/1.1\r\nHost: a\r\n"
    said = target.say(f"POST {INFER} HTTP/1.1", "Content-Length: 2", body=b"{}" + smuggled)
    assert said.startswith(b"HTTP/1.1 400 ")


def test_a_head_that_comes_byte_by_byte_is_given_up(target: Target) -> None:
    assert is_dropped(target, b"GET /v2 HTTP/1.1\r\nX: ")


def test_a_body_that_goes_on_after_its_refusal_is_given_up(target: Target) -> None:
    head = f"POST /v2/nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: {10**9}\r\n\r\n"
    assert is_dropped(target, head.encode())


def test_a_connection_that_says_nothing_is_given_up(target: Target) -> None:
    with target.connect() as silent:
        assert silent.recv(1) == b""


def is_dropped(target: Target, start: bytes) -> bool:
    """Whether a client that goes on byte by byte for ever is dropped within some seconds."""
    with target.connect() as slow:
        slow.sendall(start)
        for _ in range(200):
            try:
                slow.sendall(b"a")
            except OSError:
                return True
            time.sleep(0.05)
    return False


def test_an_answer_that_nobody_takes_gives_its_place_back(target: Target) -> None:
    chips = np.zeros((110, 4, 80, 80), np.uint8)
    body, length = encode(
        {"parameters": {"binary_data_output": True}}, "inputs", {"chips": chips}, {"chips": True}
    )
    head = f"POST {INFER} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n{HEADER_LENGTH}: {length}\r\n\r\n"
    lazy = [socket.socket() for _ in range(2)]
    for each in lazy:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        each.connect(target.address)
        each.sendall(head.encode() + body)
    assert until(lambda: target.model.pending == 0)
    time.sleep(2.5 * HastyProtocol.client_s)
    for each in lazy:
        taken = 0
        with pytest.raises(ConnectionError):
            while True:
                piece = each.recv(1 << 16)
                if not piece:
                    raise ConnectionError
                taken += len(piece)
        assert 0 < taken < 110 * 64 * 64 * 16
        each.close()


def test_bodies_that_would_hold_too_much_memory_are_503_until_they_go(target: Target) -> None:
    head = f"POST {INFER} HTTP/1.1\r\nHost: a\r\nContent-Length: {7 << 20}\r\n\r\n".encode()
    with target.connect() as first, target.connect() as second:
        first.sendall(head + bytes(13 << 19))
        second.sendall(head + bytes(13 << 19))
        answers = [line.recv(1000) for line in (first, second)]
    statuses = sorted(answer.split(b" ")[1] for answer in answers)
    assert statuses == [b"408", b"503"]
    assert b"retry-after: 1" in answers[[b" 503 " in a[:20] for a in answers].index(True)].lower()


def test_a_connection_that_is_reset_leaves_its_place(target: Target) -> None:
    body = request()
    head = f"POST {INFER} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for cut in (len(head) - 5, len(head), len(head) + 5, len(head + body)):
        line = target.connect()
        line.sendall((head + body)[:cut])
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.close()
    assert until(lambda: target.model.pending == 0)


# -- where it is sent ----------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["/v2/models/", "/v2/models/tiny/versions/", "/v2/", "/"])
@pytest.mark.parametrize(
    "name",
    ["..", "../..", "../../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e", "%252e%252e%252f",
     "..%5c..%5c", "%00", "tiny%00", "tiny%2f..%2ftiny", "tiny/../tiny", "./tiny", "%c0%ae%c0%ae/", "~root",
     "file:///etc/passwd", "1/../../tiny", "%31%00", "%0d%0aX:%20a", "%ff", "a" * 5000],
)  # fmt: skip
def test_no_name_or_version_leads_out_of_the_repository(target: Target, start: str, name: str) -> None:
    for method, end in (("GET", ""), ("GET", "/ready"), ("POST", "/infer")):
        said = target.say(f"{method} {start}{name}{end} HTTP/1.1", "Content-Length: 0")
        assert said.split(b" ")[1] in (b"404", b"405")


@pytest.mark.parametrize(
    "method", ["BREW", "TRACE", "CONNECT", "PUT", "DELETE", "PATCH", "OPTIONS", "PRI", "M-SEARCH", "get"]
)
def test_other_methods_do_nothing(target: Target, method: str) -> None:
    for path in ("/v2", INFER, "/v2/repository/index", "*", "http://example.org/v2"):
        said = target.say(f"{method} {path} HTTP/1.1", "Content-Length: 0")
        assert said.split(b" ")[1] in (b"404", b"405")


# -- who sends it --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(running: Target) -> Iterator[Target]:
    models = ServedModels()
    models.load("tiny", running.model.spec, "onnxruntime:cpu")
    with served(make_app(models, bearer="open sesame", limits=LIMITS)) as url:
        yield Target(url, running.model)


@pytest.mark.parametrize(
    "said",
    ["", "Bearer", "Bearer ", "Bearer open", "Bearer open sesame2", "Bearer Open Sesame",
     "Basic b3BlbiBzZXNhbWU=", "Basic eDpvcGVu", "Basic =", "open sesame", "Bearer \xff\xfe", "Bearer " + "a" * 50000],
)  # fmt: skip
def test_without_the_bearer_every_address_is_401(guarded: Target, said: str) -> None:
    for line in (
        "GET /v2",
        "GET /v2/health/live",
        f"POST {INFER}",
        "GET /metrics",
        "GET /nowhere",
        "BREW /v2",
    ):
        answer = guarded.say(f"{line} HTTP/1.1", f"Authorization: {said}", "Content-Length: 0")
        assert answer.startswith(b"HTTP/1.1 401 ")
    assert guarded.say("GET /v2?bearer=open%20sesame HTTP/1.1").startswith(b"HTTP/1.1 401 ")


def test_bearers_are_compared_in_a_time_that_tells_nothing(
    guarded: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    def compare(given: bytes, wanted: bytes) -> bool:
        compared.append((given, wanted))
        return True

    monkeypatch.setattr(app_module.hmac, "compare_digest", compare)
    assert guarded.say("GET /v2 HTTP/1.1", "Authorization: Bearer x").startswith(b"HTTP/1.1 200 ")
    assert compared == [(b"x", b"open sesame")]
