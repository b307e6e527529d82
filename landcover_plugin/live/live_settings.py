"""What the user set for live layers; kept in QGIS' settings, never in a project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QStandardPaths

PREFIX = "landcover/"
MEGABYTE = 1 << 20
_SMALLEST_MEMORY_MB = 64


@dataclass(frozen=True)
class LiveSettings:
    """Settings of live layers.

    Args:
        backend: URL of what runs models.
        memory_mb: bound of the tiles in memory.
        disk_mb: bound of the tiles on disk; 0 keeps none there.
        models_folder: the user's own models, empty for the usual place.
    """

    backend: str = "auto"
    memory_mb: int = 256
    disk_mb: int = 1024
    models_folder: str = ""


def read_settings() -> LiveSettings:
    """The settings as they are now; what is missing or makes no sense has its default."""
    settings, default = QgsSettings(), LiveSettings()
    return LiveSettings(
        str(settings.value(f"{PREFIX}backend", default.backend) or default.backend),
        max(_SMALLEST_MEMORY_MB, _number(settings.value(f"{PREFIX}memory_mb"), default.memory_mb)),
        max(0, _number(settings.value(f"{PREFIX}disk_mb"), default.disk_mb)),
        str(settings.value(f"{PREFIX}models_folder", "") or ""),
    )


def write_settings(new: LiveSettings) -> None:
    """Keep settings for this and later sessions."""
    settings = QgsSettings()
    settings.setValue(f"{PREFIX}backend", new.backend)
    settings.setValue(f"{PREFIX}memory_mb", new.memory_mb)
    settings.setValue(f"{PREFIX}disk_mb", new.disk_mb)
    settings.setValue(f"{PREFIX}models_folder", new.models_folder)


def _number(value: object, default: int) -> int:
    try:
        return default if value is None else int(str(value))
    except ValueError:
        return default


def cache_file() -> Path:
    """Where tiles are kept on disk."""
    folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.CacheLocation)
    return Path(folder) / "landcover" / "tiles.sqlite"
