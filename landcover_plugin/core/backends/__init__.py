"""Where networks run: one protocol, one way to open it, whatever stands behind."""

from __future__ import annotations

from .opening import open_backend
from .protocol import Backend, Priority
from .settings import configure
from .sharing import close_all

__all__ = ["Backend", "Priority", "close_all", "configure", "open_backend"]
