"""The managed environment: a Python with ONNX Runtime that belongs to the plugin.

Below one root lie numbered folders. One is made while another may be in use; its marker is written
last, so a folder without one is half made. The one with the highest number that is whole counts.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MARKER = "landcover-environment.json"
LOG = "set-up.log"
_FORMAT = 1
_MAX_BYTES = 65_536


@dataclass(frozen=True)
class Environment:
    """An environment that is whole.

    Args:
        folder: it lies in.
        build: of ONNX Runtime, by its short name.
        versions: of Python and the packages, by name.
    """

    folder: Path
    build: str
    versions: Mapping[str, str]

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return python_of(self.folder)

    def describe(self) -> str:
        """For people: ``ONNX Runtime 1.31.1, Python 3.11.2``."""
        return f"ONNX Runtime {self.versions['onnxruntime']}, Python {self.versions['python']}"


def python_of(folder: Path) -> Path:
    """The interpreter of an environment in ``folder``."""
    return folder / "Scripts" / "python.exe" if sys.platform == "win32" else folder / "bin" / "python"


def find_environment(root: Path) -> Environment | None:
    """The environment that counts, None where there is none."""
    for folder in reversed(_folders(root)):
        found = _read(folder)
        if found is not None:
            return found
    return None


def next_folder(root: Path) -> Path:
    """Where the next environment is made; nothing is there yet."""
    last = max((int(folder.name) for folder in _folders(root)), default=0)
    return root / str(last + 1)


def finish_environment(folder: Path, build: str, versions: Mapping[str, str]) -> Environment:
    """Write the marker: what was made is whole, and counts from now on.

    Raises:
        OSError: it cannot be written.
    """
    content = {"format": _FORMAT, "build": build, "versions": dict(versions)}
    new = folder / f"{MARKER}.new"
    new.write_text(json.dumps(content, indent=1), "utf-8")
    os.replace(new, folder / MARKER)
    return Environment(folder, build, versions)


def disown_environments(root: Path) -> None:
    """Take the markers away: no environment counts any more, and all are to be removed."""
    for folder in _folders(root):
        with contextlib.suppress(OSError):
            (folder / MARKER).unlink()


def remove_environments(root: Path, keep: Path | None = None) -> bool:
    """Remove all environments but one, half-made ones too.

    Args:
        root: of the environments.
        keep: the one that stays.

    Returns:
        Whether all is gone: files in use stay on Windows, to be removed the next time.
    """
    gone = True
    for folder in _folders(root):
        if folder == keep:
            continue
        with contextlib.suppress(OSError):
            (folder / MARKER).unlink()
        shutil.rmtree(folder, ignore_errors=True)
        gone = gone and not folder.exists()
    return gone


def _folders(root: Path) -> list[Path]:
    """Numbered folders, the lowest first."""
    try:
        found = [entry for entry in root.iterdir() if entry.name.isdecimal() and len(entry.name) < 10]
    except OSError:
        return []
    return sorted((f for f in found if f.is_dir() and not f.is_symlink()), key=lambda f: int(f.name))


def _read(folder: Path) -> Environment | None:
    """The environment of a folder, None where it is not whole."""
    try:
        with (folder / MARKER).open("rb") as file:
            content = json.loads(file.read(_MAX_BYTES))
        versions = {str(k): str(v) for k, v in content["versions"].items()}
        build = str(content["build"])
        is_whole = content["format"] == _FORMAT and {"python", "onnxruntime"} <= versions.keys()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    # the Python that an environment was made from may be gone, with a link to nowhere left
    return Environment(folder, build, versions) if is_whole and python_of(folder).is_file() else None
