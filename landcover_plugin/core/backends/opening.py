"""From a backend's URL to a backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..errors import BackendError
from ..model import ModelSpec
from . import settings
from .protocol import Backend
from .runner import Runner
from .sharing import shared_backend

_Opener = Callable[[str, ModelSpec], Backend]


def open_backend(url: str, spec: ModelSpec) -> Backend:
    """What runs a model, shared with everybody in this process who asks for the same.

    May take seconds, for a model is loaded and tried, or a process started: not for the main thread
    of an interface.

    Args:
        url: ``auto``, ``onnxruntime:cpu`` (or another execution provider; the best that works where
            none is named), ``worker:``, ``numpy:``,
            ``http://a:8000,https://b:8000`` (servers of the Open Inference Protocol; also ``grpc://``).
        spec: of a model in a folder.

    Raises:
        BackendError: an unknown URL, nothing that could run a network, or a worker that cannot start.
        ModelError: the model file is damaged or does not fit its ``model.json``.
    """
    scheme, _, rest = url.strip().partition(":")
    opener = _OPENERS.get(scheme.lower())
    if opener is None:
        raise BackendError(f"The backend '{_shown(url)}' is not known; use {', '.join(_EXAMPLES)}.")
    return opener(rest, spec)


def _shown(url: str) -> str:
    """The URL without what may be a password, and not too long to read."""
    return url.rpartition("@")[2][:80]


def _open_auto(rest: str, spec: ModelSpec) -> Backend:
    from . import onnxruntime

    if rest:
        raise BackendError(f"The backend 'auto:{rest[:80]}' is not known; write 'auto' alone.")
    if onnxruntime.is_installed():
        return _open_onnxruntime("", spec)
    if settings.worker_python():
        return _open_worker("", spec)
    return _open_numpy("", spec)


def _open_onnxruntime(device: str, spec: ModelSpec) -> Backend:
    device = device.lower() or _only_device()

    def make() -> Runner:
        from .onnxruntime import OnnxRuntimeRunner

        return OnnxRuntimeRunner(spec, device)

    return shared_backend(("onnxruntime", device, spec), spec, make)


def _only_device() -> str:
    """The processor where there is nothing else, so that it is one session by either name."""
    from . import onnxruntime

    found = onnxruntime.devices()
    return found[0] if len(found) == 1 else ""


def _open_worker(device: str, spec: ModelSpec) -> Backend:
    python = settings.worker_python()
    device = device.lower()

    def make() -> Runner:
        from .worker import WorkerRunner

        return WorkerRunner(spec, python, device)

    return shared_backend(("worker", device, python, spec), spec, make)


def _open_numpy(rest: str, spec: ModelSpec) -> Backend:
    if rest:
        raise BackendError(f"The backend 'numpy:{rest[:80]}' is not known; write 'numpy:' alone.")

    def make() -> Runner:
        from .numpy_runtime import NumpyRunner

        return NumpyRunner(spec)

    return shared_backend(("numpy", spec), spec, make)


def _open_fleet(scheme: str) -> _Opener:
    def open_(rest: str, spec: ModelSpec) -> Backend:
        from .addresses import read_addresses

        addresses = read_addresses(f"{scheme}:{rest}")

        def make() -> Runner:
            from .fleet import FleetRunner

            return FleetRunner(spec, addresses)

        return shared_backend(("fleet", addresses, spec), spec, make)

    return open_


_OPENERS: Mapping[str, _Opener] = {
    "auto": _open_auto,
    "onnxruntime": _open_onnxruntime,
    "worker": _open_worker,
    "numpy": _open_numpy,
    **{scheme: _open_fleet(scheme) for scheme in ("http", "https", "grpc", "grpcs")},
}
_EXAMPLES = ("'auto'", "'onnxruntime:cpu'", "'worker:'", "'numpy:'", "'http://HOST:8000'")
