from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

import pytest

from tests.tile_server import MapServer

collect_ignore_glob = [] if importlib.util.find_spec("qgis") else ["*"]


@pytest.fixture(autouse=True)
def time_limit(qgis_app: Any) -> Iterator[None]:
    """QGIS' limit on the network; a test that is to meet it makes it short once its layer is open."""
    from qgis.core import QgsNetworkAccessManager

    before = QgsNetworkAccessManager.timeout()
    QgsNetworkAccessManager.setTimeout(20_000)
    yield
    QgsNetworkAccessManager.setTimeout(before)


@pytest.fixture(scope="session")
def server() -> Iterator[MapServer]:
    """A map server on the loopback."""
    running = MapServer()
    yield running
    running.close()
