"""Where networks run: one protocol, one way to open it, whatever stands behind."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .opening import open_backend
    from .protocol import Backend, Priority
    from .settings import configure
    from .sharing import close_all

__all__ = ["Backend", "Priority", "close_all", "configure", "open_backend"]

_HOMES = {
    "Backend": "protocol",
    "Priority": "protocol",
    "close_all": "sharing",
    "configure": "settings",
    "open_backend": "opening",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and no more: QGIS starts with the settings alone, without numpy."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
