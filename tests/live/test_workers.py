"""Room at the backend, and who gets it."""

from __future__ import annotations

import threading

from landcover_plugin.live.workers import Slots


def test_room_that_comes_free_is_not_taken_for_a_tile_that_nobody_wants_any_more():
    """Cancelling one tile frees its room in the same breath as another is given up that waits for room."""
    slots, given_up, took = Slots(), threading.Event(), []
    assert slots.take(lambda: 1, lambda: False)
    waiting = threading.Thread(target=lambda: took.append(slots.take(lambda: 1, given_up.is_set)))
    waiting.start()
    given_up.set()
    slots.free()
    waiting.join(10)
    assert took == [False]
    assert slots.taken == 0
