"""``landcover serve``: the worker's application, for many clients."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.backends.addresses import is_loopback
from ..core.backends.answers import answer_bytes
from ..core.errors import LandcoverError, ModelError, OptionError
from ..core.model import ModelSpec
from .inference import Limits
from .models import ServedModels

_CHIPS_A_REQUEST = 8
_GRACE_S = 30
_KEEP_ALIVE_S = 50  # a live view pauses for seconds, and a connection closed just then loses a request
_MOST_CONNECTIONS = 1024
_DEVICE_CHIPS = 8


@dataclass(frozen=True)
class ServeOptions:
    """How to serve.

    Args:
        host: address to listen on.
        port: 0 takes a free one.
        bearer: what every request must carry; needed where ``host`` is not this computer alone.
        backend: URL of what runs the networks.
        queue: requests of a model that wait or run; more are refused with 503.
        batch: chips of several clients run together; 0 for 1 on a processor and 8 on other devices.
        certificate: PEM file, for https.
        key: PEM file of the certificate's key.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    bearer: str | None = None
    backend: str = "onnxruntime:cpu"
    queue: int = 64
    batch: int = 0
    certificate: Path | None = None
    key: Path | None = None


def serve(specs: Sequence[ModelSpec], options: ServeOptions, say: Callable[[str], None]) -> None:
    """Serve models until SIGTERM or SIGINT; requests under way are answered.

    Args:
        specs: of models in folders.
        options: how.
        say: takes lines for whoever started it.

    Raises:
        LandcoverError: no model can be served, or the address cannot be listened on.
    """
    check_exposure(options)
    try:
        import uvicorn

        from .app import make_app
        from .connections import PatientProtocol
        from .metrics import make_metrics
    except ImportError as e:
        raise OptionError(
            f"The server's packages are not installed ({e}); install landcover-plugin[server]."
        ) from e
    listening = _listen(options)
    try:
        models = _load(specs, options, say)
        limits = limits_for([model.spec for model in models], options.queue)
        app = make_app(models, bearer=options.bearer, limits=limits, metrics=make_metrics())
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            http=PatientProtocol,
            ws="none",
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=_GRACE_S,
            timeout_keep_alive=_KEEP_ALIVE_S,
            ssl_certfile=options.certificate,
            ssl_keyfile=options.key,
        )
        scheme = "https" if options.certificate else "http"
        address = f"{scheme}://{options.host}:{listening.getsockname()[1]}"

        class Server(uvicorn.Server):
            async def startup(self, sockets: Any = None) -> None:
                await super().startup(sockets)
                say(f"Serving {', '.join(model.name for model in models)} at {address}.")

        # uvicorn raises the signal again when all is answered; a stop that was asked for is no failure
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        Server(config).run(sockets=[listening])
    finally:
        listening.close()


def check_exposure(options: ServeOptions) -> None:
    """Refuse to listen to other computers without a bearer.

    Raises:
        OptionError: says what to do.
    """
    if not is_loopback(options.host) and not options.bearer:
        raise OptionError(
            f"{options.host} can be reached from other computers, so a bearer is needed; name the file "
            "that holds it with --token-file."
        )
    if bool(options.certificate) != bool(options.key):
        raise OptionError("--certificate and --key belong together; give both or none.")


def limits_for(specs: Sequence[ModelSpec], queue: int) -> Limits:
    """Bodies as large as a few chips of the largest model, and no larger."""
    largest = 0
    for spec in specs:
        shape = (1, len(spec.bands), spec.chip, spec.chip)
        asked = len(spec.bands) * spec.chip**2 * (4 if spec.dtype == "float32" else 2)
        largest = max(largest, asked, answer_bytes(spec, spec.outputs, shape))
    body = _CHIPS_A_REQUEST * largest + (1 << 20)
    return Limits(body_bytes=body, pending=queue, held_bytes=max(Limits.held_bytes, 2 * body))


def _load(specs: Sequence[ModelSpec], options: ServeOptions, say: Callable[[str], None]) -> ServedModels:
    """The models that can be run; the others are said."""
    device = options.backend.partition(":")[2] or "cpu"
    batch = options.batch or (1 if device == "cpu" else _DEVICE_CHIPS)
    models = ServedModels(join=batch)
    for spec in specs:
        try:
            models.load(spec.name, spec, options.backend)
        except LandcoverError as e:
            say(f"Model '{spec.name}' is not served: {e}")
    if not list(models):
        raise ModelError("No model can be served; name a folder of model folders with --models.")
    return models


def _listen(options: ServeOptions) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        return socket.create_server((options.host, options.port), family=family, backlog=512)
    except (OSError, OverflowError) as e:
        reason = getattr(e, "strerror", None) or str(e)
        raise OptionError(
            f"{options.host}:{options.port} cannot be listened on ({reason}); choose another --port."
        ) from e
