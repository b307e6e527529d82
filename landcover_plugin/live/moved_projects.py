"""Projects that move together with their imagery: live layers find it as QGIS' own layers do.

In memory a live layer's source names its imagery by an absolute path. In a project file it also says where
that lies seen from the project, as ``near``; on reading, what is found there is taken, else the absolute
path stays.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote

from qgis.core import QgsPathResolver, QgsProject, QgsProviderMetadata

from ..core.errors import LandcoverError
from .uri import LiveUri, parse_uri

ASKS_PROVIDERS = hasattr(QgsProviderMetadata, "absoluteToRelativeUri")
"""Whether QGIS asks providers about paths (since 3.30); else it has hooks for all paths of a project."""


def for_project(text: str, paths: Any) -> str:
    """What a project file holds of a live layer's source.

    Args:
        text: the source in memory.
        paths: of the project (a QgsPathResolver).
    """
    uri = _uri(text)
    if uri is None or uri.provider != "gdal":
        return text
    near = paths.writePath(uri.source)
    return f"near={quote(near, safe='/.')}&{uri.text()}" if near.startswith((".", "..")) else uri.text()


def from_project(text: str, paths: Any) -> str:
    """The source in memory of what a project file holds.

    Args:
        text: from the project.
        paths: of the project (a QgsPathResolver).
    """
    uri = _uri(text)
    if uri is None:
        return text
    near = dict(parse_qsl(text)).get("near", "")
    if near.startswith("."):
        found = paths.readPath(near)
        if os.path.isabs(found) and os.path.exists(found.split("|", maxsplit=1)[0]):
            uri = replace(uri, source=found)
    return uri.text()


def _uri(text: str) -> LiveUri | None:
    """A live layer's source, None for any other path."""
    if "&model=" not in text or "source=" not in text:
        return None
    try:
        return parse_uri(text)
    except LandcoverError:
        return None


class PathHooks:
    """For QGIS before 3.30: sees each path of a project as it is read and written. Main thread only."""

    def __init__(self) -> None:
        self._reader = self._writer = ""
        if not ASKS_PROVIDERS:
            self._reader = QgsPathResolver.setPathPreprocessor(self._read)
            self._writer = QgsPathResolver.setPathWriter(self._write)

    def _read(self, text: str) -> str:
        return from_project(text, QgsPathResolver(QgsProject.instance().absoluteFilePath()))

    def _write(self, text: str) -> str:
        project = QgsProject.instance()
        return for_project(text, project.pathResolver()) if project.fileName() else text

    def end(self) -> None:
        """See no more paths."""
        if self._reader:
            QgsPathResolver.removePathPreprocessor(self._reader)
            QgsPathResolver.removePathWriter(self._writer)
            self._reader = ""
