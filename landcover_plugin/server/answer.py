"""The answer to an inference on its way to a client, who may take it slowly or not at all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import Response

from ..core.backends.tensors import HEADER_LENGTH
from .room import Place

_PIECE = 256 << 10


class AnswerResponse(Response):
    """An answer that keeps its place in the queue until the client has taken it."""

    def __init__(self, content: bytes, header_length: int | None, seconds: float, place: Place) -> None:
        """Args:
        content: the body.
        header_length: of its JSON, where raw tensors follow.
        seconds: for the client to take it.
        place: left at the end, however that is.
        """
        is_json = header_length is None
        super().__init__(
            content,
            headers={} if is_json else {HEADER_LENGTH: str(header_length)},
            media_type="application/json" if is_json else "application/octet-stream",
        )
        self._seconds, self._place = seconds, place
        place.answer(len(content))

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Send it in pieces, each when the one before is on its way, and give up in time."""
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}

        async def send_all() -> None:
            await send(start)
            body = memoryview(self.body)
            for first in range(0, len(body), _PIECE):
                last = first + _PIECE
                piece = bytes(body[first:last])
                await send({"type": "http.response.body", "body": piece, "more_body": last < len(body)})

        try:
            # the connection is closed where an answer stays incomplete
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(send_all(), self._seconds)
        finally:
            self._place.leave()
