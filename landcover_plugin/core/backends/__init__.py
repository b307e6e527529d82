"""Where networks run: one protocol, one way to open it, whatever stands behind."""

from __future__ import annotations

from .protocol import Backend, Priority

__all__ = ["Backend", "Priority"]
