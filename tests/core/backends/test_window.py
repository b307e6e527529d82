from __future__ import annotations

import pytest

from landcover_plugin.core.backends.window import LARGEST, Window


class Server:
    """``ways`` requests at a time, each ``service`` seconds, ``transport`` seconds away; time is counted."""

    def __init__(self, ways: int, service: float = 0.1, transport: float = 0.02) -> None:
        self.ways, self.service, self.transport = ways, service, transport
        self.now = 0.0
        self.window = Window(clock=lambda: self.now)
        self.sizes: list[int] = []

    def answer(self, count: int) -> Server:
        for _ in range(count):
            rate = min(self.window.size / (self.service + self.transport), self.ways / self.service)
            self.now += 1 / rate
            self.window.answered(1, True)
            self.sizes.append(self.window.size)
        return self

    def usual(self) -> float:
        later = self.sizes[len(self.sizes) // 2 :]
        return sum(later) / len(later)


@pytest.mark.parametrize("ways", [1, 2, 4, 8])
def test_the_window_grows_to_what_the_server_can_use_and_no_further(ways: int) -> None:
    useful = ways * 1.2  # a sixth of a request's time is spent on the way
    assert 0.9 * useful <= Server(ways).answer(2000).usual() <= useful + 1.5


def test_a_distant_server_gets_enough_to_hide_the_way_there() -> None:
    assert 3 <= Server(1, service=0.1, transport=0.3).answer(2000).usual() <= 5


def test_the_window_has_bounds() -> None:
    server = Server(1000).answer(3000)
    assert max(server.sizes) == LARGEST
    for _ in range(10):
        server.window.troubled()
    assert server.window.size == 1


def test_trouble_halves_the_window_and_it_comes_back() -> None:
    server = Server(8).answer(1500)
    before = server.window.size
    server.window.troubled()
    assert server.window.size <= before // 2 + 1
    assert server.answer(1500).window.size >= 7


def test_a_server_that_loses_its_ways_is_asked_for_less() -> None:
    server = Server(8).answer(2000)
    server.ways = 2
    server.sizes.clear()
    assert server.answer(3000).usual() <= 3.5


def test_a_caller_that_sends_little_changes_nothing() -> None:
    window = Window()
    for _ in range(500):
        window.answered(1, False)
    assert window.size == 2
