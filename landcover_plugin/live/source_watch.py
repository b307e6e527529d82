"""Files that are changed, moved or deleted under an open layer."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum

from ..core.errors import ImageryError
from ..core.imagery import ImagerySource
from ..core.raster_io.fingerprint import file_states
from ..translation import tr

_LOOK_S = 1.0


class SourceState(Enum):
    """What became of the files of an imagery."""

    SAME = "same"
    GONE = "gone"
    CHANGING = "changing"
    REPLACED = "replaced"


class ChangingSourceError(ImageryError):
    """What was read may be half of the old file and half of a new one."""


class SourceWatch:
    """Whether the files behind an imagery are still those that were opened. It belongs to one thread.

    A file that is written anew counts as replaced once it has stayed as it is for a second and can be
    opened. Imagery that is no file on a disk stays the same for ever.

    Args:
        source: that was opened.
        clock: monotonic seconds.
    """

    def __init__(self, source: ImagerySource, clock: Callable[[], float] = time.monotonic) -> None:
        self._source, self._clock = source, clock
        self._known = getattr(source, "files", ())
        self._seen, self._seen_at = self._known, clock()
        self._told = SourceState.SAME

    def news(self) -> SourceState | None:
        """Another state than the one told before; None where there is none, and most of the time."""
        if self._clock() - self._seen_at < _LOOK_S:
            return None
        state = self._look()
        if state in (self._told, SourceState.CHANGING):
            return None
        self._told = state
        return state

    def check(self) -> None:
        """What was just read can be trusted.

        Raises:
            ChangingSourceError: it cannot.
        """
        now = file_states(name for name, *_ in self._known)
        if len(now) == len(self._known) and now != self._known:
            text = tr("{} is being changed; land cover waits until it is whole.")
            raise ChangingSourceError(text.format(self._source.name))

    def _look(self) -> SourceState:
        before, self._seen_at = self._seen, self._clock()
        self._seen = file_states(name for name, *_ in self._known)
        if self._seen == self._known:
            return SourceState.SAME
        if len(self._seen) < len(self._known):
            return SourceState.GONE
        return SourceState.REPLACED if self._seen == before and self._opens() else SourceState.CHANGING

    def _opens(self) -> bool:
        try:
            self._source.reopen().close()
        except ImageryError:
            return False
        return True
