"""How a job tells a door how far it is, and hears whether to go on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Args:
        done: map pixels finished.
        total: map pixels of the job.
        mpx_per_s: million map pixels a second, over the last seconds.
        seconds_left: at that rate; None before there is one.
    """

    done: int
    total: int
    mpx_per_s: float
    seconds_left: float | None

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.done / self.total if self.total else 1.0

    def __str__(self) -> str:
        left = "" if self.seconds_left is None else f", {format_seconds(self.seconds_left)} left"
        return f"{100 * self.share:.0f} %, {self.mpx_per_s:.2f} Mpx/s{left}"


class Reporter(Protocol):
    """What a door offers to a job. All calls come from the thread that runs the job."""

    def info(self, text: str) -> None:
        """Something worth knowing."""
        ...

    def detail(self, text: str) -> None:
        """Something for those who asked for more."""
        ...

    def warn(self, text: str) -> None:
        """Something that may make the result wrong."""
        ...

    def progress(self, progress: Progress) -> None:
        """A tile was finished."""
        ...

    def is_cancelled(self) -> bool:
        """Whether the user wants the job to stop."""
        ...


class Silent:
    """A reporter that says nothing and never stops a job."""

    def info(self, text: str) -> None:
        """Ignored."""

    def detail(self, text: str) -> None:
        """Ignored."""

    def warn(self, text: str) -> None:
        """Ignored."""

    def progress(self, progress: Progress) -> None:
        """Ignored."""

    def is_cancelled(self) -> bool:
        """Never."""
        return False


class Pace:
    """Rate and time left, from pixels finished; tiles found on disk do not count for the rate."""

    def __init__(self, total: int, already: int = 0) -> None:
        self._total = total
        self._done = already
        self._marks = [(time.monotonic(), already)]

    def add(self, pixels: int) -> Progress:
        """Count finished pixels."""
        now = time.monotonic()
        self._done += pixels
        self._marks = [*self._marks[-31:], (now, self._done)]
        (start, before) = self._marks[0]
        rate = (self._done - before) / max(now - start, 1e-6)
        left = (self._total - self._done) / rate if rate > 0 else None
        return Progress(self._done, self._total, rate / 1e6, left)


def format_seconds(seconds: float) -> str:
    """Such as ``42 s``, ``3 min 05 s`` or ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
