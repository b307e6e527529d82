"""Joins requests of several clients into one run of the network, where that is faster."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.backends import Backend, Priority
from ..core.backends.protocol import Arrays
from ..core.backends.queue import LIVE_IN_A_ROW


@dataclass(frozen=True)
class _Request:
    chips: np.ndarray[Any, Any]
    outputs: tuple[str, ...]
    future: Future[Arrays] = field(default_factory=Future)

    @property
    def kind(self) -> tuple[Any, ...]:
        """Requests of one kind can run together."""
        return (self.chips.shape[1:], self.chips.dtype, self.outputs)


class JoiningBackend:
    """A :class:`Backend` in front of another. Any thread may call it.

    Nothing waits for company: while the backend has room a request goes at once, and those that came
    while it had none go together, live before batch, batch at least one run in five.
    """

    def __init__(self, backend: Backend, most: int) -> None:
        """Args:
        backend: runs the network; closed with this one.
        most: chips of one run.
        """
        self._backend, self._most = backend, most
        self.description = f"{backend.description}, up to {most} chips together"
        self.numeric_kind = backend.numeric_kind
        self._lock = threading.Lock()
        self._waiting: dict[Priority, deque[_Request]] = {p: deque() for p in Priority}
        self._running = self._live_in_a_row = 0

    @property
    def in_flight(self) -> int:
        """As many as fill the runs that the backend wants."""
        return self._backend.in_flight * self._most

    def submit(
        self,
        chips: np.ndarray[Any, Any],
        outputs: Sequence[str] = ("classes",),
        priority: Priority = Priority.BATCH,
    ) -> Future[Arrays]:
        """See :class:`Backend`."""
        request = _Request(chips, tuple(outputs))
        with self._lock:
            self._waiting[priority].append(request)
        self._send()
        return request.future

    def close(self) -> None:
        """Cancel what waits, and close the backend."""
        with self._lock:
            left = [request for waiting in self._waiting.values() for request in waiting]
            for waiting in self._waiting.values():
                waiting.clear()
        for request in left:
            request.future.cancel()
        self._backend.close()

    def _send(self) -> None:
        while True:
            with self._lock:
                taken = self._take()
                if taken is None:
                    return
                self._running += 1
            requests, priority = taken
            try:
                chips = [request.chips for request in requests]
                joined = chips[0] if len(chips) == 1 else np.concatenate(chips)
                answer = self._backend.submit(joined, requests[0].outputs, priority)
            except Exception as e:  # whatever it is, those who wait must hear of it
                answer = Future()
                answer.set_exception(e)
            answer.add_done_callback(lambda done, requests=requests: self._answered(requests, done))  # type: ignore[misc]

    def _take(self) -> tuple[list[_Request], Priority] | None:
        """The requests of the next run, set running; None where there is no room or nothing waits."""
        if self._running >= self._backend.in_flight:
            return None
        live, batch = self._waiting[Priority.LIVE], self._waiting[Priority.BATCH]
        is_batch_due = not live or (bool(batch) and self._live_in_a_row >= LIVE_IN_A_ROW)
        priority = Priority.BATCH if is_batch_due else Priority.LIVE
        waiting = self._waiting[priority]
        run: list[_Request] = []
        others: list[_Request] = []
        chips = 0
        while waiting and (not run or chips < self._most):
            request = waiting.popleft()
            fits = not run or (request.kind == run[0].kind and chips + len(request.chips) <= self._most)
            if not fits:
                others.append(request)
            elif request.future.set_running_or_notify_cancel():
                run.append(request)
                chips += len(request.chips)
        waiting.extendleft(reversed(others))
        if not run:
            return None
        self._live_in_a_row = self._live_in_a_row + 1 if priority is Priority.LIVE else 0
        return run, priority

    def _answered(self, requests: list[_Request], done: Future[Arrays]) -> None:
        with self._lock:
            self._running -= 1
        self._send()
        error = None if done.cancelled() else done.exception()
        first = 0
        for request in requests:
            last = first + len(request.chips)
            if done.cancelled():
                request.future.set_exception(_unloaded())
            elif error is not None:
                request.future.set_exception(error)
            else:
                request.future.set_result({name: a[first:last] for name, a in done.result().items()})
            first = last


def _unloaded() -> Exception:
    from ..core.errors import BackendError

    return BackendError("The model was unloaded; ask again.")
