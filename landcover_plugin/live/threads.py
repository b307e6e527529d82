"""Threads that Qt knows, for reading through QGIS' providers."""

from __future__ import annotations

from collections.abc import Callable

from qgis.PyQt.QtCore import QCoreApplication, QThread

_alive: list[WorkThread] = []


class WorkThread(QThread):
    """Runs one function.

    Network reads of QGIS want threads that Qt started. Qt aborts the process when the object of a
    running thread goes away, so each is kept here until it has ended, whatever becomes of its maker.
    """

    def __init__(self, work: Callable[[], None], name: str) -> None:
        super().__init__()
        self._work: Callable[[], None] | None = work
        self.setObjectName(name)

    def run(self) -> None:
        """In the new thread."""
        # not to be kept beyond the end: it holds the feed, with all that has been predicted
        work, self._work = self._work, None
        if work is not None:
            work()


def start_thread(work: Callable[[], None], name: str) -> Callable[[float], bool]:
    """Run a function in a new thread.

    Returns:
        What waits for its end, for some seconds at most, and says whether it has come.
    """
    _alive[:] = [thread for thread in _alive if not thread.isFinished()]
    thread = WorkThread(work, name)
    _alive.append(thread)
    thread.start()
    return lambda wait_s: bool(thread.wait(int(wait_s * 1000)))


def is_main_thread() -> bool:
    """Whether the calling thread is that of QGIS' window."""
    application = QCoreApplication.instance()
    return application is not None and QThread.currentThread() == application.thread()


def running() -> list[str]:
    """Names of the threads that have not ended."""
    return [thread.objectName() for thread in _alive if not thread.isFinished()]
