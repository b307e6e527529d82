"""What every backend offers to the doors."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]


class Priority(enum.IntEnum):
    """Who waits for whom: the live layer goes first, batch jobs get at least one request in five."""

    LIVE = 1
    BATCH = 2


class Backend(Protocol):
    """Runs one model. Any thread may call it; answers come from a thread of the backend.

    Attributes:
        description: for people, such as ``ONNX Runtime 1.31, CPU, 2 threads``.
        numeric_kind: runtime, device family and precision; equal kinds give equal bits.
        in_flight: requests worth having under way at once, now.
    """

    description: str
    numeric_kind: str

    @property
    def in_flight(self) -> int:
        """Requests worth having under way at once, now."""
        ...

    def submit(
        self,
        chips: np.ndarray[Any, Any],
        outputs: Sequence[str] = ("classes",),
        priority: Priority = Priority.BATCH,
    ) -> Future[Arrays]:
        """Queue a request.

        Args:
            chips: ``(N, band, chip, chip)`` in the spec's dtype; not to be changed until the answer.
            outputs: names among the spec's outputs.
            priority: who may overtake whom.

        Returns:
            A future of ``{output name: array}``. Cancelling it while it is queued takes it out of
            the queue. Its exception is a :class:`~landcover_plugin.core.errors.BackendError`.
        """
        ...

    def close(self) -> None:
        """Give the handle back; requests under way end, queued ones are cancelled."""
        ...
