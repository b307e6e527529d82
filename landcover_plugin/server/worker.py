"""``python -m landcover_plugin.server.worker``: a server with one client, which owns it.

Started by :mod:`landcover_plugin.core.backends.worker_process` only. It listens on the loopback, on
a port that it prints as one line of JSON, asks for the bearer that its environment holds, and ends
when its standard input does, which is when its owner does.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from typing import Any

from ..core.backends.worker_process import BEARER_VARIABLE
from .inference import Limits

_OWNER_POLL_S = 0.5
_LIMITS = Limits(
    body_bytes=1 << 30,
    json_bytes=64 << 20,
    pending=1 << 20,
    held_bytes=1 << 40,
    chip_pixels=1 << 26,
    body_s=600.0,
)


def main() -> int:
    """Serve until the owner is gone."""
    bearer = os.environ.pop(BEARER_VARIABLE, "")
    if not bearer:
        sys.stderr.write("The worker is started by the plugin or the landcover command, not by hand.\n")
        return 2
    _end_with_owner()
    said = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not be taken for the port
    try:
        import onnxruntime  # noqa: F401 - so that the owner hears at once where it is missing
        import uvicorn

        from .app import make_app
        from .models import ServedModels
    except ImportError as e:
        sys.stderr.write(f"{type(e).__name__}: {e}\n")
        return 3
    listening = socket.create_server(("127.0.0.1", 0))
    app = make_app(ServedModels(), bearer=bearer, limits=_LIMITS, is_worker=True)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, http="h11", ws="none", timeout_keep_alive=3600
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            line = json.dumps({"port": listening.getsockname()[1]}) + "\n"
            os.write(said, line.encode())
            os.close(said)

    Server(config).run(sockets=[listening])
    return 0


def _end_with_owner() -> None:
    """End at once when the owner's end of the pipe closes, or when this process is orphaned."""
    owner = os.getppid()

    def wait_for_end() -> None:
        while os.read(0, 4096):
            pass
        os._exit(0)

    def watch_parent() -> None:
        # a process forked from the owner may hold the pipe open after the owner's death
        while os.getppid() == owner:
            time.sleep(_OWNER_POLL_S)
        os._exit(0)

    for watch in (wait_for_end, watch_parent):
        threading.Thread(target=watch, name="landcover-owner-watch", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
