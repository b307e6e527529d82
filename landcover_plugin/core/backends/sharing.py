"""One queue and one session for everybody in this process who uses the same model the same way."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BackendError
from ..model import ModelSpec
from .answers import check_request
from .protocol import Arrays, Backend, Priority
from .queue import RequestQueue
from .runner import Runner

_EXIT_S = 3.0

_lock = threading.Lock()
_entries: dict[Hashable, _Entry] = {}
_exiting: set[RequestQueue] = set()
"""Closed queues whose last requests may still be running."""


@dataclass
class _Entry:
    """A queue that is there or is being made, and how many handles want it."""

    queue: Future[RequestQueue]
    users: int = 0


def shared_backend(key: Hashable, spec: ModelSpec, make_runner: Callable[[], Runner]) -> Backend:
    """A handle on the queue of ``key``; the first one makes the runner, others wait for it.

    Raises:
        LandcoverError: what ``make_runner`` raises.
    """
    key = (os.getpid(), key)  # a forked process has none of its parent's threads
    with _lock:
        entry = _entries.get(key)
        is_first = entry is None
        if entry is None:
            if not (_entries or _exiting):
                atexit.register(close_all)
            entry = _entries[key] = _Entry(Future())
        entry.users += 1
    if is_first:
        try:
            queue = RequestQueue(make_runner(), _forget)
        except BaseException as e:
            with _lock:
                _entries.pop(key, None)
                _forget_exit()
            entry.queue.set_exception(e)
            raise
        entry.queue.set_result(queue)
    return _Handle(key, spec, entry.queue.result())


def close_all() -> None:
    """Close every backend of this process and wait a few seconds for what is under way."""
    with _lock:
        made = [e.queue for e in _entries.values()]
        _entries.clear()
        queues = _exiting | {f.result() for f in made if f.done() and f.exception() is None}
        _forget_exit()
    for queue in queues:
        queue.close()
    for queue in queues:
        queue.join(_EXIT_S)


def _give_back(key: Hashable, queue: RequestQueue) -> None:
    with _lock:
        entry = _entries.get(key)
        if entry is None or not entry.queue.done() or entry.queue.result() is not queue:
            return  # everything was closed meanwhile
        entry.users -= 1
        if entry.users:
            return
        del _entries[key]
        _exiting.add(queue)
    queue.close()


def _forget(queue: RequestQueue) -> None:
    """A queue has ended; in its last thread."""
    with _lock:
        _exiting.discard(queue)
        _forget_exit()


def _forget_exit() -> None:
    """With the lock held: let the end of Python come, where nothing is open.

    Else Python would keep this module, and all that it imports, when a plugin was unloaded.
    """
    if not (_entries or _exiting):
        atexit.unregister(close_all)


class _Handle:
    """A :class:`Backend` of one caller: closing it cancels what this caller has queued."""

    def __init__(self, key: Hashable, spec: ModelSpec, queue: RequestQueue) -> None:
        self._key, self._spec, self._queue = key, spec, queue
        self._pending: set[Future[Arrays]] = set()
        self._lock = threading.Lock()
        self._closed = False
        self.description = queue.runner.description
        self.numeric_kind = queue.runner.numeric_kind

    @property
    def in_flight(self) -> int:
        return self._queue.runner.in_flight

    def submit(
        self,
        chips: np.ndarray[Any, Any],
        outputs: Sequence[str] = ("classes",),
        priority: Priority = Priority.BATCH,
    ) -> Future[Arrays]:
        check_request(self._spec, chips, outputs)
        with self._lock:
            if self._closed:
                raise BackendError(f"The backend of model '{self._spec.name}' was closed; open it again.")
            future = self._queue.submit(chips, outputs, priority)
            self._pending.add(future)
        future.add_done_callback(self._done)
        return future

    def _done(self, future: Future[Arrays]) -> None:
        with self._lock:
            self._pending.discard(future)

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            pending = list(self._pending)
        for future in pending:
            future.cancel()
        _give_back(self._key, self._queue)

    def __enter__(self) -> _Handle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
