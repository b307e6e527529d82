"""A server between client and server that does to answers what networks and servers do."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

Fault = Callable[["_Handler", requests.Response], None]


class FaultProxy:
    """Forwards to ``upstream``; of the inferences, ``fault_of(number)`` says which go wrong and how.

    Attributes:
        upstream: may be changed at any time.
        fault_of: may be changed at any time.
        inferences: asked so far.
        answered: chips' bytes of inferences whose answers were forwarded whole.
    """

    def __init__(self, upstream: str, fault_of: Callable[[int], Fault | None]) -> None:
        self.upstream, self.fault_of = upstream, fault_of
        self.inferences = 0
        self.answered: list[bytes] = []
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self._server: Any = None
        self.start()

    def start(self, port: int = 0) -> None:
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self.port = self._server.server_address[1]
        self._connections: set[socket.socket] = set()
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def die(self) -> None:
        """Refuse connections from now on, and reset those that are open."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            for connection in list(self._connections):
                reset(connection)

    def close(self) -> None:
        self.ended.set()
        self.die()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """Broken connections are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultProxy

    def setup(self) -> None:
        super().setup()
        self.proxy._connections.add(self.connection)

    def finish(self) -> None:
        self.proxy._connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def do_GET(self) -> None:
        self._forward(b"")

    def do_POST(self) -> None:
        self._forward(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _forward(self, body: bytes) -> None:
        fault = None
        if self.path.endswith("/infer"):
            with self.proxy.lock:
                self.proxy.inferences += 1
                fault = self.proxy.fault_of(self.proxy.inferences)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
        try:
            answer = requests.request(
                self.command, self.proxy.upstream + self.path, data=body, headers=headers, timeout=30
            )
        except requests.RequestException:
            self.close_connection = True
            return
        if fault is not None:
            fault(self, answer)
            return
        self.answer(answer.content, answer.status_code, headers_of(answer))
        if self.path.endswith("/infer") and answer.status_code == 200:
            with self.proxy.lock:
                self.proxy.answered.append(body[int(headers["Inference-Header-Content-Length"]) :])

    def answer(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def headers_of(answer: requests.Response) -> dict[str, str]:
    return {k: v for k, v in answer.headers.items() if k.lower().startswith(("inference-", "retry-"))}


def reset(connection: socket.socket) -> None:
    """End a connection by a reset."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        connection.close()


# -- faults ----------------------------------------------------------------------------------------


def reset_in_mid_body(handler: _Handler, answer: requests.Response) -> None:
    handler.send_response(200)
    for key, value in headers_of(answer).items():
        handler.send_header(key, value)
    handler.send_header("Content-Length", str(len(answer.content)))
    handler.end_headers()
    handler.wfile.write(answer.content[: len(answer.content) // 2])
    handler.wfile.flush()
    time.sleep(0.02)
    handler.close_connection = True
    reset(handler.connection)


def status(code: int, **headers: str) -> Fault:
    def fault(handler: _Handler, _: requests.Response) -> None:
        handler.answer(b'{"error": "injected"}', code, {k.replace("_", "-"): v for k, v in headers.items()})

    return fault


def stall(handler: _Handler, _: requests.Response) -> None:
    handler.proxy.ended.wait(30)
    handler.close_connection = True


def trickle(handler: _Handler, answer: requests.Response) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(answer.content)))
    handler.end_headers()
    for byte in answer.content:
        if handler.proxy.ended.wait(0.05):
            break
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
    handler.close_connection = True


def trickle_of_headers(handler: _Handler, answer: requests.Response) -> None:
    handler.send_response(200)
    handler.flush_headers()
    while not handler.proxy.ended.wait(0.05):
        handler.wfile.write(b"X")
        handler.wfile.flush()
    handler.close_connection = True


def refused(handler: _Handler, _: requests.Response) -> None:
    """The server is restarted: this connection ends, and for a moment there is nobody."""
    proxy = handler.proxy

    def restart() -> None:
        proxy.die()
        time.sleep(0.1)
        proxy.start(proxy.port)

    with proxy.lock:
        if not proxy.ended.is_set():
            threading.Thread(target=restart, daemon=True).start()
    proxy.ended.wait(0.2)
    handler.close_connection = True


def truncated_tensors(handler: _Handler, answer: requests.Response) -> None:
    handler.answer(answer.content[:-100], 200, headers_of(answer))


def wrong_shapes(handler: _Handler, answer: requests.Response) -> None:
    size = int(answer.headers["Inference-Header-Content-Length"])
    head = answer.content[:size].replace(b"[1,64,64]", b"[1,32,128]").replace(b"[1,3,64,64]", b"[1,3,32,128]")
    headers = {**headers_of(answer), "Inference-Header-Content-Length": str(len(head))}
    handler.answer(head + answer.content[size:], 200, headers)


def nans(handler: _Handler, answer: requests.Response) -> None:
    raw = answer.content[:-400] + struct.pack("<f", float("nan")) * 100
    handler.answer(raw, 200, headers_of(answer))


@contextlib.contextmanager
def proxies(upstreams: list[str], fault_of: Callable[[int], Fault | None]) -> Iterator[list[FaultProxy]]:
    """One proxy an upstream, with the same faults."""
    made = [FaultProxy(upstream, fault_of) for upstream in upstreams]
    try:
        yield made
    finally:
        for proxy in made:
            proxy.close()
