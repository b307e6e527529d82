"""A client of the Open Inference Protocol v2 over HTTP."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
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
_JSON_BYTES_A_BYTE = 8
_PIECE = 1 << 16
_NAMED_ERRORS = {kind.__name__: kind for kind in (BackendError, ModelError, OptionError, OutputError)}


class ConnectionLostError(BackendError):
    """No answer came, or only part of one; inference has no side effects, so it may be asked again."""


class RefusedError(BackendError):
    """The server answered with an error.

    Attributes:
        status: of the HTTP answer.
        retry_after_s: when the server wants to be asked again, where it says so.
    """

    def __init__(self, message: str, status: int, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


class _Headers:
    """Adds headers to a request when it leaves."""

    def __init__(self, headers: Callable[[], Mapping[str, str]]) -> None:
        self._headers = headers

    def __call__(self, request: Any) -> Any:
        request.headers.update(self._headers())
        return request


class InferenceClient:
    """Talks to one server. Any thread may call it; requests go over a pool of kept connections."""

    def __init__(
        self,
        url: str,
        *,
        bearer: str | None = None,
        headers: Callable[[], Mapping[str, str]] | None = None,
        ca_file: str | None = None,
        connections: int = 4,
        use_environment: bool = True,
        proxy: str | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: such as ``http://127.0.0.1:8000``.
            bearer: sent as ``Authorization: Bearer …``; never shown.
            headers: asked for before each request; sent, never shown.
            ca_file: PEM certificates that the server is checked with; the system's where None.
            connections: kept open at most.
            use_environment: obey proxy variables and ``.netrc``.
            proxy: URL of one that is used in place of those; never shown.
        """
        import requests

        from .deadline import DeadlineAdapter

        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = use_environment and proxy is None  # it would take the proxy's place
        if proxy:
            self._session.proxies = {"http": proxy, "https": proxy}
        adapter = DeadlineAdapter(pool_connections=1, pool_maxsize=connections, max_retries=0)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        # gzip of an answer costs nine times what it saves
        self._session.headers["Accept-Encoding"] = "identity"
        if bearer:
            self._session.headers["Authorization"] = f"Bearer {bearer}"
        self._verify = ca_file or True
        if headers is not None:
            # as ``auth``, for a .netrc would take the place of an Authorization header
            self._session.auth = _Headers(headers)

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

    def server_metadata(self, *, deadline_s: float) -> Any:
        """What the server says about itself, as JSON has it; raises what :meth:`call` does."""
        return self.call("GET", "/v2", deadline_s=deadline_s)

    def model_metadata(self, model: str, *, deadline_s: float) -> Any:
        """What the server says about a model, as JSON has it; raises what :meth:`call` does."""
        return self.call("GET", f"/v2/models/{model}", deadline_s=deadline_s)

    def infer(
        self,
        model: str,
        chips: np.ndarray[Any, Any],
        outputs: Sequence[str],
        priority: Priority,
        *,
        deadline_s: float,
        answer_bytes: int,
        binary: bool = True,
        version: str | None = None,
        sha256: str | None = None,
    ) -> Arrays:
        """One inference.

        Args:
            model: its name on the server.
            chips: the input.
            outputs: names of those wanted.
            priority: sent as the protocol's parameter.
            deadline_s: for the whole answer.
            answer_bytes: of the arrays wanted; a much longer answer is refused unread.
            binary: raw tensors both ways; else numbers in JSON.
            version: of the model; the server's choice where None.
            sha256: of the model's file; an answer that names another one is refused.

        Raises:
            ConnectionLostError: no whole answer came in time.
            LandcoverError: the server's own error, or an answer that contradicts itself.
        """
        request_id = secrets.token_hex(8)
        parameters = {"priority": int(priority), **({"binary_data_output": True} if binary else {})}
        wanted = [{"name": n, **({"parameters": {"binary_data": True}} if binary else {})} for n in outputs]
        message = {"id": request_id, "parameters": parameters, "outputs": wanted}
        body, length = encode(message, "inputs", {INPUT: chips}, {INPUT: binary})
        headers = {"Content-Type": "application/json"}
        if length is not None:
            headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(length)}
        path = f"/v2/models/{model}{f'/versions/{version}' if version else ''}/infer"
        # whoever understands raw tensors need not answer with them: KServe leaves it to the model's code
        limit = answer_bytes * _JSON_BYTES_A_BYTE + _MAX_JSON_BYTES
        answer, header_length = self._exchange("POST", path, body, headers, deadline_s, limit)
        try:
            described, raw = split(answer, header_length)
            arrays = decode(described.get("outputs"), raw)
        except TensorError as e:
            raise BackendError(f"The answer of {self._url}{path} is damaged: {e}.") from e
        if described.get("id") not in (None, "", request_id):
            raise BackendError(f"The answer of {self._url}{path} is that of another request; try again.")
        said = described.get("parameters")
        if sha256 and isinstance(said, dict) and said.get("sha256", sha256) != sha256:
            raise BackendError(f"The answer of {self._url}{path} comes from another model file.")
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
        from http.client import HTTPException

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
                verify=self._verify,
                stream=True,
                allow_redirects=False,
            ) as response:
                answer = _read(response, end, limit, url)
                status = response.status_code
                header_length = response.headers.get(HEADER_LENGTH)
                retry_after = response.headers.get("Retry-After", "")
        except (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError) as e:
            raise ConnectionLostError(
                f"No answer from {self._url} ({_cause(e)}); check that the server is running."
            ) from e
        if status != 200:
            raise _refusal(status, answer, self._url, retry_after)
        return answer, header_length


def _read(response: Any, end: float, limit: int, url: str) -> bytearray:
    """The whole body, within a deadline and a size."""
    body = bytearray()
    read = _reader_of(response.raw)
    while True:
        piece = read(_PIECE)
        if not piece:
            break
        body += piece
        if len(body) > limit:
            raise BackendError(f"The answer of {url} is larger than {limit:,} bytes; check the address.")
        if time.monotonic() > end:
            raise ConnectionLostError(f"The answer of {url} took too long; try again or another server.")
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and "Content-Encoding" not in response.headers and len(body) < int(announced):
        raise ConnectionLostError(f"The answer of {url} broke off; try again or another server.")
    return body


def _reader_of(raw: Any) -> Callable[[int], bytes]:
    """What reads a piece and returns with what has come, so that a trickle meets the deadline."""
    if hasattr(raw, "read1"):
        return lambda size: bytes(raw.read1(size, decode_content=True))
    inner = getattr(raw, "_fp", None)
    if (
        inner is None
        or not hasattr(inner, "read1")
        or raw.headers.get("Content-Encoding", "identity") != "identity"
    ):
        return lambda size: bytes(raw.read(size, decode_content=True))

    # urllib3 1 waits for the whole piece; what lies below it does not
    def read(size: int) -> bytes:
        piece: bytes = inner.read1(size)
        if not piece:
            raw.release_conn()
        return piece

    return read


def _refusal(status: int, body: bytearray, url: str, retry_after: str) -> LandcoverError:
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
    seconds = float(retry_after) if retry_after.isdecimal() and len(retry_after) < 6 else None
    reason = text[:300].rstrip(".") or "no reason given"
    return RefusedError(f"{url} refused the request with {status}: {reason}.", status, seconds)


def _cause(error: BaseException) -> str:
    """The innermost reason, which is the short one."""
    while True:
        inner = error.__cause__ or error.__context__
        if inner is None or isinstance(inner, TypeError):  # urllib3 1 tries out which Python it runs in
            return first_line(error)
        error = inner
