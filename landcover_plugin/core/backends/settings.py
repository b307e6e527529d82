"""What the user set for backends; the rooms that know the user's settings say it once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

PYTHON_VARIABLE = "LANDCOVER_PYTHON"
THREADS_VARIABLE = "LANDCOVER_THREADS"


@dataclass(frozen=True)
class _Settings:
    worker_python: Callable[[], str | None] | None = None
    threads: int | None = None


_lock = threading.Lock()
_settings = _Settings()


def configure(
    *, worker_python: Callable[[], str | None] | str | None = None, threads: int | None = None
) -> None:
    """Set what later ``open_backend`` calls of this process use.

    Args:
        worker_python: the interpreter that runs the worker process, or what gives it when asked
            (from any thread); None or empty leaves it to ``LANDCOVER_PYTHON``.
        threads: of a network; None leaves it to ``LANDCOVER_THREADS``, else one a CPU.
    """
    global _settings  # noqa: PLW0603 - one process, one user
    given = worker_python
    with _lock:
        _settings = replace(
            _settings,
            worker_python=(lambda: given) if isinstance(given, str) else given,
            threads=threads,
        )


def worker_python() -> str | None:
    """The interpreter for the worker process, or None where nobody named one."""
    asked = _settings.worker_python
    return (asked() if asked else None) or os.environ.get(PYTHON_VARIABLE) or None


def thread_count() -> int:
    """Threads that a network may use."""
    given = _settings.threads or _number(os.environ.get(THREADS_VARIABLE, ""))
    return max(1, min(given or _usable_cpus(), 256))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 5 else 0


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
