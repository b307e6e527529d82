"""From a backend's URL to a backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..errors import BackendError
from ..model import ModelSpec
from . import settings
from .protocol import Backend
from .runner import Runner
from .sharing import shared_backend
from .trial import Candidate, fastest

_Opener = Callable[[str, ModelSpec], Backend]


def open_backend(url: str, spec: ModelSpec) -> Backend:
    """What runs a model, shared with everybody in this process who asks for the same.

    May take seconds, for a model is loaded and tried, or a process started: not for the main thread
    of an interface.

    Args:
        url: ``auto``, ``onnxruntime:`` (its fastest execution provider that works), ``onnxruntime:cuda``
            (that one), ``openvino:cpu``, ``worker:``, ``numpy:``, ``http://a:8000,https://b:8000``
            (servers of the Open Inference Protocol; also ``grpc://``).
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
    from . import onnxruntime, openvino

    if rest:
        raise BackendError(f"The backend 'auto:{rest[:80]}' is not known; write 'auto' alone.")
    if onnxruntime.is_installed():
        more = [openvino.candidate(spec)] if openvino.is_installed() else []
        return _open_fastest(spec, more)
    if settings.worker_python():
        try:
            return _open_worker("", spec)
        except BackendError as e:
            # a Python that was there yesterday may be gone; slow land cover is better than none
            settings.warn(f"Models run without a worker, which may be slower: {e}")
    if openvino.is_installed():
        return _open_openvino("", spec)
    return _open_numpy("", spec)


def _open_onnxruntime(device: str, spec: ModelSpec) -> Backend:
    return _open_session(device.lower(), spec) if device else _open_fastest(spec, [])


def _open_fastest(spec: ModelSpec, more: Sequence[Candidate]) -> Backend:
    """What a trial finds to be the fastest of ONNX Runtime's devices and of others."""
    from . import onnxruntime

    tried = [*onnxruntime.candidates(spec), *more]
    key = (spec, settings.thread_count(), bool(more))
    outcome = fastest(key, spec, onnxruntime.candidate(spec, "cpu"), tried)
    if outcome.device.startswith("openvino:"):
        return _open_openvino(outcome.device.partition(":")[2], spec, outcome.remarks)
    return _open_session(outcome.device, spec, outcome.remarks)


def _open_session(device: str, spec: ModelSpec, remarks: tuple[str, ...] = ()) -> Backend:
    def make() -> Runner:
        from .onnxruntime import OnnxRuntimeRunner

        return OnnxRuntimeRunner(spec, device, remarks=remarks)

    return shared_backend(("onnxruntime", device, remarks, spec), spec, make)


def _open_openvino(device: str, spec: ModelSpec, remarks: tuple[str, ...] = ()) -> Backend:
    device = device.lower() or "cpu"

    def make() -> Runner:
        from .openvino import OpenVinoRunner

        return OpenVinoRunner(spec, device, remarks=remarks)

    return shared_backend(("openvino", device, remarks, spec), spec, make)


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

        return shared_backend(("fleet", addresses, settings.version(), spec), spec, make)

    return open_


_OPENERS: Mapping[str, _Opener] = {
    "auto": _open_auto,
    "onnxruntime": _open_onnxruntime,
    "openvino": _open_openvino,
    "worker": _open_worker,
    "numpy": _open_numpy,
    **{scheme: _open_fleet(scheme) for scheme in ("http", "https", "grpc", "grpcs")},
}
_EXAMPLES = ("'auto'", "'onnxruntime:cpu'", "'openvino:cpu'", "'worker:'", "'numpy:'", "'http://HOST:8000'")
