"""Answers of a web service, several at once, in the thread that asks."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from qgis.core import QgsBlockingNetworkRequest, QgsNetworkAccessManager, QgsNetworkReplyContent
from qgis.PyQt.QtCore import QEventLoop, QTimer
from qgis.PyQt.QtNetwork import QNetworkReply, QNetworkRequest

from ..core.errors import CancelledError, ImageryError
from ..core.raster_io.fingerprint import short_reason
from .access import ServiceAccess

_AT_ONCE = 6
_LOOK_MS = 40
_MOST_TIMEOUTS = 3
_GRACE_S = 2.0
_MOST_BYTES = 256 << 20
_NOT_FOUND = 404
_NOTHING_THERE = (204, _NOT_FOUND, 410)
_ATTEMPTS = 3
_PAUSE_S = 0.5
_WORTH_ANOTHER_TRY = (408, 425, 429)

_T = TypeVar("_T")


@dataclass(frozen=True)
class Answer:
    """What came back.

    Args:
        status: of HTTP, 0 where there was none.
        kind: content type in lower case, without parameters.
        body: its bytes.
        fault: what went wrong on the way, empty where nothing did.
    """

    status: int
    kind: str
    body: bytes
    fault: str

    @property
    def is_nothing(self) -> bool:
        """Whether the service says that there is nothing to be had at this address."""
        return self.status in _NOTHING_THERE

    @property
    def may_do_better(self) -> bool:
        """Whether asking again makes sense."""
        return self.status < 400 or self.status >= 500 or self.status in _WORTH_ANOTHER_TRY


def fetch_all(
    urls: Sequence[str],
    access: ServiceAccess,
    is_cancelled: Callable[[], bool],
    timeout_ms: int | None = None,
    *,
    is_fresh: bool = False,
) -> list[Answer]:
    """Ask for some addresses, up to six at once, and wait for all the answers.

    To be called in the main thread or in one that Qt made: elsewhere its time limits do not work.
    Nothing of another thread is touched, not even to cancel: the flag is looked at 25 times a second.

    Args:
        urls: of http, https or file.
        access: what they are asked with.
        is_cancelled: asked while it waits.
        timeout_ms: without a sign of life; QGIS' own limit where None.
        is_fresh: whether the service itself is to answer, not QGIS' network cache.

    Raises:
        CancelledError: ``is_cancelled`` said so; what is under way is ended.
        ImageryError: QGIS cannot authenticate the requests.
    """
    if is_cancelled():
        raise CancelledError("Reading was stopped.")
    requests = [access.request(url) for url in urls]
    for request in requests if is_fresh else ():
        request.setAttribute(
            QNetworkRequest.Attribute.CacheLoadControlAttribute,
            QNetworkRequest.CacheLoadControl.AlwaysNetwork,
        )
    return _Round(requests, access, is_cancelled, timeout_ms).run()


_LOST = Answer(0, "", b"", "its answer was lost")


class _Round:
    """The requests of one call. It lives in one thread, for the length of the call."""

    def __init__(
        self,
        requests: list[QNetworkRequest],
        access: ServiceAccess,
        is_cancelled: Callable[[], bool],
        timeout_ms: int | None,
    ) -> None:
        self._access, self._is_cancelled = access, is_cancelled
        self._limit_ms = timeout_ms or QgsNetworkAccessManager.timeout()
        self._manager = QgsNetworkAccessManager.instance()
        self._waiting = deque(enumerate(requests))
        self._under_way: dict[int, QNetworkReply] = {}
        self._answers: dict[int, Answer] = {}
        self._started: dict[int, float] = {}
        self._too_late: set[int] = set()
        self._loop = QEventLoop()
        self._stopped = False

    def run(self) -> list[Answer]:
        count = len(self._waiting)
        self._start_more()
        looking = QTimer()
        looking.timeout.connect(self._look)
        looking.start(_LOOK_MS)
        try:
            if self._under_way:
                self._loop.exec()
        finally:
            looking.stop()
            self._end()
        if len(self._answers) < count:
            raise CancelledError("Reading was stopped.")
        return [self._answers[n] for n in range(count)]

    def _start_more(self) -> None:
        while self._waiting and len(self._under_way) < _AT_ONCE:
            number, request = self._waiting.popleft()
            request.setTransferTimeout(self._limit_ms)
            self._started[number] = time.monotonic()
            reply = self._manager.get(request)
            try:
                self._access.prepare(reply)
                reply.finished.connect(partial(self._finished, number))
                reply.downloadProgress.connect(partial(self._progressed, number))
            except RuntimeError:  # seen once in ten thousand requests: the bindings lost the reply at once
                self._answers[number] = _LOST
            else:
                self._under_way[number] = reply

    def _finished(self, number: int) -> None:
        reply = self._under_way.pop(number, None)
        if reply is None or self._stopped:
            return
        try:
            self._answers[number] = _answer(reply, number in self._too_late)
            reply.deleteLater()
        except RuntimeError:  # seen once in thousands of cancelled requests: the bindings lost the reply
            self._answers[number] = _LOST
        self._go_on()

    def _lose(self, number: int) -> None:
        """A reply is gone, or its end was never told: nothing can be learnt of it any more."""
        if self._under_way.pop(number, None) is not None:
            self._answers[number] = _LOST
            self._go_on()

    def _go_on(self) -> None:
        self._start_more()
        if not self._under_way:
            self._loop.quit()

    def _progressed(self, number: int, received: int, _total: int) -> None:
        if received > _MOST_BYTES and number in self._under_way:
            self._too_late.add(number)
            self._abort(number)

    def _abort(self, number: int) -> None:
        try:
            self._under_way[number].abort()
        except RuntimeError:  # the reply is gone
            self._lose(number)

    def _look(self) -> None:
        if self._is_cancelled():
            self._loop.quit()
            return
        # a server that sends a byte now and then is no better than one that sends none
        latest = time.monotonic() - _MOST_TIMEOUTS * self._limit_ms / 1000
        for number in [n for n in self._under_way if self._started[n] < latest]:
            if self._started[number] < latest - _GRACE_S:
                self._lose(number)
            elif number in self._under_way:
                self._too_late.add(number)
                self._abort(number)

    def _end(self) -> None:
        """End what is under way; it was cancelled."""
        self._stopped = True
        for reply in list(self._under_way.values()):
            with contextlib.suppress(RuntimeError):  # the reply is gone
                reply.abort()
                reply.deleteLater()
        self._under_way.clear()


def _answer(reply: QNetworkReply, too_late: bool) -> Answer:
    status, kind = _outline(reply)
    return Answer(status, kind, bytes(reply.readAll()), _fault(reply, status, too_late))


def _outline(reply: QNetworkReply | QgsNetworkReplyContent) -> tuple[int, str]:
    """Status and content type."""
    status = int(reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute) or 0)
    if not status and reply.error() == QNetworkReply.NetworkError.ContentNotFoundError:
        status = _NOT_FOUND  # a file that is missing
    kind = bytes(reply.rawHeader(b"Content-Type")).decode("latin-1").lower().split(";")[0].strip()
    return status, kind


def _fault(reply: QNetworkReply | QgsNetworkReplyContent, status: int, too_late: bool) -> str:
    kinds = QNetworkReply.NetworkError
    error = reply.error()
    if error == kinds.NoError:
        return ""
    if too_late or error in (kinds.OperationCanceledError, kinds.TimeoutError):
        return "it did not answer in time"
    if status >= 400:
        return f"HTTP status {status}"
    if error in (kinds.HostNotFoundError, kinds.ConnectionRefusedError):
        return "its server cannot be reached"
    return short_reason(Exception(str(reply.errorString())))


def fetch_text(url: str, access: ServiceAccess, timeout_ms: int) -> Answer:
    """Ask for one address and wait for the answer, with no event of any kind in between.

    To be called in any thread that Qt made, the main thread above all. It cannot be cancelled: QGIS'
    blocking requests whose feedback is cancelled by another thread while they are under way never end
    (3.22 to 3.44), for the reply is thrown away that they wait for.

    Args:
        url: of http or https.
        access: what it is asked with.
        timeout_ms: without a sign of life.
    """
    asking = QgsBlockingNetworkRequest()
    asking.setAuthCfg(access.authcfg)
    request = access.request(url, authenticated=False)
    request.setTransferTimeout(timeout_ms)
    asking.get(request)
    reply = asking.reply()
    return Answer(*_outline(reply), bytes(reply.content()), _fault(reply, _outline(reply)[0], False))


class UnfitAnswerError(Exception):
    """An answer is not what was asked for; says why, to be put into brackets of a sentence."""


def fetch_with_patience(
    urls: Sequence[str],
    access: ServiceAccess,
    cancel: threading.Event,
    convert: Callable[[int, Answer], _T],
    name: str,
) -> list[_T]:
    """Ask for some addresses, and up to three times for those whose answer is no good.

    Args:
        urls: of them.
        access: what they are asked with.
        cancel: ends the asking.
        convert: makes what is wanted of the answer to an address (its place in ``urls``), or raises
            :class:`UnfitAnswerError`.
        name: of the imagery, for people.

    Raises:
        CancelledError: it was cancelled.
        ImageryError: an answer was no good to the end.
    """
    found: dict[int, _T] = {}
    left, fault = list(range(len(urls))), ""
    for attempt in range(_ATTEMPTS):
        if not left or (attempt and cancel.wait(_PAUSE_S * attempt)):
            break
        hopeless = False
        for number, answer in zip(left, fetch_all([urls[n] for n in left], access, cancel.is_set)):
            try:
                found[number] = convert(number, answer)
            except UnfitAnswerError as e:
                fault = str(e)
                hopeless = hopeless or not answer.may_do_better
        left = [n for n in left if n not in found]
        if hopeless:
            break
    if cancel.is_set():
        raise CancelledError(f"Reading {name} was stopped.")
    if left:
        raise ImageryError(f"{name} could not be read ({fault}); try again later or choose other imagery.")
    return [found[n] for n in range(len(urls))]
