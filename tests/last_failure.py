"""The traceback of the test that failed last, which Python keeps with all the variables in it."""

from __future__ import annotations

import gc
import sys


def forget_last_failure() -> None:
    """Let go of what the variables of a failed test hold: layers must not outlive QGIS, which would crash."""
    for name in ("last_type", "last_value", "last_exc", "last_traceback"):
        if hasattr(sys, name):
            delattr(sys, name)
    gc.collect()
