"""Real imagery and models that are not in the repository, found by LANDCOVER_DATA."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def landcover_data(path: str) -> Path:
    """A file or folder of the data, or a skip that says why."""
    root = os.environ.get("LANDCOVER_DATA")
    if not root:
        pytest.skip("LANDCOVER_DATA is not set, so there are no real models and imagery to test with")
    found = Path(root) / path
    if not found.exists():
        pytest.skip(f"LANDCOVER_DATA has no {path}")
    return found
