"""The rate counts pixels that are kept over the time that requests are under way."""

from __future__ import annotations

from concurrent.futures import Future

import numpy as np
import pytest

from landcover_plugin.live.rated_backend import RatedBackend


class Slow:
    """Answers when it is told to."""

    description, numeric_kind, in_flight = "Slow", "slow", 3

    def __init__(self) -> None:
        self.futures: list[Future] = []
        self.closed = False

    def submit(self, chips, outputs=("classes",), priority=None) -> Future:
        self.futures.append(Future())
        return self.futures[-1]

    def close(self) -> None:
        self.closed = True


def test_the_rate_is_of_busy_time_and_of_answers_alone() -> None:
    now = 100.0
    slow = Slow()
    backend = RatedBackend(slow, 1000, lambda: now)
    assert (backend.description, backend.numeric_kind, backend.in_flight) == ("Slow", "slow", 3)
    assert backend.mpx_a_second == 0
    chips = np.zeros((2, 3, 8, 8), np.uint8)
    backend.submit(chips)
    backend.submit(chips)
    now += 1
    slow.futures[0].set_result({})
    assert backend.mpx_a_second == pytest.approx(2)
    now += 1
    slow.futures[1].set_result({})
    now += 60  # at rest
    backend.submit(chips)
    backend.submit(chips)
    now += 1
    slow.futures[2].cancel()
    slow.futures[3].set_exception(ValueError("gone"))
    assert backend.mpx_a_second == pytest.approx(2)
    backend.submit(chips)
    now += 1
    slow.futures[4].set_result({})
    assert backend.mpx_a_second == pytest.approx(6 / 4)
    backend.close()
    assert slow.closed
