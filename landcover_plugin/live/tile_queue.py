"""Which tile comes next: leases of those who look, and the work that is under way for them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ..core.grid import TileIndex

LEASE_S = 2.0
AHEAD_S = 6.0
_GRACE_S = 0.15
_RETRY_S = (2.0, 10.0, 60.0)


@dataclass(eq=False)
class Lease:
    """Tiles that somebody looks at or waits for, the most wanted first.

    Args:
        place: what is looked at; a lease of the same place replaces the one before it.
        tiles: the most wanted first.
        ahead: tiles that may be wanted next; worked on when no lease has anything else to do.
        waits: whether somebody waits for it and will release it; it then does not expire.
    """

    place: object
    tiles: Sequence[TileIndex]
    ahead: Sequence[TileIndex] = ()
    waits: bool = False
    born: float = field(default=0.0, init=False)


@dataclass(eq=False)
class Job:
    """One tile under way. ``cancel`` is set by who works on it, and called when nobody wants it."""

    index: TileIndex
    cancel: Callable[[], None] = field(default=lambda: None)
    is_cancelled: bool = False
    unwanted_since: float | None = None


@dataclass
class _Failure:
    error: Exception
    at: float
    count: int


class TileQueue:
    """Wanted tiles in order of want. Any thread may call; it has no thread of its own.

    A tile is worked on once, however many leases hold it. When no living lease holds it any more,
    its job is cancelled. After :meth:`close` nothing is given out.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._change = threading.Condition()
        self._leases: dict[object, Lease] = {}  # the newest last
        self._jobs: dict[TileIndex, Job] = {}
        self._done: set[TileIndex] = set()
        self._failures: dict[TileIndex, _Failure] = {}
        self._asked_at = 0.0  # when somebody asked last who only looks
        self._closed = False

    # -- who looks -------------------------------------------------------------------------------

    def lease(self, lease: Lease) -> Lease:
        """Want tiles from now on; the caller gives only those that are not there yet."""
        with self._tidied():
            lease.born = self._clock()
            if not lease.waits:
                self._asked_at = lease.born
            self._leases.pop(lease.place, None)
            self._leases[lease.place] = lease
            self._done.difference_update(lease.tiles)
            if lease.waits:
                for index in lease.tiles:
                    self._failures.pop(index, None)
            self._change.notify_all()
        return lease

    def release(self, lease: Lease) -> None:
        """Want them no more."""
        with self._tidied():
            if self._leases.get(lease.place) is lease:
                del self._leases[lease.place]

    def retain(self, looked_at: Callable[[Lease], bool]) -> None:
        """Drop leases of those who only look, unless ``looked_at`` says that they still do."""
        with self._tidied():
            self._leases = {p: w for p, w in self._leases.items() if w.waits or looked_at(w)}

    def renew(self, looked_at: Callable[[Lease], bool]) -> None:
        """Start the time of those leases again of which ``looked_at`` says that somebody still looks."""
        with self._tidied():
            now = self._clock()
            for lease in self._leases.values():
                if not lease.waits and looked_at(lease):
                    lease.born = now

    # -- who works -------------------------------------------------------------------------------

    def take(self, timeout_s: float) -> Job | None:
        """The most wanted tile that nobody works on; None after a while without one.

        Whoever takes it says :meth:`finish`, :meth:`fail` or :meth:`give_back`.
        """
        until = time.monotonic() + timeout_s
        while True:
            with self._tidied():
                if self._closed:
                    return None
                index = next(self._open_tiles(), None)
                if index is not None:
                    job = self._jobs[index] = Job(index)
                    return job
                left = until - time.monotonic()
                if left <= 0:
                    return None
                self._change.wait(left)

    def finish(self, job: Job) -> None:
        """The tile is there."""
        with self._tidied():
            self._jobs.pop(job.index, None)
            self._failures.pop(job.index, None)
            if self._leases:
                self._done.add(job.index)
            self._change.notify_all()

    def fail(self, job: Job, error: Exception) -> None:
        """The tile could not be made; it is tried again later, at growing intervals."""
        with self._change:
            self._jobs.pop(job.index, None)
            before = self._failures.get(job.index)
            self._failures[job.index] = _Failure(error, self._clock(), before.count + 1 if before else 1)
            self._change.notify_all()

    def give_back(self, job: Job) -> None:
        """The work was given up; whoever still wants the tile gets it from somebody else."""
        with self._change:
            self._jobs.pop(job.index, None)
            self._change.notify_all()

    def retry(self) -> None:
        """Forget failures: what they were due to has changed."""
        with self._change:
            self._failures.clear()
            self._change.notify_all()

    def close(self) -> None:
        """Give out nothing more and cancel what is under way."""
        with self._tidied():
            self._closed = True
            self._leases.clear()
            self._change.notify_all()

    # -- what is so ------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Tiles that are looked at and not there yet; those only read ahead do not count."""
        with self._tidied():
            wanted = {i for lease in self._leases.values() for i in lease.tiles}
            return len(wanted - self._done - set(self._failures))

    @property
    def is_busy(self) -> bool:
        """Whether a tile is wanted or under way."""
        with self._change:
            return bool(self._jobs) or next(self._open_tiles(), None) is not None

    def is_wanted(self, index: TileIndex) -> bool:
        """Whether a living lease holds a tile."""
        with self._tidied():
            return index in self._held()

    def is_looked_at(self, index: TileIndex) -> bool:
        """Whether somebody looks at a tile or waits for it; one that is only read ahead does not count."""
        with self._tidied():
            return any(index in lease.tiles for lease in self._leases.values())

    def is_done(self, index: TileIndex) -> bool:
        """Whether a leased tile has been made."""
        with self._change:
            return index in self._done

    def failure(self, index: TileIndex) -> Exception | None:
        """Why a tile could not be made, where the last attempt failed."""
        with self._change:
            found = self._failures.get(index)
            return found.error if found else None

    def failed(self) -> dict[TileIndex, Exception]:
        """Tiles whose last attempt failed."""
        with self._change:
            return {index: failure.error for index, failure in self._failures.items()}

    def tidy(self) -> None:
        """End leases whose time is over; to be called now and then when nothing else is."""
        with self._tidied():
            return

    # -- with the lock held ----------------------------------------------------------------------

    @contextlib.contextmanager
    def _tidied(self) -> Iterator[None]:
        """The lock, with nothing outlived in what it guards, before and after.

        Work is cancelled when the lock is free again: whoever is called may call back.
        """
        doomed: list[Job] = []
        try:
            with self._change:
                doomed += self._tidy()
                yield
                doomed += self._tidy()
        finally:
            for job in doomed:
                job.cancel()

    def _tidy(self) -> list[Job]:
        """End leases whose time is over; the jobs that nobody wants any more."""
        doomed = []
        now = self._clock()
        for place, lease in list(self._leases.items()):
            age = now - lease.born
            if lease.waits or age <= LEASE_S:
                continue
            if age > AHEAD_S or not lease.ahead:
                del self._leases[place]
            else:
                lease.tiles = ()
        if not self._leases:
            self._done.clear()
            self._failures.clear()
        held = self._held()
        for job in self._jobs.values():
            if job.index in held:
                job.unwanted_since = None
            elif job.unwanted_since is None and not self._closed:
                # the next view may well hold it: it asks some milliseconds after the last one went
                job.unwanted_since = now
            elif not job.is_cancelled and self._is_given_up(job, now):
                job.is_cancelled = True
                doomed.append(job)
        return doomed

    def _is_given_up(self, job: Job, now: float) -> bool:
        """Whether an unwanted job ends: a while has passed, or the next view has asked and does not hold it."""
        since = now if job.unwanted_since is None else job.unwanted_since
        return self._closed or self._asked_at > since or now - since > _GRACE_S

    def _held(self) -> set[TileIndex]:
        held: set[TileIndex] = set()
        for lease in self._leases.values():
            held.update(lease.tiles)
            held.update(lease.ahead)
        return held

    def _open_tiles(self) -> Iterator[TileIndex]:
        """Tiles nobody works on: of who looks, newest first; of who waits; then those ahead."""
        newest_first = list(reversed(self._leases.values()))
        for waits in (False, True):
            for lease in newest_first:
                if lease.waits is waits:
                    yield from (i for i in lease.tiles if self._is_open(i))
        for lease in newest_first[:1]:
            yield from (i for i in lease.ahead if self._is_open(i))

    def _is_open(self, index: TileIndex) -> bool:
        if index in self._jobs or index in self._done:
            return False
        failure = self._failures.get(index)
        if failure is None:
            return True
        return self._clock() - failure.at >= _RETRY_S[min(failure.count, len(_RETRY_S)) - 1]
