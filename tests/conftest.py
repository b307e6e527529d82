"""What tests of several rooms share."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests.last_failure import forget_last_failure

if TYPE_CHECKING:
    from landcover_plugin.training.landscape import Landscape

settings.register_profile("untimed", deadline=None)  # how long an example takes is not what a test is about
settings.load_profile("untimed")

_MASTER_PASSWORD = "opens the tests' store"


@pytest.fixture(autouse=True, scope="session")
def nothing_outlives_qgis(request: pytest.FixtureRequest) -> Iterator[None]:
    """Layers that a failed test left are gone before QGIS is."""
    if request.config.pluginmanager.hasplugin("pytest_qgis"):
        request.getfixturevalue("qgis_app")
    yield
    forget_last_failure()


@pytest.fixture
def auth_manager(qgis_app: Any, pytestconfig: pytest.Config) -> Any:
    """QGIS' store of passwords, open; a master password that an older run gave it is taken away."""
    from qgis.core import QgsApplication

    manager = QgsApplication.authManager()
    if manager.isDisabled():
        pytest.skip("this QGIS has no authentication database here")
    if not manager.setMasterPassword(_MASTER_PASSWORD, True):
        database = Path(manager.authenticationDatabasePath())
        assert pytestconfig.rootpath in database.parents, f"{database} is no test's, so it is left alone"
        with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as store:
            store.execute("DELETE FROM auth_pass")
        assert manager.setMasterPassword(_MASTER_PASSWORD, True)
    return manager


@pytest.fixture(scope="session")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> Landscape:
    """The sample scene at both dates: 1024 × 1024 px of 1 m, with its truth."""
    from landcover_plugin.training.landscape import generate

    return generate(tmp_path_factory.mktemp("landscape"))
