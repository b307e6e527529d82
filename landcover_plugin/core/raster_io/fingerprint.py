"""Naming raster files: for people without secrets, for jobs with what tells a change."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable

_URL_SECRETS = re.compile(r"//[^/@\s]*@|[?&][^\s]*")


def public_name(path: str) -> str:
    """A path or URL without passwords or query."""
    return _URL_SECRETS.sub(lambda m: "//" if m.group().startswith("//") else "", path)


def short_reason(error: BaseException) -> str:
    """The first line of an error's text, without secrets; of its cause where it only points there."""
    while "previous exception" in str(error) and error.__cause__ is not None:
        error = error.__cause__
    lines = [line for line in str(error).splitlines() if line.strip()]
    return public_name(lines[0].strip().rstrip("."))[:200] if lines else type(error).__name__


FileStates = tuple[tuple[str, int, int], ...]
"""Name, bytes and time of the last change in nanoseconds of each file that is there."""

_MOST_WATCHED = 64


def file_states(names: Iterable[str]) -> FileStates:
    """What tells a change of files; those that are not there, or on no disk, are left out."""
    states = []
    for name in list(dict.fromkeys(names))[:_MOST_WATCHED]:
        if name.endswith(".aux.xml"):
            continue
        try:
            status = os.stat(name)
        except OSError:
            continue
        states.append((name, status.st_size, status.st_mtime_ns))
    return tuple(states)


def file_fingerprint(path: str, files: Iterable[str], geotransform: tuple[float, ...]) -> str:
    """Digest that changes when a raster, or a file that it is made of, changes.

    Args:
        path: as given.
        files: all files of the dataset; of a VRT its sources too.
        geotransform: GDAL's six numbers.
    """
    parts = [os.path.abspath(path) if os.path.exists(path) else path, repr(geotransform)]
    for name in sorted({path, *files}):
        # the table of classes beside a raster is not imagery, and QGIS rewrites it at will
        if name.endswith(".aux.xml"):
            continue
        try:
            status = os.stat(name)
        except OSError:
            parts.append(name)
        else:
            parts.append(f"{os.path.abspath(name)} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
