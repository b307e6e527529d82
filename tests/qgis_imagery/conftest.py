from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from tests.tile_server import MapServer

collect_ignore_glob = [] if importlib.util.find_spec("qgis") else ["*"]


@pytest.fixture(scope="session")
def server() -> Iterator[MapServer]:
    """A map server on the loopback."""
    running = MapServer()
    yield running
    running.close()
