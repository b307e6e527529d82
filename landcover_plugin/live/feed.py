"""The feed: predicted tiles of one imagery by one model, made when somebody looks."""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..core.backends import Backend
from ..core.errors import BackendError, ImageryError, LandcoverError
from ..core.grid import Extent, PredictionGrid, TileIndex, Window
from ..core.imagery import ImagerySource, grid_of
from ..core.model import ModelSpec
from ..translation import tr
from .asked_view import AskedView, Travel, asked_view, centre_of, paint, tiles_ahead, zoom_out
from .far_view import FarView
from .feed_source import FeedSource
from .levels import Levels, LevelsOfViews
from .looks import Bytes, arrays_for, look
from .outputs import BLEND, CLASSES
from .preparation import Preparation
from .source_watch import SourceState
from .tile_cache import TileCache
from .tile_queue import Lease, TileQueue
from .workers import Setup, Slots, Worker

_GIVE_UP_S = 60.0
_SHARE_OF_MEMORY = 0.8
_RATE_S = 5.0


@dataclass(frozen=True)
class ViewPlace:
    """What a view shows of the grid."""

    level: int
    window: Window


StartThread = Callable[[Callable[[], None], str], Callable[[float], bool]]
"""Runs a function in a new thread; gives back what waits for its end, for some seconds at most."""


class TileFeed:
    """Predicted tiles of one imagery by one model.

    Any thread may call it, but :meth:`close`, which belongs to the thread that made it. It never
    waits but in :meth:`wait`. Threads start with the first lease. Listeners are called in any
    thread and must return at once.

    Args:
        imagery: what is read.
        spec: the model.
        open_backend: opens it; called in a worker thread.
        cache: shared with other feeds.
        start_thread: makes worker threads.
        bands: the user's mapping, guessed where empty.
    """

    def __init__(
        self,
        imagery: FeedSource,
        spec: ModelSpec,
        open_backend: Callable[[ModelSpec], Backend],
        cache: TileCache,
        start_thread: StartThread,
        bands: str = "",
    ) -> None:
        self.spec, self.cache, self.imagery, self.bands = spec, cache, imagery, bands
        self.grid: PredictionGrid = grid_of(imagery.sources[0], spec.tile)
        self.queue = TileQueue()
        self.listeners: list[Callable[[TileFeed], None]] = []
        self.users: weakref.WeakSet[object] = weakref.WeakSet()
        self.error: Exception | None = None
        self.is_wanted_soon = False
        self.is_stale = False
        self._start_thread = start_thread
        self._lock = threading.RLock()
        self._preparation = Preparation(spec, open_backend, imagery.to_sample, bands, imagery.keeps_for_s)
        self._arrival = threading.Condition()
        self._workers: list[Worker] = []
        self._joins: list[Callable[[float], bool]] = []
        self._closed = False
        self._levels = LevelsOfViews(self.grid, spec.pixel_size_m, imagery.to_lonlat)
        self._far = FarView(self.grid, spec.legend, cache)
        self._travel = Travel()
        self._arrivals: deque[float] = deque(maxlen=200)

    # -- what is looked at -----------------------------------------------------------------------

    @property
    def setup(self) -> Setup | None:
        """What was chosen and opened, None before the first tile."""
        return self._preparation.setup

    def levels(self, extent: Extent) -> Levels:
        """The levels that the model allows where a view lies."""
        return self._levels.at(extent)

    def view(self, extent: Extent, height: int, width: int) -> AskedView | None:
        """The view of an extent at the level that suits it; None where it is too far out to predict."""
        level = self.levels(extent).nearest(zoom_out(self.grid, extent, height, width))
        return None if level is None else asked_view(self.grid, extent, height, width, level)

    def there(self, view: AskedView, output: str) -> dict[TileIndex, Bytes]:
        """Tiles of a view that are in memory, as an output shows them, the nearest to its centre first."""
        found = {}
        for index in view.tiles():
            shown = self.tile(index, output)
            if shown is not None:
                found[index] = shown
        return found

    def tile(self, index: TileIndex, output: str) -> Bytes | None:
        """A tile as an output shows it, from memory; None where it is not there."""
        setup = self.setup
        if setup is None:
            return None
        if output == CLASSES:
            return self.cache.get(setup.series, index, CLASSES)
        made = self.cache.get(setup.series, index, output)
        if made is not None:
            return made
        arrays: dict[str, Bytes] = {}
        for name in arrays_for(output):
            array = self.cache.get(setup.series, index, name)
            if array is None:
                return None
            arrays[name] = array
        made = look(output, arrays, self.spec.legend)
        self.cache.keep_look(setup.series, index, output, made)
        return made

    def ask(self, view: AskedView, missing: Sequence[TileIndex]) -> None:
        """Somebody looks at a view and ``missing`` of its tiles are not there."""
        window = view.window
        if window.is_empty or self._closed:
            return
        lease = Lease(ViewPlace(view.level, window), self._affordable(missing), self._ahead(view))
        if lease.tiles or lease.ahead:
            self._start()
        self.queue.lease(lease)

    def looked_at(self, extents: Sequence[Extent], *, only: bool = False) -> None:
        """These views are on screen now: what they show stays wanted.

        Args:
            extents: of the views, in the imagery's CRS.
            only: drop what older views wanted.
        """

        def is_seen(lease: Lease) -> bool:
            ground = self._ground_of(lease)
            return ground is None or any(ground.touches(extent) for extent in extents)

        if only:
            self.queue.retain(is_seen)
        self.queue.renew(is_seen)

    def _ground_of(self, lease: Lease) -> Extent | None:
        place = lease.place
        return self.grid.extent(place.window, place.level) if isinstance(place, ViewPlace) else None

    def _affordable(self, tiles: Sequence[TileIndex]) -> tuple[TileIndex, ...]:
        """As many as memory holds at once: more would push each other out for ever."""
        most = self.cache.memory.limit_bytes * _SHARE_OF_MEMORY / self.tile_bytes
        return tuple(tiles[: max(1, int(most))])

    @property
    def tile_bytes(self) -> int:
        """Bytes of a tile with everything that may be kept of it."""
        side = self.spec.tile
        return side * side * (1 + len(self.spec.legend) + 4)

    def _ahead(self, view: AskedView) -> tuple[TileIndex, ...]:
        with self._lock:
            came_from = self._travel.to(view.level, centre_of(view.window))
        if came_from is None:
            return ()
        ahead = tiles_ahead(view, came_from, most=2 if self.imagery.is_public else 8)
        return tuple(i for i in ahead if self.tile(i, CLASSES) is None)

    def wait(self, view: AskedView, output: str, is_cancelled: Callable[[], bool]) -> dict[TileIndex, Bytes]:
        """All tiles of a view, predicted where they are not there. The calling thread waits.

        Raises:
            LandcoverError: a tile cannot be made, or nothing came for a minute.
            InterruptedError: ``is_cancelled`` said so.
        """
        needed = view.tiles()
        found: dict[TileIndex, Bytes] = {}
        if not needed:
            return found
        lease = self.queue.lease(Lease(object(), tuple(needed), waits=True))
        self._start()
        progress = time.monotonic()
        try:
            while len(found) < len(needed):
                before = len(found)
                for index in needed:
                    shown = self.tile(index, output) if index not in found else None
                    if shown is not None:
                        found[index] = shown
                if len(found) > before:
                    progress = time.monotonic()
                    continue
                self._check_waiting(needed, found, progress)
                if is_cancelled():
                    raise InterruptedError
                with self._arrival:
                    self._arrival.wait(0.02)
                self._ask_again(needed, found, lease)
        finally:
            self.queue.release(lease)
        return found

    def _ask_again(self, needed: Sequence[TileIndex], found: dict[TileIndex, Bytes], lease: Lease) -> None:
        """A tile that came and was pushed out of memory before we looked is wanted again."""
        lost = [
            i for i in needed if i not in found and self.queue.is_done(i) and self.tile(i, CLASSES) is None
        ]
        if lost:
            lease.tiles = tuple(i for i in needed if i not in found)
            self.queue.lease(lease)

    def _check_waiting(
        self, needed: Sequence[TileIndex], found: dict[TileIndex, Bytes], since: float
    ) -> None:
        if self._closed:
            raise ImageryError(tr("The live layer was closed before its predictions were complete."))
        for index in needed:
            failure = self.queue.failure(index) if index not in found else None
            if failure is not None:
                raise failure if isinstance(failure, LandcoverError) else ImageryError(str(failure))
        if time.monotonic() - since > _GIVE_UP_S:
            raise BackendError(
                tr("No prediction came for {} seconds; see the log panel for why.").format(round(_GIVE_UP_S))
            )

    def far(self, extent: Extent, height: int, width: int, output: str) -> Bytes | None:
        """A view too far out to predict for: the commonest classes of what was predicted before."""
        setup = self.setup
        return None if setup is None else self._far.picture(setup.series, extent, height, width, output)

    def paint(self, view: AskedView, tiles: dict[TileIndex, Bytes], output: str) -> Bytes:
        """The view's pixels from tiles as an output shows them."""
        if output != BLEND:
            return paint(view, tiles, np.uint8(255))
        words = {i: t.view(np.uint32)[..., 0] for i, t in tiles.items()}
        return paint(view, words, np.uint32(0)).view(np.uint8).reshape(*view.shape, 4)

    # -- for the workers -------------------------------------------------------------------------

    def set_up(self, source: ImagerySource) -> Setup:
        """Sample the imagery and open the backend, where that has not been done.

        Raises:
            LandcoverError: it cannot be done now; it is tried again after a while.
        """
        setup, is_new = self._preparation.ready(source)
        if is_new:
            self.error = None
            self.queue.retry()
            self._tell()
        return setup

    def lose_backend(self, error: BackendError) -> None:
        """The backend failed; it is opened again for a later tile."""
        self._preparation.lose_backend(error)
        self.trouble(error)

    def arrived(self, index: TileIndex) -> None:
        """A tile is in the cache."""
        self.error = None
        self._arrivals.append(time.monotonic())
        self._far.forget(index)
        with self._arrival:
            self._arrival.notify_all()
        # what was read ahead, or for a view that has gone, is worth no picture
        if self.queue.is_looked_at(index):
            self._tell()

    def trouble(self, error: Exception) -> None:
        """Something to tell the user."""
        self.error = error
        with self._arrival:
            self._arrival.notify_all()
        self._tell()

    def source_became(self, state: SourceState) -> None:
        """The files of the imagery went, came back or were replaced."""
        if state is SourceState.GONE:
            name = self.imagery.sources[0].name
            text = tr("{} is not where it was; land cover shows what is known of it, so put it back or choose other "
                      "imagery.")  # fmt: skip
            self.trouble(ImageryError(text.format(name)))
            return
        self.error = None
        self.is_stale = state is SourceState.REPLACED
        self._tell()

    def _tell(self) -> None:
        for listener in list(self.listeners):
            listener(self)

    # -- life ------------------------------------------------------------------------------------

    @property
    def is_made_for_pixels(self) -> bool:
        """Whether the model was made for pixels of about the imagery's size."""
        return self._levels.at(self.grid.extent()).in_range

    def tiles_a_second(self) -> float:
        """Tiles that came in the last seconds."""
        now = time.monotonic()
        return sum(now - at < _RATE_S for at in list(self._arrivals)) / _RATE_S

    def try_again(self) -> None:
        """What failed is tried again at the next call, not after a while: its cause may have gone."""
        self._preparation.reopening.hurry()
        self.queue.retry()

    def prepare(self) -> None:
        """Get ready for the first tile before anybody looks; returns at once, and says nothing of trouble."""
        self.is_wanted_soon = True
        self._start()

    def _start(self) -> None:
        with self._lock:
            if self._workers or self._closed:
                return
            self._preparation.begin()
            slots = Slots()
            self._workers = [Worker(self, source, slots) for source in self.imagery.sources]
            self._joins = [
                self._start_thread(worker.run, f"landcover-live-{n}")
                for n, worker in enumerate(self._workers)
            ]

    def close(self) -> None:
        """Stop the workers and give the backend back; returns at once, :meth:`join` waits."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self.listeners.clear()
        self.queue.close()
        for worker in self._workers:
            worker.stop()
        with self._arrival:
            self._arrival.notify_all()
        if self._workers:
            self._joins.append(self._start_thread(self._wind_up, "landcover-live-end"))
        else:
            for source in self.imagery.sources:
                source.close()

    def _wind_up(self) -> None:
        """Give the backend back when no worker uses it any more; in a thread of its own."""
        while not all(join(1.0) for join in self._joins[: len(self._workers)]):
            continue
        self._workers.clear()  # they hold this, and Python is slow to see through that
        self._preparation.close()

    def join(self, wait_s: float) -> bool:
        """Wait for the end of all threads, for some seconds at most; whether they have ended."""
        until = time.monotonic() + wait_s
        return all(join(max(0.0, until - time.monotonic())) for join in list(self._joins))
