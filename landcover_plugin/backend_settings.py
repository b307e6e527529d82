"""What the user set about backends: from QGIS' settings to the core, for every door inside QGIS."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

from qgis.core import QgsApplication, QgsSettings

from .core.backends.settings import PYTHON_VARIABLE, configure
from .live.live_settings import PREFIX, read_settings
from .qgis_proxy import proxy_finder
from .server.environment import Environment, find_environment
from .sign_in import SignIn

PYTHON = f"{PREFIX}worker_python"
CA_FILE = f"{PREFIX}server_ca_file"
WHEELS = f"{PREFIX}wheels_folder"

_sign_in = SignIn()


def configure_backends(warn: Callable[[str], None] | None = None) -> None:
    """Tell the core, at the start and whenever the settings have changed. Main thread.

    Args:
        warn: takes one line for the user, from any thread.
    """
    _sign_in.forget()
    configure(
        worker_python=worker_python,
        ca_file=str(QgsSettings().value(CA_FILE, "") or "") or None,
        headers=_sign_in.headers,
        proxy=proxy_finder(),
        warn=warn,
    )


def backend_url(asked: str) -> str:
    """The backend that a job asks for: the user's own choice of the settings page where it says ``auto``."""
    asked = asked.strip() or "auto"
    return read_settings().backend if asked.lower() == "auto" else asked


def environments_folder() -> Path:
    """Where managed environments lie, in the user's QGIS profile."""
    return Path(QgsApplication.qgisSettingsDirPath()) / "landcover" / "env"


def managed_environment() -> Environment | None:
    """The managed environment, None where none has been made."""
    return find_environment(environments_folder())


def named_python() -> str:
    """The worker's interpreter that the user named, empty where nobody did."""
    return str(QgsSettings().value(PYTHON, "") or "") or os.environ.get(PYTHON_VARIABLE, "")


def worker_python() -> str | None:
    """The worker's interpreter: the one that the user named, else the managed environment's. Any thread."""
    named = named_python()
    if named:
        return named
    environment = managed_environment()
    return str(environment.python) if environment else None


def has_own_runtime() -> bool:
    """Whether QGIS' own Python has ONNX Runtime; looks, but imports nothing."""
    return importlib.util.find_spec("onnxruntime") is not None


def has_fast_runtime() -> bool:
    """Whether ``auto`` finds more than NumPy."""
    return has_own_runtime() or worker_python() is not None
