"""Networks and imports in the worker process."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ..errors import BackendError, LandcoverError
from ..model import ModelSpec, model_json
from . import settings
from .answers import AnswerCheck, answer_bytes
from .protocol import Arrays, Priority
from .remote import ConnectionLostError, InferenceClient, RefusedError
from .worker_process import WorkerProcess

ATTEMPTS = 3
_LOAD_S = 300.0
_INFER_S = 600.0
_UNLOAD_S = 2.0
_TASK_S = 3600.0
_PATHS = ("source", "folder", "out")
_UNKNOWN = 404
_STRANGERS = (401, _UNKNOWN)

T = TypeVar("T")

_processes: dict[tuple[int, str], WorkerProcess] = {}
_processes_lock = threading.Lock()


def worker_process(python: str | None = None) -> WorkerProcess:
    """The worker process of this process, one for each interpreter.

    Args:
        python: the interpreter; the user's setting where None.

    Raises:
        BackendError: nobody named an interpreter.
    """
    python = python or settings.worker_python()
    if not python:
        raise BackendError(
            "Nothing says which Python runs the worker; set "
            f"{settings.PYTHON_VARIABLE} to a Python that has onnxruntime, or name one in the settings."
        )
    with _processes_lock:
        return _processes.setdefault((os.getpid(), python), WorkerProcess(python))


class WorkerRunner:
    """One model in the worker. When the process dies, it is started again and asked again."""

    def __init__(self, spec: ModelSpec, python: str | None = None, device: str = "") -> None:
        """Start the process where it does not run, and load the model there.

        Args:
            spec: of a model in a folder.
            python: the worker's interpreter; the user's setting where None.
            device: short name of an execution provider; the fastest that works there where empty.

        Raises:
            BackendError: the worker cannot start, or has no such execution provider.
            ModelError: the model is damaged, or does not fit its ``model.json``.
        """
        self._spec, self._check = spec, AnswerCheck(spec)
        self._parameters = _load_parameters(spec, device)
        self._name = _name_of(spec, device)
        self._process = worker_process(python)
        self._lock = threading.Lock()
        self._loaded_in = 0
        self._process.acquire()
        try:
            facts = _attempt(self._process, self._load)
            self.numeric_kind = str(facts["numeric_kind"])
            self.description = f"Worker process, {facts['description']}"
            self._in_flight = int(facts["in_flight"]) + 1
        except BaseException:
            self._process.release()
            raise

    @property
    def in_flight(self) -> int:
        """Those worth having there, and one on its way."""
        return self._in_flight

    @property
    def concurrency(self) -> int:
        """Connections in use at once."""
        return self._in_flight + 1

    @property
    def batch_concurrency(self) -> int:
        """All but one, by which a live request gets there at once."""
        return self._in_flight

    @property
    def process(self) -> WorkerProcess:
        """The process it runs in."""
        return self._process

    def run(self, chips: np.ndarray[Any, Any], outputs: Sequence[str], priority: Priority) -> Arrays:
        """Infer there."""

        def infer(client: InferenceClient) -> Arrays:
            return client.infer(
                self._name,
                chips,
                outputs,
                priority,
                deadline_s=_INFER_S,
                answer_bytes=answer_bytes(self._spec, outputs, chips.shape),
            )

        def ask(client: InferenceClient, generation: int) -> Arrays:
            self._load(client, generation)
            try:
                return infer(client)
            except RefusedError as e:
                if e.status != _UNKNOWN:
                    raise
            # whoever used the model before us may have unloaded it just now
            self._load(client, generation, again=True)
            return infer(client)

        answer = _attempt(self._process, ask)
        self._check(answer, chips.shape)
        return answer

    def close(self) -> None:
        """Unload the model, and stop the process if nobody else uses it."""
        client = self._process.present_client()
        if client is not None:
            with contextlib.suppress(LandcoverError):  # it is gone already where the process is
                client.call("POST", f"/v2/repository/models/{self._name}/unload", {}, deadline_s=_UNLOAD_S)
        self._process.release()

    def _load(self, client: InferenceClient, generation: int, *, again: bool = False) -> Mapping[str, Any]:
        """Load the model into this start of the process, once; nothing happens where it is loaded."""
        with self._lock:
            if self._loaded_in == generation and not again:
                return {}
            path = f"/v2/repository/models/{self._name}/load"
            facts: Mapping[str, Any] = client.call(
                "POST", path, {"parameters": self._parameters}, deadline_s=_LOAD_S
            )
            self._loaded_in = generation
            return facts


def run_task(name: str, arguments: Mapping[str, Any], *, python: str | None = None) -> dict[str, Any]:
    """Do a piece of work in the worker that this Python lacks the packages for.

    Args:
        name: ``import_model`` (``source``, ``folder``, ``window``, ``overrides``; gives ``name``,
            ``folder`` and ``warnings``) or ``export_model`` (``folder``, ``out``; gives ``out``).
        arguments: of the task, as JSON has them; paths may be relative to this process.
        python: the worker's interpreter; the user's setting where None.

    Returns:
        What the task gives, as JSON has it.

    Raises:
        LandcoverError: the worker cannot start, or the task failed.
    """
    process = worker_process(python)
    process.acquire()
    try:
        client, _ = process.client()
        path = f"/v2/landcover/tasks/{name}"
        asked = {k: os.path.abspath(v) if k in _PATHS else v for k, v in arguments.items()}
        result: dict[str, Any] = client.call("POST", path, asked, deadline_s=_TASK_S)
        return result
    except ConnectionLostError as e:
        raise BackendError(f"The worker died during {name} ({_last_words(process)}); try again.") from e
    finally:
        process.release()


def _attempt(process: WorkerProcess, ask: Callable[[InferenceClient, int], T]) -> T:
    """Ask, and ask a new process where the old one died: inference has no side effects."""
    lost = None
    for _ in range(ATTEMPTS):
        client, generation = process.client(lost=lost)
        try:
            return ask(client, generation)
        except ConnectionLostError:
            lost = generation
        except RefusedError as e:
            # a worker that died may have left its port to another server, which knows nothing of the model
            if e.status not in _STRANGERS or process.is_running(generation):
                raise
            lost = generation
    raise BackendError(
        f"The worker died {ATTEMPTS} times on the same request ({_last_words(process)}); "
        "there may be too little memory for this model."
    )


def _last_words(process: WorkerProcess) -> str:
    return process.last_words()[:200].rstrip(".") or "it said nothing"


def _load_parameters(spec: ModelSpec, device: str) -> dict[str, Any]:
    if spec.folder is None:
        raise BackendError(f"Model '{spec.name}' is not in a folder, so the worker cannot load it.")
    return {"folder": str(spec.folder.resolve()), "spec": model_json(spec), "device": device}


def _name_of(spec: ModelSpec, device: str) -> str:
    """A name on the worker that no other spec has."""
    text = json.dumps(_load_parameters(spec, device), sort_keys=True)
    return f"{spec.name[:80]}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
