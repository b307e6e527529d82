from __future__ import annotations

import threading

from landcover_plugin.core.errors import ImageryError
from landcover_plugin.core.grid import TileIndex
from landcover_plugin.live.tile_queue import AHEAD_S, LEASE_S, Lease, TileQueue


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def tiles(*cols: int) -> list[TileIndex]:
    return [TileIndex(0, 0, c) for c in cols]


def drained(queue: TileQueue) -> list[int]:
    cols = []
    while True:
        job = queue.take(0)
        if job is None:
            return cols
        cols.append(job.index.col)
        queue.finish(job)


def test_the_newest_view_goes_first_then_older_ones_then_who_waits_then_what_is_ahead():
    queue = TileQueue(Clock())
    queue.lease(Lease("export", tiles(30, 31), waits=True))
    queue.lease(Lease("old view", tiles(1, 2), ahead=tiles(5)))
    queue.lease(Lease("new view", tiles(10, 2, 11), ahead=tiles(12)))
    assert drained(queue) == [10, 2, 11, 1, 30, 31, 12]


def test_a_tile_that_two_views_show_is_worked_on_once():
    queue = TileQueue(Clock())
    queue.lease(Lease("a", tiles(1)))
    queue.lease(Lease("b", tiles(1)))
    first = queue.take(0)
    assert first is not None
    assert queue.take(0) is None
    queue.finish(first)
    assert queue.take(0) is None
    assert queue.waiting == 0


def test_what_nobody_leases_any_more_is_dropped_and_its_work_cancelled():
    clock = Clock()
    queue = TileQueue(clock)
    queue.lease(Lease("a", tiles(1, 2)))
    job = queue.take(0)
    cancelled = []
    job.cancel = lambda: cancelled.append(job.index.col)
    clock.now += LEASE_S + 0.1
    queue.tidy()
    assert cancelled == []  # a moment of grace: the next view may hold it
    clock.now += 0.3
    queue.tidy()
    queue.tidy()
    assert cancelled == [1]
    assert queue.take(0) is None


def test_a_tile_that_the_next_view_shows_too_is_not_cancelled():
    clock = Clock()
    queue = TileQueue(clock)
    queue.lease(Lease("a", tiles(1, 2)))
    job = queue.take(0)
    queue.retain(lambda lease: False)
    clock.now += 0.05
    queue.lease(Lease("b", tiles(2, 1)))
    clock.now += 1
    queue.tidy()
    assert not job.is_cancelled


def test_a_lease_lives_while_it_is_asked_again():
    clock = Clock()
    queue = TileQueue(clock)
    for _ in range(5):
        queue.lease(Lease("a", tiles(1)))
        clock.now += LEASE_S - 0.1
    assert queue.is_wanted(tiles(1)[0])


def test_who_waits_does_not_expire_but_is_released():
    clock = Clock()
    queue = TileQueue(clock)
    lease = queue.lease(Lease("export", tiles(1), waits=True))
    clock.now += 100
    assert queue.is_wanted(tiles(1)[0])
    queue.retain(lambda lease: False)
    assert queue.is_wanted(tiles(1)[0])
    queue.release(lease)
    assert not queue.is_wanted(tiles(1)[0])


def test_reading_ahead_outlives_the_view_for_some_seconds():
    clock = Clock()
    queue = TileQueue(clock)
    queue.lease(Lease("a", (), ahead=tiles(1, 2)))
    clock.now += LEASE_S + 1
    assert queue.take(0).index.col == 1
    clock.now += AHEAD_S
    assert queue.take(0) is None


def test_reading_ahead_does_not_count_as_waiting():
    queue = TileQueue(Clock())
    queue.lease(Lease("a", tiles(1, 2), ahead=tiles(3)))
    assert queue.waiting == 2


def test_a_failed_tile_is_tried_again_later_and_later_still():
    clock = Clock()
    queue = TileQueue(clock)
    attempts = []
    for _ in range(200):
        queue.lease(Lease("a", tiles(1)))
        job = queue.take(0)
        if job is not None:
            attempts.append(clock.now - 100)
            queue.fail(job, ImageryError("no answer"))
        clock.now += 0.5
    assert attempts == [0.0, 2.0, 12.0, 72.0]
    assert isinstance(queue.failure(tiles(1)[0]), ImageryError)


def test_who_begins_to_wait_gets_a_new_attempt_at_once():
    queue = TileQueue(Clock())
    queue.lease(Lease("a", tiles(1)))
    queue.fail(queue.take(0), ImageryError("no answer"))
    assert queue.take(0) is None
    queue.lease(Lease("export", tiles(1), waits=True))
    assert queue.take(0) is not None


def test_work_given_back_goes_to_somebody_else():
    queue = TileQueue(Clock())
    queue.lease(Lease("a", tiles(1)))
    queue.give_back(queue.take(0))
    assert queue.take(0) is not None


def test_a_worker_that_sleeps_wakes_for_a_new_lease():
    queue = TileQueue()
    got = []
    worker = threading.Thread(target=lambda: got.append(queue.take(10)))
    worker.start()
    queue.lease(Lease("a", tiles(1)))
    worker.join(5)
    assert got[0].index == tiles(1)[0]


def test_a_closed_queue_gives_nothing_and_cancels_what_is_under_way():
    queue = TileQueue()
    queue.lease(Lease("a", tiles(1, 2)))
    job = queue.take(0)
    cancelled = threading.Event()
    job.cancel = cancelled.set
    queue.close()
    assert cancelled.is_set()
    assert queue.take(0) is None
    queue.lease(Lease("b", tiles(3)))
    assert queue.take(0) is None


def test_a_jump_elsewhere_cancels_as_soon_as_the_new_view_asks():
    clock = Clock()
    queue = TileQueue(clock)
    queue.lease(Lease("a", tiles(1, 2)))
    cancelled = []
    for _ in range(2):
        job = queue.take(0)
        job.cancel = lambda job=job: cancelled.append(job.index.col)
    queue.retain(lambda lease: False)
    clock.now += 0.01
    assert cancelled == []
    queue.lease(Lease("b", tiles(2, 3)))
    assert cancelled == [1]


def test_what_is_read_ahead_is_not_looked_at():
    queue = TileQueue(Clock())
    queue.lease(Lease("a", tiles(1), ahead=tiles(2)))
    assert [queue.is_looked_at(i) for i in tiles(1, 2, 3)] == [True, False, False]
