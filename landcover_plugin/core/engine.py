"""Read, infer, write, overlapped: the loop that turns a job's tiles into a map.

Threads: readers make chips and own their sources; the backend infers in threads of its own; the
thread that called :func:`run` submits, collects, spools and writes, and alone talks to the
reporter. Queues are bounded, so peak memory does not depend on the size of the raster.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .backends import Backend, Priority
from .chips import Chip
from .errors import CancelledError
from .grid import TileIndex
from .legend import NODATA
from .model import ModelSpec
from .progress import Pace, Reporter
from .spool import Spool, Tile

_POLL_S = 0.1
_READER_NICENESS = 10
RECENT_TILES = 8
"""Finished tiles kept in memory for the rasters; older ones come from the spool."""


class TileSink(Protocol):
    """Takes finished tiles."""

    def advance(self, is_done: Callable[[TileIndex], bool], tile: Callable[[TileIndex], Tile]) -> None:
        """Use what is done so far."""
        ...


class Reader(Protocol):
    """Makes chips, in one thread."""

    def read(self, index: TileIndex) -> Chip:
        """The chip of a tile."""
        ...

    def close(self) -> None:
        """Close what it reads from."""
        ...


@dataclass(frozen=True)
class Work:
    """What the loop needs to know.

    Args:
        spec: the model.
        tiles: in the order in which they are to be read.
        pixels: map pixels of a tile, for the progress.
        outputs: the backend's outputs to ask for.
        finish_tile: turns a backend's answer for one chip into what is spooled.
    """

    spec: ModelSpec
    tiles: Sequence[TileIndex]
    pixels: Callable[[TileIndex], int]
    outputs: tuple[str, ...]
    finish_tile: Callable[[Mapping[str, npt.NDArray[Any]]], dict[str, npt.NDArray[Any]]]


@dataclass(frozen=True)
class Outcome:
    """What the loop did: tiles inferred now, and tiles found in the spool."""

    inferred: int
    resumed: int


def run(
    work: Work,
    readers: Sequence[Callable[[], Reader]],
    backend: Backend,
    spool: Spool,
    sinks: Sequence[TileSink],
    reporter: Reporter,
) -> Outcome:
    """Predict every tile and hand it to the sinks.

    Args:
        work: the tiles and what to do with them.
        readers: each is called in a thread of its own and gives that thread's chip reader.
        backend: runs the model.
        spool: keeps finished tiles; its tiles are not predicted again.
        sinks: written from this thread.
        reporter: progress and cancellation.

    Raises:
        CancelledError: the reporter said so; finished tiles stay in the spool.
        LandcoverError: reading, inferring or writing failed; finished tiles stay in the spool.
    """
    todo = [index for index in work.tiles if index not in spool.done]
    collector = _Collector(work, spool, sinks, reporter)
    collector.advance()
    with _Reading(todo, readers, depth=backend.in_flight + 1) as chips:
        _Inference(work, backend, chips, collector, reporter).run(len(todo))
    spool.commit()
    return Outcome(len(todo), len(work.tiles) - len(todo))


class _Collector:
    """Finished tiles on their way to spool and sinks. Used by the calling thread only."""

    def __init__(self, work: Work, spool: Spool, sinks: Sequence[TileSink], reporter: Reporter) -> None:
        self._work, self._spool, self._sinks, self._reporter = work, spool, sinks, reporter
        self._done = set(work.tiles) & spool.done
        self._recent: dict[TileIndex, Tile] = {}
        total = sum(work.pixels(index) for index in work.tiles)
        self._pace = Pace(total, sum(work.pixels(index) for index in self._done))

    def add(self, index: TileIndex, tile: Tile) -> None:
        """A tile is finished."""
        self._spool.add(index, tile)
        self._done.add(index)
        self._recent[index] = tile
        while len(self._recent) > RECENT_TILES:
            del self._recent[next(iter(self._recent))]
        self.advance()
        self._reporter.progress(self._pace.add(self._work.pixels(index)))

    def advance(self) -> None:
        """Let the sinks use what is there."""
        for sink in self._sinks:
            sink.advance(self._done.__contains__, self._tile)

    def _tile(self, index: TileIndex) -> Tile:
        recent = self._recent.get(index)
        if recent is None:
            recent = self._recent[index] = self._spool.get(index)
            while len(self._recent) > RECENT_TILES:
                del self._recent[next(iter(self._recent))]
        return recent


class _Inference:
    """Keeps the backend busy and hands its answers on. Used by the calling thread only."""

    def __init__(
        self, work: Work, backend: Backend, chips: queue.Queue[Any], collector: _Collector, reporter: Reporter
    ) -> None:
        self._work, self._backend, self._chips = work, backend, chips
        self._collector, self._reporter = collector, reporter
        self._answers: queue.Queue[tuple[Chip, Future[Any]]] = queue.Queue()
        self._pending: set[Future[Any]] = set()

    def run(self, count: int) -> None:
        """Infer ``count`` chips."""
        submitted = finished = 0
        try:
            while finished < count:
                if self._reporter.is_cancelled():
                    raise CancelledError(
                        "Stopped; finished tiles are kept, and the same job goes on from there."
                    )
                room = submitted < count and len(self._pending) < self._backend.in_flight
                chip = self._next_chip(wait=not self._pending) if room else None
                if chip is not None:
                    submitted += 1
                    finished += self._submit(chip)
                elif self._pending:
                    finished += self._collect(wait=0.005 if room else _POLL_S)
        finally:
            for future in self._pending:
                future.cancel()

    def _next_chip(self, *, wait: bool) -> Chip | None:
        try:
            item = self._chips.get(timeout=_POLL_S) if wait else self._chips.get_nowait()
        except queue.Empty:
            return None
        if isinstance(item, BaseException):
            raise item
        chip: Chip = item
        return chip

    def _submit(self, chip: Chip) -> int:
        """Send a chip off; one without any valid pixel is finished at once."""
        if chip.is_empty:
            self._collector.add(chip.index, empty_tile(self._work))
            return 1
        future = self._backend.submit(chip.pixels[None], self._work.outputs, Priority.BATCH)
        self._pending.add(future)
        future.add_done_callback(lambda answered: self._answers.put((chip, answered)))
        return 0

    def _collect(self, wait: float) -> int:
        try:
            chip, future = self._answers.get(timeout=wait)
        except queue.Empty:
            return 0
        self._pending.discard(future)
        answer = future.result()
        tile = self._work.finish_tile({name: array[0] for name, array in answer.items()})
        self._collector.add(chip.index, without_invalid(tile, chip.valid))
        return 1


def without_invalid(tile: dict[str, npt.NDArray[Any]], valid: npt.NDArray[np.bool_] | None) -> Tile:
    """The tile with NoData (NaN in float arrays) where the imagery is not valid."""
    if valid is None:
        return tile
    return {
        name: np.where(valid, array, array.dtype.type(nodata_of(array.dtype))) for name, array in tile.items()
    }


def nodata_of(dtype: np.dtype[Any]) -> float:
    """NoData in arrays of a type: 255, or NaN for floats."""
    return float("nan") if np.issubdtype(dtype, np.floating) else NODATA


def empty_tile(work: Work) -> Tile:
    """A tile of nothing but NoData."""
    spec = work.spec
    side, classes = spec.tile, len(spec.legend)
    shapes: dict[str, tuple[tuple[int, ...], type]] = {
        "classes": ((side, side), np.uint8),
        "probabilities8": ((classes, side, side), np.uint8),
        "probabilities": ((classes, side, side), np.float32),
    }
    answer: dict[str, npt.NDArray[Any]] = {name: np.zeros(*shapes[name]) for name in work.outputs}
    return without_invalid(work.finish_tile(answer), np.zeros((side, side), np.bool_))


class _Reading:
    """Reader threads that fill a bounded queue with chips, in tile order with one reader."""

    def __init__(
        self,
        tiles: Collection[TileIndex],
        readers: Sequence[Callable[[], Reader]],
        depth: int,
    ) -> None:
        self._tiles: Iterator[TileIndex] = iter(tiles)
        self._lock = threading.Lock()
        self._chips: queue.Queue[Any] = queue.Queue(maxsize=depth)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._read, args=(make,), name=f"landcover-reader-{n}", daemon=True)
            for n, make in enumerate(readers)
        ]

    def __enter__(self) -> queue.Queue[Any]:
        for thread in self._threads:
            thread.start()
        return self._chips

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            while thread.is_alive():
                with contextlib.suppress(queue.Empty):
                    self._chips.get_nowait()
                thread.join(0.02)

    def _read(self, make_reader: Callable[[], Reader]) -> None:
        _yield_to_the_network()
        try:
            with contextlib.closing(make_reader()) as reader:
                while not self._stop.is_set():
                    with self._lock:
                        index = next(self._tiles, None)
                    if index is None:
                        return
                    self._put(reader.read(index))
        except Exception as e:  # whatever it is, the calling thread must hear of it
            self._put(e)

    def _put(self, item: object) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(queue.Full):
                self._chips.put(item, timeout=_POLL_S)
                return


def _yield_to_the_network() -> None:
    """Give this thread what processor time the network leaves.

    A network's threads wait for each other after every layer, so a reader that holds one of their
    processors for a while stops them all. Where the system has no priorities of threads, nothing changes.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _READER_NICENESS)
