"""NumPy's BLAS held to one thread while our own threads share the strips.

A BLAS with threads of its own starts and stops them for each of thousands of small products, and
they wait by spinning: on two busy processors that took seven times as long as one thread a strip
(OpenBLAS 0.3.31, 2.1 s against 0.3 s a chip).
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

_NAMES = (
    ("openblas_set_num_threads", "openblas_get_num_threads"),
    ("openblas_set_num_threads64_", "openblas_get_num_threads64_"),
    ("scipy_openblas_set_num_threads", "scipy_openblas_get_num_threads"),
    ("scipy_openblas_set_num_threads64_", "scipy_openblas_get_num_threads64_"),
    ("MKL_Set_Num_Threads", "MKL_Get_Max_Threads"),
)

_lock = threading.Lock()
_users = 0
_before = 0


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS runs each product on the caller's thread inside; where it cannot be told so, nothing changes.

    The setting is the whole process's, so the last one to leave puts it back.
    """
    global _users, _before  # noqa: PLW0603 - BLAS has one setting a process
    control = _control()
    if control is None:
        yield
        return
    set_threads, get_threads = control
    with _lock:
        if _users == 0:
            _before = get_threads()
            set_threads(1)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                set_threads(_before)


@functools.lru_cache(maxsize=1)
def _control() -> tuple[Callable[[int], None], Callable[[], int]] | None:
    """What sets and what gives the number of BLAS' threads, if this BLAS has that."""
    for library in _libraries():
        for setter, getter in _NAMES:
            set_threads, get_threads = getattr(library, setter, None), getattr(library, getter, None)
            if set_threads is not None and get_threads is not None:
                set_threads.argtypes, set_threads.restype = [ctypes.c_int], None
                get_threads.argtypes, get_threads.restype = [], ctypes.c_int
                return set_threads, get_threads
    return None


def _libraries() -> Iterator[ctypes.CDLL]:
    """NumPy's own module, through which its BLAS is seen; on Windows the libraries beside it."""
    package = Path(np.__file__).parent
    places = [
        *package.glob("core/_multiarray_umath*"),
        *package.glob("_core/_multiarray_umath*"),
        *package.parent.glob("numpy.libs/*openblas*"),
    ]
    for place in places:
        try:
            yield ctypes.CDLL(str(place))
        except OSError:
            continue
