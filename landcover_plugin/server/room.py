"""Room for requests: how many may be here at once, and how many bytes of them."""

from __future__ import annotations

from starlette.exceptions import HTTPException

from .inference import Limits
from .models import ServedModel

RETRY = {"Retry-After": "1"}


class Room:
    """What all requests of a server hold together. Only the event loop's thread calls it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.held_bytes = 0

    def enter(self, model: ServedModel) -> Place:
        """A place in the model's queue.

        Raises:
            HTTPException: 503, for there is none.
        """
        if model.pending >= self._limits.pending or self.held_bytes >= self._limits.held_bytes:
            raise no_room()
        return Place(self, self._limits.held_bytes, model)


class Place:
    """One request's place; to be left when the client has its answer."""

    def __init__(self, room: Room, limit: int, model: ServedModel) -> None:
        self._room, self._limit = room, limit
        self._model: ServedModel | None = model
        self._bytes = 0
        model.pending += 1

    def grow(self, count: int) -> None:
        """Hold more bytes of the request.

        Raises:
            HTTPException: 503, for all requests together would hold too many.
        """
        if self._room.held_bytes + count > self._limit:
            raise no_room()
        self._hold(self._bytes + count)

    def answer(self, count: int) -> None:
        """Hold so many bytes of the answer in place of the request; what was computed is not refused."""
        self._hold(count)

    def leave(self) -> None:
        """Give place and bytes back; once is enough."""
        self._hold(0)
        if self._model is not None:
            self._model.pending -= 1
            self._model = None

    def _hold(self, count: int) -> None:
        self._room.held_bytes += count - self._bytes
        self._bytes = count


def no_room() -> HTTPException:
    """What a client hears that should come again soon."""
    return HTTPException(503, "too many requests wait here", RETRY)
