"""The worker: a process next door, with a Python that has what this one lacks.

It serves the Open Inference Protocol on a loopback port to whoever knows a random bearer, and ends
with its owner: its standard input closes, however the owner died.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sys
import threading
from collections import deque
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from ..errors import BackendError
from . import settings
from .queue import first_line
from .remote import InferenceClient

BEARER_VARIABLE = "LANDCOVER_WORKER_BEARER"
START_S = 60.0
_CONNECTIONS = 8
_STOP_S = 2.0
_PACKAGE_PARENT = Path(__file__).resolve().parents[3]
_NOT_FOR_THE_WORKER = {"PYTHONHOME", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__"}
_CREATE_NO_WINDOW = 0x08000000

T = TypeVar("T")


class WorkerProcess:
    """One worker process, started when it is needed and again when it died.

    Any thread may call it. Whoever uses it holds it between :meth:`acquire` and :meth:`release`;
    with the last release it is stopped.
    """

    def __init__(self, python: str) -> None:
        self._python = python
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self._generation = 0
        self._users = 0

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        running = self._running
        return None if running is None or running.has_ended else running.process.pid

    def acquire(self) -> None:
        """Say that it is going to be used."""
        with self._lock:
            self._users += 1

    def release(self) -> None:
        """Say that it is no longer used."""
        with self._lock:
            self._users -= 1
            running = self._running if self._users == 0 else None
            if running is not None:
                self._running = None
        if running is not None:
            running.stop()

    def client(self, *, lost: int | None = None) -> tuple[InferenceClient, int]:
        """A client of the running process, and which start of it this is.

        Args:
            lost: the start whose connection was lost; if that is the present one, it is replaced.

        Raises:
            BackendError: it cannot be started; quotes its last words.
        """
        with self._lock:
            running = self._running
            if running is not None and (running.has_ended or self._generation == lost):
                running.stop()
                running = self._running = None
            if running is None:
                running = self._running = _started(self._python)
                self._generation += 1
            return running.client, self._generation

    def is_running(self, generation: int) -> bool:
        """Whether the start that had this number is the present one, and has not ended."""
        with self._lock:
            running = self._running
            return running is not None and not running.has_ended and self._generation == generation

    def present_client(self) -> InferenceClient | None:
        """A client of the process if it runs; starts nothing."""
        running = self._running
        return None if running is None or running.has_ended else running.client

    def last_words(self) -> str:
        """The last line that the process wrote to its standard error, or an empty text."""
        running = self._running
        return running.last_words() if running else ""


class _Running:
    """A process that said its port."""

    def __init__(
        self, process: asyncio.subprocess.Process, port: int, bearer: str, said: deque[str], watch: _Watch
    ) -> None:
        self.process, self._said, self._watch = process, said, watch
        self.client = InferenceClient(
            f"http://127.0.0.1:{port}", bearer=bearer, connections=_CONNECTIONS, use_environment=False
        )

    @property
    def has_ended(self) -> bool:
        return self.process.returncode is not None

    def last_words(self) -> str:
        return self._said[-1] if self._said else ""

    def stop(self) -> None:
        self.client.close()
        with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
            self._watch.run(_end(self.process), 2 * _STOP_S)
        _release_watch(self._watch)


def _started(python: str) -> _Running:
    watch = _hold_watch()
    try:
        return watch.run(_start(python, watch))
    except BaseException:
        _release_watch(watch)
        raise


async def _start(python: str, watch: _Watch) -> _Running:
    bearer = secrets.token_urlsafe(32)
    try:
        process = await asyncio.create_subprocess_exec(
            python,
            "-m",
            "landcover_plugin.server.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=_PACKAGE_PARENT,
            env=_environment(bearer),
            creationflags=_CREATE_NO_WINDOW if sys.platform == "win32" else 0,
            start_new_session=True,  # Ctrl-C in a terminal is for the owner, who ends the worker
        )
    except (OSError, ValueError) as e:
        reason = getattr(e, "strerror", None) or first_line(e)
        raise BackendError(
            f"The worker's Python '{python}' cannot be started ({reason}); name one that has onnxruntime "
            f"in the settings or in {settings.PYTHON_VARIABLE}."
        ) from e
    said: deque[str] = deque(maxlen=20)
    listening = asyncio.ensure_future(_listen(process, said))
    try:
        line = await asyncio.wait_for(_stdout_of(process).readline(), START_S)
        return _Running(process, int(json.loads(line)["port"]), bearer, said, watch)
    except (asyncio.TimeoutError, ValueError, KeyError, TypeError) as e:
        await _end(process)
        await asyncio.wait({listening}, timeout=0.5)  # a child of it may hold standard error open
        words = said[-1] if said else f"it said nothing within {START_S:.0f} s"
        raise BackendError(
            f"The worker cannot start with '{python}' ({words[:200].rstrip('.')}); install "
            f"landcover-plugin's requirements into that Python or name another in the settings or in "
            f"{settings.PYTHON_VARIABLE}."
        ) from e


def _stdout_of(process: asyncio.subprocess.Process) -> asyncio.StreamReader:
    if process.stdout is None:
        raise BackendError("The worker has no standard output; start again.")
    return process.stdout


async def _listen(process: asyncio.subprocess.Process, said: deque[str]) -> None:
    """Keep the last lines of standard error, and collect the process when it ends."""
    while process.stderr is not None:
        try:
            line = await process.stderr.readline()
        except ValueError:  # a line longer than the reader's buffer
            continue
        if not line:
            break
        text = line.decode("utf-8", "replace").strip()
        if text:
            said.append(text)
    await process.wait()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _STOP_S)
    except asyncio.TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _environment(bearer: str) -> dict[str, str]:
    return {
        **{key: value for key, value in os.environ.items() if key not in _NOT_FOR_THE_WORKER},
        "PYTHONPATH": str(_PACKAGE_PARENT),
        "PYTHONIOENCODING": "utf-8",
        settings.THREADS_VARIABLE: str(settings.thread_count()),
        BEARER_VARIABLE: bearer,
    }


# -- one event loop in a daemon thread watches all processes: QGIS' interface and scripts have none --


class _Watch:
    """An event loop in a thread of its own, for as long as somebody holds it."""

    def __init__(self) -> None:
        self.holders = 0
        # other loops of Windows cannot start processes
        self._loop = getattr(asyncio, "ProactorEventLoop", asyncio.new_event_loop)()
        threading.Thread(target=self._serve, name="landcover-worker-watch", daemon=True).start()

    def run(self, coroutine: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_s)

    def end(self) -> None:
        """Soon; to be called from another thread."""
        asyncio.run_coroutine_threadsafe(self._wind_up(), self._loop)

    async def _wind_up(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:  # who reads the last words of a process that has ended
            await asyncio.wait(left, timeout=_STOP_S)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._loop.stop()

    def _serve(self) -> None:
        self._loop.run_forever()
        self._loop.close()


_watches: dict[int, _Watch] = {}
_watches_lock = threading.Lock()


def _hold_watch() -> _Watch:
    with _watches_lock:
        watch = _watches.get(os.getpid())  # a forked process has none of its parent's threads
        if watch is None:
            watch = _watches[os.getpid()] = _Watch()
        watch.holders += 1
        return watch


def _release_watch(watch: _Watch) -> None:
    with _watches_lock:
        watch.holders -= 1
        if watch.holders:
            return
        _watches.pop(os.getpid(), None)
    watch.end()
