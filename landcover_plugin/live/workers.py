"""A tile's way: from the cache, or read, inferred and kept."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError as FutureCancelledError
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..core.backends import Backend, Priority
from ..core.chips import Chip, ChipReader
from ..core.engine import without_invalid
from ..core.errors import BackendError, CancelledError, LandcoverError
from ..core.grid import PredictionGrid, TileIndex
from ..core.imagery import ImagerySource
from ..core.legend import NODATA
from ..core.model import ModelSpec
from ..core.recipe import RecipeChoice
from .source_watch import ChangingSourceError, SourceState, SourceWatch
from .tile_cache import TileCache
from .tile_queue import Job, TileQueue
from .tile_store import Arrays, Series

_POLL_S = 0.2
_REOPEN_S = (1.0, 5.0, 20.0)


@dataclass(frozen=True)
class Setup:
    """What is known once imagery has been sampled and the backend is open."""

    choice: RecipeChoice
    series: Series
    backend: Backend


class Course(Protocol):
    """What workers need of the feed whose tiles they make; any thread may call."""

    spec: ModelSpec
    grid: PredictionGrid
    cache: TileCache
    queue: TileQueue
    is_wanted_soon: bool

    def set_up(self, source: ImagerySource) -> Setup:
        """Sample the imagery and open the backend, once; raises a LandcoverError."""
        ...

    def lose_backend(self, error: BackendError) -> None:
        """The backend failed; it is opened again."""
        ...

    def arrived(self, index: TileIndex) -> None:
        """A tile is in the cache."""
        ...

    def trouble(self, error: Exception) -> None:
        """Something to tell the user."""
        ...

    def source_became(self, state: SourceState) -> None:
        """Something happened to the files of the imagery."""
        ...


class Slots:
    """Room at the backend: as many requests as it wants under way at once."""

    def __init__(self) -> None:
        self._taken = 0
        self._change = threading.Condition()

    @property
    def taken(self) -> int:
        """Requests under way."""
        return self._taken

    def take(self, most: Callable[[], int], give_up: Callable[[], bool]) -> bool:
        """Wait for room; False when ``give_up`` says so first."""
        with self._change:
            while not give_up():
                if self._taken < max(1, most()):
                    self._taken += 1
                    return True
                self._change.wait(0.05)
            return False

    def free(self) -> None:
        """A request is over."""
        with self._change:
            self._taken -= 1
            self._change.notify_all()


class Worker:
    """Makes tiles until it is stopped. :meth:`run` belongs to one thread, which owns the source.

    Reading the next tile overlaps inferring the last one: a request is sent off and its answer is
    dealt with in the backend's thread. No exception leaves :meth:`run`.
    """

    def __init__(self, feed: Course, source: ImagerySource, slots: Slots) -> None:
        self._feed, self._source, self._slots = feed, source, slots
        self._stop = threading.Event()
        self._reader: tuple[RecipeChoice, ChipReader] | None = None
        self._watch = SourceWatch(source)

    def stop(self) -> None:
        """End :meth:`run` soon; a read under way is cancelled where the source can do that."""
        self._stop.set()
        cancel_read(self._source)

    def run(self) -> None:
        """The life of the thread."""
        try:
            self._prepare()
            while not self._stop.is_set():
                job = self._feed.queue.take(_POLL_S)
                if job is not None:
                    self._make(job)
                news = self._watch.news()
                if news is not None:
                    self._feed.source_became(news)
        finally:
            self._source.close()

    def _prepare(self) -> None:
        if self._feed.is_wanted_soon:
            # whoever wants the first tile meets the trouble again, and says so
            with contextlib.suppress(LandcoverError):
                self._feed.set_up(self._source)

    def _make(self, job: Job) -> None:
        try:
            self._start(job)
        except CancelledError:
            self._feed.queue.give_back(job)
        except ChangingSourceError as e:
            self._feed.queue.fail(job, e)
        except LandcoverError as e:
            self._feed.trouble(e)
            self._feed.queue.fail(job, e)
        except Exception as e:  # a worker that dies would leave the layer blank without a word
            self._feed.trouble(e)
            self._feed.queue.fail(job, e)

    def _start(self, job: Job) -> None:
        feed = self._feed
        setup = feed.set_up(self._source)
        if feed.cache.load(setup.series, job.index):
            self._finish(job)
            return
        chip = self._read(job, setup)
        if chip is None:
            feed.queue.give_back(job)
        elif chip.is_empty:
            shapes = setup.series.shapes.items()
            feed.cache.put(
                setup.series, job.index, {n: np.full(shape, NODATA, np.uint8) for n, shape in shapes}
            )
            self._finish(job)
        else:
            self._infer(job, chip, setup)

    def _read(self, job: Job, setup: Setup) -> Chip | None:
        """The chip, or None where nobody wants it any more."""
        job.cancel = lambda: cancel_read(self._source)
        if job.is_cancelled:
            return None
        if self._reader is None or self._reader[0] is not setup.choice:
            self._reader = setup.choice, ChipReader(self._source, self._feed.grid, setup.choice.recipe)
        chip = self._reader[1].read(job.index)
        job.cancel = lambda: None
        self._watch.check()
        # a cancelled read may look valid and hold nothing
        return None if job.is_cancelled or self._stop.is_set() else chip

    def _infer(self, job: Job, chip: Chip, setup: Setup) -> None:
        feed, slots = self._feed, self._slots
        gone = lambda: job.is_cancelled or self._stop.is_set()  # noqa: E731
        if not slots.take(lambda: setup.backend.in_flight, gone):
            feed.queue.give_back(job)
            return
        try:
            future = setup.backend.submit(chip.pixels[None], tuple(setup.series.shapes), Priority.LIVE)
        except BaseException as e:
            slots.free()
            if isinstance(e, BackendError):
                feed.lose_backend(e)
            raise
        job.cancel = lambda: _cancel(future)
        future.add_done_callback(lambda answered: self._answered(job, chip, setup, answered))
        if job.is_cancelled:  # it may have been cancelled before it could be told how
            _cancel(future)

    def _answered(self, job: Job, chip: Chip, setup: Setup, future: Future[Any]) -> None:
        """In a thread of the backend (or the canceller's)."""
        # the future holds what calls this, and so the job, and the chip: a circle that Python is slow to see
        job.cancel = lambda: None
        feed = self._feed
        self._slots.free()
        try:
            answer = future.result()
            arrays = without_invalid({n: np.ascontiguousarray(answer[n][0]) for n in answer}, chip.valid)
            feed.cache.put(setup.series, job.index, arrays)
        except FutureCancelledError:
            feed.queue.give_back(job)
        except BackendError as e:
            feed.lose_backend(e)
            feed.queue.fail(job, e)
        except Exception as e:  # a backend's thread must not die of our fault, nor the layer stay blank
            feed.trouble(e)
            feed.queue.fail(job, e)
        else:
            self._finish(job)

    def _finish(self, job: Job) -> None:
        self._feed.queue.finish(job)
        self._feed.arrived(job.index)


class Reopening:
    """When something that failed may be tried again: after 1, 5, then every 20 seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._at = 0.0
        self.error: LandcoverError | None = None

    def failed(self, error: LandcoverError) -> None:
        """It failed now."""
        self.error = error
        self._at = self._clock() + _REOPEN_S[min(self._failures, len(_REOPEN_S) - 1)]
        self._failures += 1

    def hurry(self) -> None:
        """Try again as soon as somebody asks."""
        self._at = self._clock()

    def succeeded(self) -> None:
        """It works."""
        self.error, self._failures = None, 0

    @property
    def is_due(self) -> bool:
        """Whether to try."""
        return self.error is None or self._clock() >= self._at


def cancel_read(source: ImagerySource) -> None:
    """End a read under way, where the source can do that."""
    cancel = getattr(source, "cancel", None)
    if cancel is not None:
        cancel()


def _cancel(future: Future[Any]) -> None:
    future.cancel()


__all__ = ["Arrays", "Course", "Reopening", "Setup", "Slots", "Worker", "cancel_read"]
