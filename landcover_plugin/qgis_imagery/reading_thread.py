"""Reads of a network source in a thread that Qt made, for callers in threads that it did not make.

QGIS' time limits on the network are Qt timers, which work only in threads made by Qt: in others
a server that does not answer holds a reader for ever.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from qgis.PyQt.QtCore import QThread

from ..core.grid import Window
from ..core.imagery import ImagerySource

_POLL_S = 0.05


class CancellableSource(ImagerySource, Protocol):
    """Imagery that a network brings; a thread that Qt made reads it."""

    def cancel(self) -> None:
        """End the read that is under way, from any thread; it raises, and later ones go on."""
        ...

    def reopen(self) -> CancellableSource:
        """The same imagery for another thread; called in the main thread."""
        ...


class _ReadingThread(QThread):
    """Runs what is put into its queue until None comes."""

    def __init__(self) -> None:
        super().__init__()
        self.tasks: queue.Queue[tuple[Future[Any], Callable[[], Any]] | None] = queue.Queue()

    def run(self) -> None:
        """Called by Qt in the new thread."""
        while (task := self.tasks.get()) is not None:
            future, work = task
            try:
                future.set_result(work())
            except BaseException as e:  # the waiting thread raises it
                future.set_exception(e)


class ThreadedSource:
    """A source whose reads run in a Qt thread of its own.

    Any thread may use it. Everyone who opened or reopened it closes it; the last one ends the thread.
    """

    def __init__(self, source: CancellableSource, is_cancelled: Callable[[], bool]) -> None:
        """Start the thread.

        Args:
            source: nobody else may use it from now on.
            is_cancelled: asked twenty times a second while a read is under way.
        """
        self._source, self._is_cancelled = source, is_cancelled
        self.name, self.width, self.height = source.name, source.width, source.height
        self.geotransform, self.crs_wkt = source.geotransform, source.crs_wkt
        self.bands, self.has_mask, self.fingerprint = source.bands, source.has_mask, source.fingerprint
        self._users, self._lock = 1, threading.Lock()
        self._thread = _ReadingThread()
        self._thread.start()

    def read(self, window: Window, bands: Sequence[int]) -> npt.NDArray[Any]:
        """See :meth:`ImagerySource.read`."""
        values: npt.NDArray[Any] = self._in_thread(lambda: self._source.read(window, bands))
        return values

    def read_decimated(self, window: Window, bands: Sequence[int], level: int) -> npt.NDArray[Any]:
        """See :meth:`ImagerySource.read_decimated`."""
        values: npt.NDArray[Any] = self._in_thread(lambda: self._source.read_decimated(window, bands, level))
        return values

    def read_mask(self, window: Window) -> npt.NDArray[np.bool_] | None:
        """See :meth:`ImagerySource.read_mask`."""
        mask: npt.NDArray[np.bool_] | None = self._in_thread(lambda: self._source.read_mask(window))
        return mask

    def _in_thread(self, work: Callable[[], Any]) -> Any:
        future: Future[Any] = Future()
        self._thread.tasks.put((future, work))
        while not wait([future], timeout=_POLL_S).done:
            if self._is_cancelled():
                self._source.cancel()
        return future.result()

    def reopen(self) -> ThreadedSource:
        """The same object for one more user: reads of one source come one after another."""
        with self._lock:
            self._users += 1
        return self

    def close(self) -> None:
        """End the thread, once its last user has closed it."""
        with self._lock:
            self._users -= 1
            if self._users:
                return
        self._source.cancel()
        self._thread.tasks.put(None)
        self._thread.wait()
        self._source.close()
