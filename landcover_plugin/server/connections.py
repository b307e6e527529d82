"""Connections that end when the other side neither asks nor takes what it asked for."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

CLIENT_S = 60.0
"""Seconds for a request's head to arrive, and for the rest of an answer to be taken."""


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP, with an end to its patience.

    It waits without limit for the end of a head that comes byte by byte, for the end of a body
    that was refused, and for a client to take what is in the socket's buffer.
    """

    client_s = CLIENT_S

    def connection_made(self, transport: Any) -> None:
        """Start to watch."""
        super().connection_made(transport)
        self._watched: Any = None
        self._idle_since = self.loop.time()
        self._watch_task: asyncio.TimerHandle | None = None
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch no longer."""
        if self._watch_task is not None:
            self._watch_task.cancel()
        super().connection_lost(exc)

    def _watch(self) -> None:
        now = self.loop.time()
        cycle = self.cycle
        is_served = cycle is not None and not cycle.response_complete and not self.transport.is_closing()
        if is_served or cycle is not self._watched:
            self._watched, self._idle_since = cycle, now
        if now - self._idle_since >= self.client_s:
            self.transport.abort()
        else:
            self._watch_task = self.loop.call_later(self.client_s / 4, self._watch)
