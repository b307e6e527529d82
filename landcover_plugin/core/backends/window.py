"""How many requests one server is kept busy with: as many as raise its throughput, and no more.

Additive increase, multiplicative decrease, as TCP has it (Chiu and Jain 1989), with throughput in
the place of lost packets. For a window of w requests under way, X(w) is chips answered a second, over
an epoch of max(8, 2 w) answers of which at least three quarters left while the window was full (a
caller that sends less says nothing about the server). A server that could use them all would give

    X(w + 1) / X(w) = 1 + 1/w

and one that is busy already gives 1. So w + 1 is kept where X(w + 1) >= X(w) (1 + min(1/20, 1/(4 w))),
and given up otherwise; after a rest of four epochs w - 1 is tried, and kept where it loses less than that, then
w + 1 again. A refusal for want of room, a timeout or a lost connection halves w at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable

FIRST = 2
LARGEST = 16
_GAIN, _SHARE = 0.05, 0.25
_REST = 4


class Window:
    """The window of one server. Its owner's lock guards it.

    Attributes:
        size: requests to keep under way, now.
    """

    def __init__(
        self, *, first: int = FIRST, largest: int = LARGEST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.size = first
        self._kept, self._largest, self._clock = first, largest, clock
        self._kept_rate = 0.0
        self._rest = 0
        self._direction = 1
        self._begin_epoch()

    def answered(self, chips: int, was_full: bool) -> None:
        """Count an answer.

        Args:
            chips: of the request.
            was_full: whether as many requests as the window holds were under way.
        """
        if self._to_skip:  # these left under the window before
            self._to_skip -= 1
            self._started = self._clock()
            return
        self._answers += 1
        self._full += was_full
        self._chips += chips
        if self._answers < max(8, 2 * self.size):
            return
        rate = self._chips / max(self._clock() - self._started, 1e-6)
        if 4 * self._full >= 3 * self._answers:
            self._judge(rate)
        self._begin_epoch()

    def troubled(self) -> None:
        """Halve it: the server had no room, or did not answer."""
        self._kept = max(1, self._kept // 2)
        self._hold(1)

    def _judge(self, rate: float) -> None:
        """Keep or give up the size that was tried, and try the next."""
        tried, kept = self.size, self._kept
        if tried == kept:
            self._kept_rate = rate
            self._rest -= 1
            if self._rest < 0:
                self._try_next()
            return
        smaller = min(tried, kept)
        low, high = (self._kept_rate, rate) if tried > kept else (rate, self._kept_rate)
        is_larger_better = high >= low * (1 + min(_GAIN, _SHARE / smaller))
        if is_larger_better == (tried > kept):
            self._kept, self._kept_rate = tried, rate
            self._try_next()
        else:
            self._hold(-self._direction)

    def _try_next(self) -> None:
        self.size = min(max(self._kept + self._direction, 1), self._largest)
        if self.size == self._kept:
            self._hold(-self._direction)

    def _hold(self, direction: int) -> None:
        self.size = self._kept
        self._direction = direction
        self._rest = _REST
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        self._to_skip = self.size
        self._answers = self._full = self._chips = 0
        self._started = self._clock()
