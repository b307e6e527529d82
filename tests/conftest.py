"""What tests of several rooms share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.last_failure import forget_last_failure

if TYPE_CHECKING:
    from landcover_plugin.training.landscape import Landscape


@pytest.fixture(autouse=True, scope="session")
def nothing_outlives_qgis(request: pytest.FixtureRequest) -> Iterator[None]:
    """Layers that a failed test left are gone before QGIS is."""
    if request.config.pluginmanager.hasplugin("pytest_qgis"):
        request.getfixturevalue("qgis_app")
    yield
    forget_last_failure()


@pytest.fixture(scope="session")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> Landscape:
    """The sample scene at both dates: 1024 × 1024 px of 1 m, with its truth."""
    from landcover_plugin.training.landscape import generate

    return generate(tmp_path_factory.mktemp("landscape"))
