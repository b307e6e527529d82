"""How the requests of one network share a processor."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

LIGHT_S = 0.8
"""Processor seconds of a chip up to which a network is light; the default models need a fifth of a second,
the one of 2018 more than two."""
_MOST_WAYS = 4
"""Requests at a time: each has activations of its own."""


class SharedProcessor:
    """Sessions of one network on one processor, and who runs in which.

    The threads of one run wait for each other after every layer; several runs side by side, a thread
    each, do not, and give a quarter to a half more chips a second. Yet a live request that finds nothing
    else under way runs by itself on all threads, so that the first tile of a view comes sooner; and one
    behind which nothing waits has all threads too, for the others' will be idle: a view's last tile.

    Batch requests always run in the same session, so a job's bits do not hang on what else was running.
    Any thread may call it. A network is heavy until it has been weighed.

    Args:
        load: makes a session with so many threads.
        threads: there are.

    Attributes:
        whole: the session that has all threads.
        ways: requests that may run at a time.
    """

    def __init__(self, load: Callable[[int], Any], threads: int) -> None:
        self._load: Callable[[int], Any] = load
        self._threads = threads
        self.whole = load(threads)
        self.ways = 1
        self._shared: Any = None
        self._changed = threading.Condition()
        self._running = self._waiting = 0
        self._is_alone = self._all_taken = False
        self._queued: Callable[[], int] = lambda: 1

    def follow(self, queued: Callable[[], int]) -> None:
        """Ask ``queued`` how many requests are to come."""
        self._queued = queued

    def weigh(self, seconds: float) -> None:
        """Decide how many requests run at a time, once.

        Args:
            seconds: of one thread, that a chip took in the session with all of them; infinite for one way.

        Raises:
            LandcoverError: the session that they share cannot be made.
        """
        ways = min(self._threads, _MOST_WAYS) if seconds * self._threads <= LIGHT_S else 1
        if ways > 1:
            # now, for it would hold up the window in the middle of a view; and those who call run too
            self._shared = self._load(self._threads - ways + 1)
        self.ways = ways
        del self._load  # and what it holds

    @contextlib.contextmanager
    def session(self, *, is_live: bool) -> Iterator[Any]:
        """The session for a request, until it has run; waits while another has the processor alone."""
        if self.ways == 1:
            yield self.whole
            return
        with self._changed:
            self._waiting += 1
            while self._is_alone:
                self._changed.wait()
            self._waiting -= 1
            alone = self._is_alone = is_live and not self._running and not self._waiting
            has_all = alone or (is_live and not self._all_taken and not self._queued())
            self._all_taken |= has_all
            self._running += 1
        try:
            yield self.whole if has_all else self._shared
        finally:
            with self._changed:
                self._running -= 1
                self._all_taken &= not has_all
                if alone:
                    self._is_alone = False
                    self._changed.notify_all()
