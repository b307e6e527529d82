"""How a job of the core reports to a Processing dialog."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qgis.core import QgsProcessingFeedback
from qgis.PyQt.QtCore import QCoreApplication, QEventLoop, QThread

if TYPE_CHECKING:
    from ..core.progress import Progress

_SECONDS_A_LINE = 10.0
_FIRST_LINE_S = 2.0


class FeedbackReporter:
    """The core's reporter over Processing's feedback.

    The bar moves with every tile; the line with rate and time left is given seldom, because
    dialogs and ``qgis_process`` keep every one of them in their log.
    """

    def __init__(self, feedback: QgsProcessingFeedback, *, pump: bool = False) -> None:
        """Report to a dialog.

        Args:
            feedback: of the run.
            pump: whether to let events through where the job runs in the main thread, which network
                requests of other threads need to ask about certificates and logins.
        """
        self._feedback = feedback
        self._pump = pump and QThread.currentThread() == QCoreApplication.instance().thread()
        self._next_line = time.monotonic() + _FIRST_LINE_S

    def info(self, text: str) -> None:
        """Something worth knowing."""
        self._feedback.pushInfo(text)

    def detail(self, text: str) -> None:
        """A line of the log in grey."""
        self._feedback.pushDebugInfo(text)

    def warn(self, text: str) -> None:
        """Something that may make the result wrong."""
        self._feedback.pushWarning(text)

    def table(self, text: str) -> None:
        """Aligned columns; dialogs show their log as HTML, which keeps only unbreakable spaces."""
        self._feedback.pushConsoleInfo(text.replace("  ", "\u00a0\u00a0"))

    def progress(self, progress: Progress) -> None:
        """A tile was finished."""
        self._feedback.setProgress(100 * progress.share)
        now = time.monotonic()
        if now >= self._next_line and progress.done < progress.total:
            self._next_line = now + _SECONDS_A_LINE
            self._feedback.setProgressText(str(progress))

    def is_cancelled(self) -> bool:
        """Whether the user pressed Cancel."""
        if self._pump:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        return bool(self._feedback.isCanceled())
