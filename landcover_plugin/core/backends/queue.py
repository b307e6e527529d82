"""Requests waiting for a network: two queues, live before batch, and the threads that serve them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BackendError, LandcoverError
from .protocol import Arrays, Priority
from .runner import Runner

LIVE_IN_A_ROW = 4
"""Live requests that may pass a waiting batch request, so that batch gets one in five."""


@dataclass(frozen=True)
class _Request:
    chips: np.ndarray[Any, Any]
    outputs: tuple[str, ...]
    priority: Priority


class RequestQueue:
    """Orders the requests of all handles of one runner.

    Any thread may call it. Answers are set, and callbacks of futures run, in its dispatch threads,
    which are daemons. After :meth:`close` requests under way end, queued ones are cancelled, and the
    last thread closes the runner.

    Args:
        runner: runs the requests; the queue's own from now on.
        ended: called in the last thread, when the runner is closed.
    """

    def __init__(self, runner: Runner, ended: Callable[[RequestQueue], None] = lambda _: None) -> None:
        self._runner, self._ended = runner, ended
        self._changed = threading.Condition()
        self._waiting: dict[Priority, dict[Future[Arrays], _Request]] = {p: {} for p in Priority}
        self._live_in_a_row = 0
        self._batch_running = 0
        self._closed = False
        self._threads: list[threading.Thread] = []
        self._serving = self._idle = 0
        follow = getattr(runner, "follow", None)
        if follow is not None:  # only those that divide a processor have it
            follow(self.__len__)
        with self._changed:
            self._start_thread()

    @property
    def runner(self) -> Runner:
        """What runs the requests."""
        return self._runner

    def __len__(self) -> int:
        with self._changed:
            return sum(len(waiting) for waiting in self._waiting.values())

    def submit(
        self, chips: np.ndarray[Any, Any], outputs: Sequence[str], priority: Priority
    ) -> Future[Arrays]:
        """Queue a request; cancelling its future while it waits takes it out.

        Raises:
            BackendError: the queue is closed.
        """
        future: Future[Arrays] = Future()
        request = _Request(chips, tuple(outputs), Priority(priority))
        with self._changed:
            if self._closed:
                raise BackendError("The backend was closed; open it again.")
            self._waiting[request.priority][future] = request
            waiting = sum(map(len, self._waiting.values()))
            if waiting > self._idle and len(self._threads) < self._runner.concurrency:
                self._start_thread()
            self._changed.notify()
        future.add_done_callback(self._forget)
        return future

    def close(self) -> None:
        """Take no more requests; does not wait for those under way."""
        with self._changed:
            self._closed = True
            left = [future for waiting in self._waiting.values() for future in waiting]
            self._changed.notify_all()
        for future in left:
            future.cancel()
        stop_waiting = getattr(self._runner, "stop_waiting", None)  # only those that wait for others have it
        if stop_waiting is not None:
            stop_waiting()

    @property
    def is_done(self) -> bool:
        """Whether all threads have ended."""
        return not any(thread.is_alive() for thread in self._threads)

    def join(self, timeout_s: float) -> None:
        """Wait for the threads to end, after :meth:`close`."""
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout_s)

    def _start_thread(self) -> None:
        """One more dispatch thread; a fleet may need hundreds, most backends one or two."""
        name = f"landcover-backend-{len(self._threads)}"
        self._threads.append(threading.Thread(target=self._serve, name=name, daemon=True))
        self._serving += 1
        self._threads[-1].start()

    def _forget(self, future: Future[Arrays]) -> None:
        if future.cancelled():
            with self._changed:
                for waiting in self._waiting.values():
                    waiting.pop(future, None)

    def _serve(self) -> None:
        try:
            while True:
                taken = self._take()
                if taken is None:
                    return
                _answer(self._runner, *taken)
                self._finished(taken[1])
                taken = None  # else the chips of the last request live as long as nothing follows
        finally:
            with self._changed:
                self._serving -= 1
                is_last = self._serving == 0
            if is_last:
                self._runner.close()
                self._ended(self)

    def _take(self) -> tuple[Future[Arrays], _Request] | None:
        """The next request, set running; None when the queue is closed and empty."""
        with self._changed:
            while True:
                waiting = self._next_queue()
                if waiting:
                    future = next(iter(waiting))
                    request = waiting.pop(future)
                    if future.set_running_or_notify_cancel():
                        is_live = request.priority is Priority.LIVE
                        self._live_in_a_row = self._live_in_a_row + 1 if is_live else 0
                        self._batch_running += not is_live
                        return future, request
                elif self._closed:
                    return None
                else:
                    self._idle += 1
                    self._changed.wait()
                    self._idle -= 1

    def _finished(self, request: _Request) -> None:
        if request.priority is not Priority.LIVE:
            with self._changed:
                self._batch_running -= 1
                self._changed.notify()

    def _next_queue(self) -> dict[Future[Arrays], _Request]:
        live, batch = self._waiting[Priority.LIVE], self._waiting[Priority.BATCH]
        may_run_batch = bool(batch) and self._batch_running < self._runner.batch_concurrency
        is_batch_due = not live or self._live_in_a_row >= LIVE_IN_A_ROW
        return batch if may_run_batch and is_batch_due else live


def _answer(runner: Runner, future: Future[Arrays], request: _Request) -> None:
    try:
        answer = runner.run(request.chips, request.outputs, request.priority)
    except LandcoverError as e:
        future.set_exception(e)
    except MemoryError:
        future.set_exception(BackendError(
            "There is not enough memory to run the network; close other programs or use a smaller model."
        ))  # fmt: skip
    except Exception as e:  # a runtime's own errors are of any class, and the caller must hear of them
        future.set_exception(
            BackendError(f"{runner.description} failed ({first_line(e)}); try another backend.")
        )
    else:
        future.set_result(answer)


def first_line(error: BaseException) -> str:
    """The first line of an error, of at most 200 characters; its class where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0][:200].rstrip(".") if lines else type(error).__name__
