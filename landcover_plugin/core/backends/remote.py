"""A client of the Open Inference Protocol v2 over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import BackendError, LandcoverError, ModelError, OptionError, OutputError
from .protocol import Arrays, Priority
from .queue import first_line
from .tensors import HEADER_LENGTH, TensorError, decode, encode, split

INPUT = "chips"
"""The name of the one input of every model that this package writes."""

CONNECT_S = 10.0
_MAX_JSON_BYTES = 1 << 20
_PIECE = 1 << 16
_NAMED_ERRORS = {kind.__name__: kind for kind in (BackendError, ModelError, OptionError, OutputError)}


class ConnectionLostError(BackendError):
    """No answer came, or only part of one; inference has no side effects, so it may be asked again."""


class RefusedError(BackendError):
    """The server answered with an error.

    Attributes:
        status: of the HTTP answer.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class InferenceClient:
    """Talks to one server. Any thread may call it; requests go over a pool of kept connections."""

    def __init__(
        self, url: str, *, bearer: str | None = None, connections: int = 4, use_environment: bool = True
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: such as ``http://127.0.0.1:8000``.
            bearer: sent as ``Authorization: Bearer …``; never shown.
            connections: kept open at most.
            use_environment: obey proxy variables and ``.netrc``.
        """
        import requests
        from requests.adapters import HTTPAdapter

        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = use_environment
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections, max_retries=0)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        # gzip of an answer costs nine times what it saves
        self._session.headers["Accept-Encoding"] = "identity"
        if bearer:
            self._session.headers["Authorization"] = f"Bearer {bearer}"

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, deadline_s: float
    ) -> Any:
        """A request with JSON both ways.

        Args:
            method: of HTTP.
            path: such as ``/v2/models/NAME``.
            body: sent as JSON.
            deadline_s: for the whole answer.

        Returns:
            The decoded answer; None where it is empty.

        Raises:
            ConnectionLostError: no whole answer came in time.
            LandcoverError: the server's own error, of the class that it names.
        """
        sent = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if sent else {}
        answer, _ = self._exchange(method, path, sent, headers, deadline_s, _MAX_JSON_BYTES)
        try:
            return json.loads(answer) if answer else None
        except (ValueError, RecursionError) as e:
            raise BackendError(f"The answer of {self._url}{path} is not JSON; check the address.") from e

    def infer(
        self,
        model: str,
        chips: np.ndarray[Any, Any],
        outputs: Sequence[str],
        priority: Priority,
        *,
        deadline_s: float,
        answer_bytes: int,
    ) -> Arrays:
        """One inference, binary both ways.

        Args:
            model: its name on the server.
            chips: the input.
            outputs: names of those wanted.
            priority: sent as the protocol's parameter.
            deadline_s: for the whole answer.
            answer_bytes: of the arrays wanted; a much longer answer is refused unread.

        Raises:
            ConnectionLostError: no whole answer came in time.
            LandcoverError: the server's own error, or an answer that contradicts itself.
        """
        message = {
            "parameters": {"priority": int(priority), "binary_data_output": True},
            "outputs": [{"name": name, "parameters": {"binary_data": True}} for name in outputs],
        }
        body, length = encode(message, "inputs", {INPUT: chips}, {INPUT: True})
        headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(length)}
        path = f"/v2/models/{model}/infer"
        answer, header_length = self._exchange(
            "POST", path, body, headers, deadline_s, answer_bytes + _MAX_JSON_BYTES
        )
        try:
            described, raw = split(answer, header_length)
            arrays = decode(described.get("outputs"), raw)
        except TensorError as e:
            raise BackendError(f"The answer of {self._url}{path} is damaged: {e}.") from e
        missing = set(outputs) - set(arrays)
        if missing:
            raise BackendError(f"The answer of {self._url}{path} lacks {', '.join(sorted(missing))}.")
        return {name: arrays[name] for name in outputs}

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        deadline_s: float,
        limit: int,
    ) -> tuple[bytearray, str | None]:
        """Send, read, and raise the server's error; the answer's body and the length of its JSON."""
        import requests
        import urllib3

        url = self._url + path
        end = time.monotonic() + deadline_s
        try:
            with self._session.request(
                method,
                url,
                data=body,
                headers=dict(headers),
                timeout=(min(CONNECT_S, deadline_s), deadline_s),
                stream=True,
                allow_redirects=False,
            ) as response:
                answer = _read(response, end, limit, url)
                status = response.status_code
                header_length = response.headers.get(HEADER_LENGTH)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as e:
            raise ConnectionLostError(
                f"No answer from {self._url} ({_cause(e)}); check that the server is running."
            ) from e
        if status != 200:
            raise _refusal(status, answer, self._url)
        return answer, header_length


def _read(response: Any, end: float, limit: int, url: str) -> bytearray:
    """The body, within a deadline and a size."""
    body = bytearray()
    # read1 returns with what has come, so that a trickle cannot hide from the deadline; urllib3 1 lacks it
    read = getattr(response.raw, "read1", response.raw.read)
    while True:
        piece = read(_PIECE, decode_content=True)
        if not piece:
            return body
        body += piece
        if len(body) > limit:
            raise BackendError(f"The answer of {url} is larger than {limit:,} bytes; check the address.")
        if time.monotonic() > end:
            raise ConnectionLostError(f"The answer of {url} took too long; try again or another server.")


def _refusal(status: int, body: bytearray, url: str) -> LandcoverError:
    """The server's error, as the class it names where it is one of ours."""
    text = bytes(body[:4000]).decode("utf-8", "replace").strip()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        text = str(found.get("error") or found.get("detail") or text)
        kind = _NAMED_ERRORS.get(str(found.get("error_class")))
        if kind is not None:
            return kind(text)
    return RefusedError(
        f"{url} refused the request with {status}: {text[:300] or 'no reason given'}.", status
    )


def _cause(error: BaseException) -> str:
    """The innermost reason, which is the short one."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return first_line(error)
