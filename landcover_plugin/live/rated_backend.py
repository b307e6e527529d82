"""A backend that knows how fast it is."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np

from ..core.backends import Backend, Priority
from ..core.backends.protocol import Arrays

_REMEMBERED = 32


class RatedBackend:
    """Another backend, with the rate of its last answers. Any thread may call it.

    Time counts while a request is under way, so neither a map at rest nor slow reading lowers the rate.

    Args:
        backend: does the work.
        tile: side of the part of a chip that is kept, in pixels.
        clock: in seconds.
    """

    def __init__(self, backend: Backend, tile: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._backend, self._clock, self._pixels = backend, clock, tile * tile
        self.description, self.numeric_kind = backend.description, backend.numeric_kind
        self._lock = threading.Lock()
        self._pending, self._busy, self._since = 0, 0.0, 0.0
        self._answers: deque[tuple[float, int]] = deque([(0.0, 0)], maxlen=_REMEMBERED)

    @property
    def in_flight(self) -> int:
        """Requests worth having under way at once, now."""
        return self._backend.in_flight

    @property
    def mpx_a_second(self) -> float:
        """Million map pixels a second, 0 before the first answer."""
        with self._lock:
            first, last = self._answers[0], self._answers[-1]
            pixels = sum(count for _, count in self._answers) - first[1]
            return pixels / 1e6 / (last[0] - first[0]) if last[0] > first[0] else 0.0

    def submit(
        self,
        chips: np.ndarray[Any, Any],
        outputs: Sequence[str] = ("classes",),
        priority: Priority = Priority.BATCH,
    ) -> Future[Arrays]:
        """Queue a request."""
        future = self._backend.submit(chips, outputs, priority)
        count = len(chips)
        with self._lock:
            if not self._pending:
                self._since = self._clock()
            self._pending += 1
        future.add_done_callback(lambda done: self._ended(done, count))
        return future

    def _ended(self, future: Future[Arrays], count: int) -> None:
        is_answer = not future.cancelled() and future.exception() is None
        with self._lock:
            now = self._clock()
            self._busy += now - self._since
            self._since = now
            self._pending -= 1
            if is_answer:
                self._answers.append((self._busy, count * self._pixels))

    def close(self) -> None:
        """Give the other backend back."""
        self._backend.close()
