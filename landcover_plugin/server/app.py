"""The ASGI application that speaks the Open Inference Protocol v2."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from .. import __version__
from ..core.backends.protocol import Arrays
from ..core.backends.queue import first_line
from ..core.backends.tensors import HEADER_LENGTH, TensorError, split
from ..core.errors import BackendError, LandcoverError
from ..core.model import parse_model
from .answer import AnswerResponse
from .inference import Limits, as_contiguous, metadata, read_request, write_answer
from .metrics import CONTENT_TYPE, Metrics
from .models import VERSION, ServedModel, ServedModels
from .room import RETRY, Room
from .tasks import TASKS

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_CONTROL_BYTES = 2 << 20


def make_app(
    models: ServedModels,
    *,
    bearer: str | None,
    limits: Limits | None = None,
    is_worker: bool = False,
    metrics: Metrics | None = None,
) -> Bearer:
    """The application.

    Args:
        models: what is served; closed when the application shuts down.
        bearer: what every request must carry; None for nothing.
        limits: what a request may be.
        is_worker: also load models from folders and do the owner's tasks.
        metrics: counts the inferences, and is shown at ``/metrics``.
    """
    server = _Server(models, limits or Limits(), metrics)
    routes = server.routes() + (server.owner_routes() if is_worker else [])

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(models.close)

    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={
            HTTPException: _http_error,
            LandcoverError: _own_error,
            MemoryError: _no_memory,
        },
    )
    app.router.redirect_slashes = False
    return Bearer(app, bearer)


class Bearer:
    """Lets requests through that carry the bearer."""

    def __init__(self, app: Starlette, bearer: str | None) -> None:
        self._app = app
        self._wanted = None if bearer is None else bearer.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request, or refuse it with 401."""
        if scope["type"] == "http" and self._wanted is not None:
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(_secret_in(given), self._wanted):
                refusal = _error(401, "this server wants a bearer", {"WWW-Authenticate": "Bearer"})
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _secret_in(given: bytes) -> bytes:
    """The bearer of an Authorization header, or the password of a client that knows only Basic."""
    scheme, _, value = given.partition(b" ")
    if scheme.lower() == b"bearer":
        return value
    if scheme.lower() == b"basic":
        with contextlib.suppress(ValueError):
            return base64.b64decode(value, validate=True).partition(b":")[2]
    return b""


class _Server:
    """The handlers. They run in the event loop's thread; networks run in their backends' threads."""

    def __init__(self, models: ServedModels, limits: Limits, metrics: Metrics | None) -> None:
        self._models, self._limits, self._metrics = models, limits, metrics
        self._room = Room(limits)

    def routes(self) -> list[Route]:
        model = "/v2/models/{name}"
        version = f"{model}/versions/{{version}}"
        return [
            Route("/v2", self._server_metadata),
            Route("/v2/health/live", _empty),
            Route("/v2/health/ready", _empty),
            Route("/v2/repository/index", self._index, methods=["POST"]),
            *([Route("/metrics", self._show_metrics)] if self._metrics else []),
            *(Route(path, self._metadata) for path in (model, version)),
            *(Route(f"{path}/ready", self._ready) for path in (model, version)),
            *(Route(f"{path}/infer", self._infer, methods=["POST"]) for path in (model, version)),
        ]

    def owner_routes(self) -> list[Route]:
        path = "/v2/repository/models/{name}"
        return [
            Route(f"{path}/load", self._load, methods=["POST"]),
            Route(f"{path}/unload", self._unload, methods=["POST"]),
            Route("/v2/landcover/tasks/{name}", self._task, methods=["POST"]),
        ]

    async def _server_metadata(self, _: Request) -> Response:
        extensions = ["binary_tensor_data", "model_repository", "schedule_policy"]
        return _json({"name": "landcover", "version": __version__, "extensions": extensions})

    async def _index(self, _: Request) -> Response:
        listed = [{"name": m.name, "version": VERSION, "state": "READY"} for m in self._models]
        return _json(listed)

    async def _metadata(self, request: Request) -> Response:
        return _json(metadata(self._model(request)))

    async def _ready(self, request: Request) -> Response:
        self._model(request)
        return Response()

    def _model(self, request: Request) -> ServedModel:
        found = self._models.get(request.path_params["name"])
        if found is None or request.path_params.get("version", VERSION) != VERSION:
            raise HTTPException(404, "there is no such model here")
        return found

    async def _show_metrics(self, _: Request) -> Response:
        pending = {model.name: model.pending for model in self._models}
        text = self._metrics.text(pending) if self._metrics else b""
        return Response(text, media_type=CONTENT_TYPE)

    async def _infer(self, request: Request) -> Response:
        model = self._model(request)
        if self._metrics is None:
            return await self._answer(model, request)
        status, started = 500, time.monotonic()
        try:
            response = await self._answer(model, request)
            status = response.status_code
            return response
        except HTTPException as e:
            status = e.status_code
            raise
        except LandcoverError as e:
            status = _status_of(e)
            raise
        finally:
            chips = getattr(request.state, "chips", 0) if status == 200 else 0
            self._metrics.count(model.name, status, time.monotonic() - started, chips)

    async def _answer(self, model: ServedModel, request: Request) -> Response:
        if request.headers.get("content-encoding", "identity") != "identity":
            raise HTTPException(415, "send the body without content encoding")
        place = self._room.enter(model)
        try:
            body = await _read_body(request, self._limits.body_bytes, self._limits.body_s, place.grow)
            try:
                wanted = read_request(model, body, request.headers.get(HEADER_LENGTH), self._limits)
            except TensorError as e:
                raise HTTPException(400, str(e)) from e
            request.state.chips = len(wanted.chips)
            future = model.backend.submit(as_contiguous(wanted.chips), wanted.outputs, wanted.priority)
            arrays = await _answer_or_disconnect(request, future)
            content, header_length = write_answer(model, wanted, arrays)
            return AnswerResponse(content, header_length, self._limits.body_s, place)
        except BaseException:
            place.leave()
            raise

    async def _load(self, request: Request) -> Response:
        asked = await self._control(request)
        parameters = asked.get("parameters")
        folder = parameters.get("folder") if isinstance(parameters, dict) else None
        if not isinstance(parameters, dict) or not isinstance(folder, str):
            raise HTTPException(400, "the parameters must name a folder")
        spec = parse_model(parameters.get("spec"), "the request's spec").with_folder(Path(folder))
        device = str(parameters.get("device", ""))
        url = f"onnxruntime:{device}" if device else "auto"
        model = await asyncio.to_thread(self._models.load, request.path_params["name"], spec, url)
        return _json(model.facts())

    async def _unload(self, request: Request) -> Response:
        await asyncio.to_thread(self._models.unload, request.path_params["name"])
        return Response()

    async def _task(self, request: Request) -> Response:
        task = TASKS.get(request.path_params["name"])
        if task is None:
            raise HTTPException(404, f"there is no such task (there are {', '.join(sorted(TASKS))})")
        asked = await self._control(request)
        try:
            return _json(await asyncio.to_thread(task, asked))
        except LandcoverError:
            raise
        except Exception as e:  # whatever a task meets, its owner must hear of it in one sentence
            raise BackendError(
                f"The worker could not do {request.path_params['name']} ({type(e).__name__}: "
                f"{first_line(e)}); check the worker's Python."
            ) from e

    async def _control(self, request: Request) -> dict[str, Any]:
        """The JSON object of an owner's request."""
        body = await _read_body(request, _CONTROL_BYTES, self._limits.body_s)
        try:
            message, _ = split(body, None)
        except TensorError as e:
            raise HTTPException(400, str(e)) from e
        return message


async def _empty(_: Request) -> Response:
    return Response()


async def _read_body(
    request: Request, limit: int, seconds: float, grow: Callable[[int], None] = lambda _: None
) -> bytearray:
    """The body, within a size and a time; ``grow`` hears of every piece, and may refuse it."""

    async def read() -> bytearray:
        body = bytearray()
        async for piece in request.stream():
            if len(body) + len(piece) > limit:
                raise HTTPException(413, f"the body may have {limit} bytes")
            grow(len(piece))
            body += piece
        return body

    announced = request.headers.get("content-length", "0")
    if len(announced) > 15 or (announced.isdecimal() and int(announced) > limit):
        raise HTTPException(413, f"the body may have {limit} bytes")
    try:
        return await asyncio.wait_for(read(), seconds)
    except asyncio.TimeoutError as e:
        raise HTTPException(408, f"the body must arrive within {seconds:g} s") from e
    except ClientDisconnect as e:
        raise HTTPException(400, "the client went away") from e


async def _answer_or_disconnect(request: Request, future: Future[Arrays]) -> Arrays:
    """The answer; a client that went away takes its request out of the queue."""
    answer = asyncio.wrap_future(future)
    gone = asyncio.ensure_future(_disconnect(request))
    try:
        both: set[asyncio.Future[Any]] = {answer, gone}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            raise HTTPException(400, "the client went away")
        if answer.cancelled():
            raise HTTPException(503, "the model was unloaded")
        return answer.result()
    finally:
        gone.cancel()


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    detail = error.detail if isinstance(error, HTTPException) else str(error)
    return _error(status, detail, dict(getattr(error, "headers", None) or {}))


async def _own_error(_: Request, error: Exception) -> Response:
    """An error of ours keeps its class, so that the owner can raise it again."""
    said = {"error": str(error), "error_class": type(error).__name__}
    return _json(said, _status_of(error))


async def _no_memory(_: Request, __: Exception) -> Response:
    return _error(503, "there is not enough memory for this request now", dict(RETRY))


def _status_of(error: Exception) -> int:
    return 503 if isinstance(error, BackendError) else 400


def _error(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    return _json({"error": sentence}, status, headers)


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON in ASCII: what a client sent may hold letters that have no other form, and comes back in errors."""
    return Response(json.dumps(content).encode(), status, headers, "application/json")
