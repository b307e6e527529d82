from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from landcover_plugin.core.backends.protocol import Priority
from landcover_plugin.core.backends.remote import ConnectionLostError, InferenceClient, RefusedError
from landcover_plugin.core.backends.tensors import HEADER_LENGTH, encode
from landcover_plugin.core.errors import BackendError, ModelError

CHIPS = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4)
CLASSES = np.arange(4, dtype=np.uint8).reshape(1, 2, 2)


@contextlib.contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[tuple[InferenceClient, list[bytes]]]:
    """A server that reads one request a connection and leaves its answer to the test."""
    listening = socket.create_server(("127.0.0.1", 0))
    heads: list[bytes] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection:
                    request = b""
                    while b"\r\n\r\n" not in request:
                        request += connection.recv(65536)
                    head, _, rest = request.partition(b"\r\n\r\n")
                    length = int(head.lower().partition(b"content-length:")[2].split(b"\r")[0] or 0)
                    while len(rest) < length:
                        rest += connection.recv(65536)
                    heads.append(head)
                    answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    client = InferenceClient(f"http://127.0.0.1:{listening.getsockname()[1]}", use_environment=False)
    try:
        yield client, heads
    finally:
        client.close()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def http(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{key.replace('_', '-')}: {value}" for key, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def tensors(arrays, binary=True) -> bytes:
    body, length = encode({"model_name": "m"}, "outputs", arrays, dict.fromkeys(arrays, binary))
    return http(body, **({} if length is None else {HEADER_LENGTH: str(length)}))


def infer(client: InferenceClient, outputs=("classes",), deadline_s=5.0, answer_bytes=1000):
    return client.infer("m", CHIPS, outputs, Priority.LIVE, deadline_s=deadline_s, answer_bytes=answer_bytes)


@pytest.mark.parametrize("binary", [True, False])
def test_outputs_are_matched_by_name_in_whatever_order_they_come(binary: bool) -> None:
    arrays = {"probabilities8": CLASSES + 9, "classes": CLASSES}
    with server(lambda c: c.sendall(tensors(arrays, binary))) as (client, heads):
        answer = infer(client, ("classes", "probabilities8"))
        assert list(answer) == ["classes", "probabilities8"]
        assert np.array_equal(answer["classes"], CLASSES)
        assert np.array_equal(answer["probabilities8"], CLASSES + 9)
    assert b"Accept-Encoding: identity" in heads[0]
    assert b"POST /v2/models/m/infer" in heads[0]


def test_numbers_in_json_are_read_though_raw_tensors_were_asked_for() -> None:
    large = np.full((1, 600, 600), 255, np.uint8)
    with server(lambda c: c.sendall(tensors({"classes": large}, binary=False))) as (client, _):
        assert np.array_equal(infer(client, answer_bytes=large.nbytes)["classes"], large)


@pytest.mark.parametrize(
    ("status", "body", "kind", "sentence"),
    [
        ("500 Oops", b'{"error": "no stub"}', RefusedError, r"refused the request with 500: no stub\."),
        ("422 Oops", b'{"detail": "bad"}', RefusedError, "422: bad"),
        ("502 Oops", b"<html>proxy</html>", RefusedError, "502: <html>proxy"),
        ("503 Oops", b"", RefusedError, "no reason given"),
        ("302 Found", b"", RefusedError, "302"),
        ("400 Oops", b'{"error": "Bad model.", "error_class": "ModelError"}', ModelError, r"^Bad model\.$"),
        ("400 Oops", b'{"error": "Stop.", "error_class": "CancelledError"}', RefusedError, "Stop"),
    ],
)
def test_a_servers_error_is_read_wherever_it_says_it(status, body, kind, sentence) -> None:
    with (
        server(lambda c: c.sendall(http(body, status))) as (client, _),
        pytest.raises(kind, match=sentence),
    ):
        infer(client)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (tensors({"classes": CLASSES})[:-2], ConnectionLostError),
        (b"", ConnectionLostError),
        (b"HTTP/1.1 200", BackendError),
        (b"nonsense\r\n\r\n", ConnectionLostError),
        (http(b"{"), BackendError),
        (http(b"{}"), BackendError),
        (http(json.dumps({"outputs": []}).encode()), BackendError),
        (http(b"{}1234", **{HEADER_LENGTH: "70"}), BackendError),
        (tensors({"heights": CLASSES}), BackendError),
        (http(b"x" * 3_000_000), BackendError),
    ],
)
def test_a_damaged_answer_is_one_sentence(answer: bytes, kind: type[BackendError]) -> None:
    with (
        server(lambda c: c.sendall(answer)) as (client, _),
        pytest.raises(kind, match=r"^[A-Z].*\.$") as found,
    ):
        infer(client)
    assert type(found.value) is kind


@pytest.mark.parametrize("slow", [b"HT", b"HTTP/1.1 200 OK\r\nX-", http(b"{" * 1000)[:-990]])
def test_a_trickle_of_status_headers_or_body_ends_at_the_deadline(slow: bytes) -> None:
    def trickle(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(slow)
            for _ in range(100):
                connection.sendall(b"{")
                time.sleep(0.05)

    with server(trickle) as (client, _):
        started = time.monotonic()
        with pytest.raises(ConnectionLostError, match=r"timed out|took too long"):
            infer(client, deadline_s=0.5)
        assert time.monotonic() - started < 2.5


def test_a_kept_connection_has_its_whole_time_for_the_next_answer() -> None:
    answer = http(b"{}").replace(b"Connection: close", b"Connection: keep-alive")

    def two_answers(connection: socket.socket) -> None:
        time.sleep(0.3)
        connection.sendall(answer)
        connection.recv(65536)
        time.sleep(0.3)
        connection.sendall(answer)

    with server(two_answers) as (client, heads):
        for deadline_s in (2.0, 5.0):
            assert client.call("GET", "/v2", deadline_s=deadline_s) == {}
    assert len(heads) == 1


def test_a_stall_ends_at_the_deadline() -> None:
    with server(lambda c: time.sleep(1.0)) as (client, _):
        started = time.monotonic()
        with pytest.raises(ConnectionLostError, match="timed out"):
            infer(client, deadline_s=0.3)
        assert time.monotonic() - started < 0.8


def test_nobody_there_is_one_sentence() -> None:
    client = InferenceClient("http://127.0.0.1:9", use_environment=False)
    with pytest.raises(ConnectionLostError, match=r"No answer from http://127.0.0.1:9 \(.*refused\); check"):
        client.call("GET", "/v2", deadline_s=2)


def test_the_bearer_is_sent_and_never_shown() -> None:
    with server(lambda c: c.sendall(http(b"", "500 Oops"))) as (client, heads):
        client._session.headers["Authorization"] = "Bearer abc"
        with pytest.raises(BackendError) as found:
            infer(client)
    assert b"Authorization: Bearer abc" in heads[0]
    assert "abc" not in str(found.value)


def test_a_proxy_gets_the_request_and_its_password_is_never_shown(monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with server(lambda c: c.sendall(http(b"{}"))) as (near, heads):
        port = near._url.rpartition(":")[2]
        client = InferenceClient("http://gpu.invalid:8000", proxy=f"http://ann:bee%40@127.0.0.1:{port}")
        assert client.call("GET", "/v2", deadline_s=5) == {}
        assert heads[0].startswith(b"GET http://gpu.invalid:8000/v2 HTTP/1.1")
        assert b"Proxy-Authorization: Basic YW5uOmJlZUA=" in heads[0]  # ann:bee@
        client.close()
    for url in ("http://gpu.invalid:8000", "https://gpu.invalid:8000"):
        client = InferenceClient(url, proxy=f"http://ann:bee%40@127.0.0.1:{port}")
        with pytest.raises(ConnectionLostError, match=r"gpu.invalid:8000") as found:
            client.call("GET", "/v2", deadline_s=5)
        assert "bee" not in str(found.value)
        client.close()


def test_headers_are_asked_for_each_request_and_go_before_a_netrc(tmp_path, monkeypatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    bearers = iter(["Bearer one", "Bearer two"])
    with server(lambda c: c.sendall(tensors({"classes": CLASSES}))) as (plain, heads):
        client = InferenceClient(plain._url, headers=lambda: {"Authorization": next(bearers)})
        infer(client)
        infer(client)
        client.close()
    assert b"Authorization: Bearer one\r\n" in heads[0] + b"\r\n"
    assert b"Authorization: Bearer two\r\n" in heads[1] + b"\r\n"


@pytest.mark.parametrize("changes", [{"id": "7"}, {"parameters": {"sha256": "b"}}])
def test_the_answer_of_another_request_or_model_is_refused(changes) -> None:
    body, length = encode({"model_name": "m", **changes}, "outputs", {"classes": CLASSES}, {"classes": True})
    answer = http(body, **{HEADER_LENGTH: str(length)})
    with server(lambda c: c.sendall(answer)) as (client, _), pytest.raises(BackendError, match="another"):
        client.infer("m", CHIPS, ("classes",), Priority.LIVE, deadline_s=5, answer_bytes=99, sha256="a")


def test_retry_after_is_told() -> None:
    full = http(b"", "503 Full", Retry_After="7")
    with server(lambda c: c.sendall(full)) as (client, _), pytest.raises(RefusedError) as found:
        infer(client)
    assert (found.value.status, found.value.retry_after_s) == (503, 7.0)
