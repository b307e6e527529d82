"""A client of the Open Inference Protocol v2 over gRPC, through the optional package tritonclient."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import BackendError
from .protocol import Arrays, Priority
from .queue import first_line
from .remote import INPUT, ConnectionLostError, RefusedError
from .tensors import DATATYPES, DTYPES

_NO_ANSWER = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "ABORTED"}
_STATUS = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 503,
    "UNIMPLEMENTED": 501,
}
_NO_ROOM = ("maximum queue size", "timeout expired")


class GrpcClient:
    """Talks to one server. Any thread may call it; all requests share one channel."""

    def __init__(
        self, url: str, *, headers: Callable[[], Mapping[str, str]], ca_file: str | None = None
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: ``grpc://host:port``, or ``grpcs://`` for TLS.
            headers: asked for before each request; sent, never shown.
            ca_file: PEM certificates that the server is checked with; the system's where None.

        Raises:
            BackendError: tritonclient is not installed.
        """
        self._module = _import_client()
        self._url, self._headers = url, headers
        scheme, _, target = url.partition("://")
        self._client = self._module.InferenceServerClient(
            target, ssl=scheme == "grpcs", root_certificates=ca_file
        )

    def server_metadata(self, *, deadline_s: float) -> Any:
        """Name, version and extensions of the server."""
        return self._call(self._client.get_server_metadata, deadline_s, as_json=True)

    def model_metadata(self, model: str, *, deadline_s: float) -> Any:
        """Inputs, outputs and versions of a model."""
        return self._call(self._client.get_model_metadata, deadline_s, model_name=model, as_json=True)

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
        """One inference; see :meth:`InferenceClient.infer`. Tensors are always raw bytes."""
        given = self._module.InferInput(INPUT, list(chips.shape), DATATYPES[chips.dtype.name])
        given.set_data_from_numpy(np.ascontiguousarray(chips))
        request_id = secrets.token_hex(8)
        result = self._call(
            self._client.infer,
            deadline_s,
            model_name=model,
            inputs=[given],
            model_version=version or "",
            outputs=[self._module.InferRequestedOutput(name) for name in outputs],
            request_id=request_id,
            priority=int(priority),
        )
        response = result.get_response()
        if response.id not in ("", request_id):
            raise BackendError(f"The answer of {self._url} is that of another request; try again.")
        said = response.parameters["sha256"].string_param if "sha256" in response.parameters else ""
        if sha256 and said and said != sha256:
            raise BackendError(f"The answer of {self._url} comes from another model file.")
        return {name: self._array(result, name) for name in outputs}

    def close(self) -> None:
        """Close the channel."""
        with contextlib.suppress(Exception):  # it may have died already, of which nobody needs to hear
            self._client.close()

    def _array(self, result: Any, name: str) -> np.ndarray[Any, Any]:
        described = result.get_output(name)
        if described is None or described.datatype not in DTYPES:
            raise BackendError(f"The answer of {self._url} lacks {name}.")
        try:
            array = result.as_numpy(name)
        except ValueError as e:
            raise BackendError(f"The answer of {self._url} is damaged: {first_line(e)}.") from e
        if array is None:
            raise BackendError(f"The answer of {self._url} lacks {name}.")
        found: np.ndarray[Any, Any] = array
        return found

    def _call(self, method: Callable[..., Any], deadline_s: float, **arguments: Any) -> Any:
        headers = {name.lower(): value for name, value in self._headers().items()}
        try:
            return method(headers=headers, client_timeout=deadline_s, **arguments)
        except self._module.InferenceServerException as e:
            raise self._error(e) from e
        except ValueError as e:  # the channel was closed meanwhile
            raise ConnectionLostError(f"No answer from {self._url} ({first_line(e)}); try again.") from e

    def _error(self, error: Any) -> BackendError:
        code = str(error.status() or "").rpartition(".")[2]
        text = str(error.message() or "no reason given").strip().splitlines()[0][:300].rstrip(".")
        if code == "UNAVAILABLE" and any(phrase in text for phrase in _NO_ROOM):
            return RefusedError(f"{self._url} refused the request: {text}.", 503)
        if code in _NO_ANSWER:
            return ConnectionLostError(
                f"No answer from {self._url} ({text}); check that the server is running."
            )
        return RefusedError(f"{self._url} refused the request ({code}): {text}.", _STATUS.get(code, 500))


def _import_client() -> ModuleType:
    try:
        import tritonclient.grpc as client
        from tritonclient.utils import InferenceServerException
    except Exception as e:  # a broken build raises anything from ImportError to OSError
        raise BackendError(
            f"gRPC needs the package tritonclient ({first_line(e)}); install tritonclient[grpc], or use "
            "the server's HTTP address."
        ) from e
    client.InferenceServerException = InferenceServerException
    module: ModuleType = client
    return module
