"""What stands behind the queue of a backend: something that runs one request at a time, or a few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from .protocol import Arrays, Priority


class Runner(Protocol):
    """Runs the requests of one model; the queue's dispatch threads call it.

    Attributes:
        description: see :class:`Backend`.
        numeric_kind: see :class:`Backend`.
        in_flight: see :class:`Backend`.
        concurrency: dispatch threads that may be in :meth:`run` at once.
        batch_concurrency: how many of them may be there with batch requests.
    """

    description: str
    numeric_kind: str

    @property
    def in_flight(self) -> int:
        """Requests worth having under way at once, now."""
        ...

    @property
    def concurrency(self) -> int:
        """Threads that may be in :meth:`run` at once."""
        ...

    @property
    def batch_concurrency(self) -> int:
        """Those that may be there with batch requests.

        One less than all where others, a server say, order the requests: a live one then reaches it at once.
        """
        ...

    def run(self, chips: np.ndarray[Any, Any], outputs: Sequence[str], priority: Priority) -> Arrays:
        """Infer; blocks until the answer is there.

        Raises:
            LandcoverError: one sentence for the user.
        """
        ...

    def close(self) -> None:
        """Free what it holds; called once, when no request is under way."""
        ...
