"""Rows of an image computed in strips that stay in the processor's cache, by several threads.

NumPy leaves Python's lock while it copies and multiplies, so threads of one process do share the
work. How an image is cut does not depend on their number, so neither do the bits.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

STRIP_BYTES = 3 << 20


class Strips:
    """Runs a function on every strip; one caller at a time.

    Args:
        threads: that share the strips.
    """

    def __init__(self, threads: int = 1) -> None:
        self._pool = ThreadPoolExecutor(threads, "landcover-numpy") if threads > 1 else None

    def run(self, work: Callable[[int, int], None], rows: int, bytes_per_row: int) -> None:
        """Call ``work(first row, rows)`` for strips that need about ``STRIP_BYTES`` each."""
        height = max(1, STRIP_BYTES // max(1, bytes_per_row))
        starts = range(0, rows, height)
        if self._pool is None or len(starts) < 2:
            for start in starts:
                work(start, min(height, rows - start))
            return
        done = [self._pool.submit(work, start, min(height, rows - start)) for start in starts]
        for strip in done:
            strip.result()

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=False)
