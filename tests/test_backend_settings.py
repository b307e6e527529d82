"""What the user set in QGIS reaches the core."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

if importlib.util.find_spec("qgis") is None:
    pytest.skip("QGIS' Python bindings are not here", allow_module_level=True)

from qgis.core import QgsSettings

from landcover_plugin import backend_settings
from landcover_plugin.backend_settings import CA_FILE, PYTHON, backend_url, configure_backends, worker_python
from landcover_plugin.core.backends import configure, settings
from landcover_plugin.live.live_settings import PREFIX
from landcover_plugin.server.environment import (
    disown_environments,
    finish_environment,
    next_folder,
    python_of,
)


@pytest.fixture(autouse=True)
def root(qgis_app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(backend_settings, "environments_folder", lambda: tmp_path / "env")
    monkeypatch.delenv("LANDCOVER_PYTHON", raising=False)
    yield tmp_path / "env"
    for key in (PYTHON, CA_FILE, f"{PREFIX}backend"):
        QgsSettings().remove(key)
    configure()


def test_a_python_that_was_named_goes_before_the_managed_one(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_backends()
    assert worker_python() is None
    folder = next_folder(root)
    python_of(folder).parent.mkdir(parents=True)
    python_of(folder).write_text("")
    finish_environment(folder, "cpu", {"python": "3.11", "onnxruntime": "1.31"})
    assert settings.worker_python() == str(python_of(folder)), "it is used at once"
    monkeypatch.setenv("LANDCOVER_PYTHON", "/named/by/the/environment")
    assert settings.worker_python() == "/named/by/the/environment"
    QgsSettings().setValue(PYTHON, "/named/in/the/settings")
    assert settings.worker_python() == "/named/in/the/settings"
    QgsSettings().remove(PYTHON)
    monkeypatch.delenv("LANDCOVER_PYTHON")
    disown_environments(root)
    assert settings.worker_python() is None


def test_jobs_that_say_auto_run_where_the_settings_say(root: Path) -> None:
    assert backend_url("") == backend_url(" auto ") == "auto"
    QgsSettings().setValue(f"{PREFIX}backend", "https://gpu:8000")
    assert backend_url("") == backend_url("AUTO") == "https://gpu:8000"
    assert backend_url("numpy:") == "numpy:"


def test_certificates_and_warnings_reach_the_core(root: Path, tmp_path: Path) -> None:
    QgsSettings().setValue(CA_FILE, str(tmp_path / "ca.pem"))
    said: list[str] = []
    configure_backends(said.append)
    assert settings.ca_file() == str(tmp_path / "ca.pem")
    assert settings.headers() == {}
    settings.warn("careful")
    assert said == ["careful"]
