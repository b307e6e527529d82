"""What the user set for backends; the rooms that know the user's settings say it once."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

PYTHON_VARIABLE = "LANDCOVER_PYTHON"
THREADS_VARIABLE = "LANDCOVER_THREADS"
BEARER_FILE_VARIABLE = "LANDCOVER_TOKEN_FILE"
CA_FILE_VARIABLE = "LANDCOVER_CA_FILE"


@dataclass(frozen=True)
class _Settings:
    worker_python: Callable[[], str | None] | None = None
    threads: int | None = None
    token_file: str | None = None
    ca_file: str | None = None
    headers: Callable[[], Mapping[str, str]] | None = None
    proxy: Callable[[str], str | None] | None = None
    warn: Callable[[str], None] | None = None
    version: int = 0


_lock = threading.Lock()
_settings = _Settings()


def configure(
    *,
    worker_python: Callable[[], str | None] | str | None = None,
    threads: int | None = None,
    token_file: str | None = None,
    ca_file: str | None = None,
    headers: Callable[[], Mapping[str, str]] | None = None,
    proxy: Callable[[str], str | None] | None = None,
    warn: Callable[[str], None] | None = None,
) -> None:
    """Set what later ``open_backend`` calls of this process use.

    Args:
        worker_python: the interpreter that runs the worker process, or what gives it when asked
            (from any thread); None or empty leaves it to ``LANDCOVER_PYTHON``.
        threads: of a network; None leaves it to ``LANDCOVER_THREADS``, else one a CPU.
        token_file: holds the bearer for servers; None leaves it to ``LANDCOVER_TOKEN_FILE``.
        ca_file: PEM certificates that servers are checked with; None leaves it to
            ``LANDCOVER_CA_FILE``, else the system's.
        headers: gives what proves to servers who asks, from any thread, such as those of a QGIS
            authentication configuration.
        proxy: gives the proxy's URL for a server's, from any thread; where it gives None, or is
            None, the usual variables of the environment count.
        warn: takes one line for the user, from any thread; None writes it to the log.
    """
    global _settings  # noqa: PLW0603 - one process, one user
    given = worker_python
    with _lock:
        _settings = replace(
            _settings,
            worker_python=(lambda: given) if isinstance(given, str) else given,
            threads=threads,
            token_file=token_file,
            ca_file=ca_file,
            headers=headers,
            proxy=proxy,
            warn=warn,
            version=_settings.version + 1,
        )


def version() -> int:
    """Which settings these are: what was opened with others is not shared."""
    return _settings.version


def worker_python() -> str | None:
    """The interpreter for the worker process, or None where nobody named one."""
    asked = _settings.worker_python
    return (asked() if asked else None) or os.environ.get(PYTHON_VARIABLE) or None


def token_file() -> str | None:
    """The file that holds the bearer for servers."""
    return _settings.token_file or os.environ.get(BEARER_FILE_VARIABLE) or None


def ca_file() -> str | None:
    """The certificates that servers are checked with, or None for the system's."""
    return _settings.ca_file or os.environ.get(CA_FILE_VARIABLE) or None


def headers() -> Mapping[str, str]:
    """The door's own headers for servers."""
    asked = _settings.headers
    return asked() if asked else {}


def proxy(url: str) -> str | None:
    """The door's own proxy for a server; it may hold a password."""
    asked = _settings.proxy
    return asked(url) if asked else None


def warn(text: str) -> None:
    """One line for the user."""
    said = _settings.warn or logging.getLogger("landcover_plugin").warning
    said(text)


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
