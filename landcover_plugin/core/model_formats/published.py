"""Models that others published: downloaded where the user asks, checked, and imported."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import ModelError, OutputError
from ..model import ModelSpec

_LIST = Path(__file__).with_suffix(".json")
_TIMEOUT_S = (10, 60)
_PIECE = 1 << 16


def published_models() -> dict[str, dict[str, Any]]:
    """Where each published model lies, its size, SHA-256 and licence, by name."""
    found: dict[str, dict[str, Any]] = json.loads(_LIST.read_text("utf-8"))
    return found


def licence_of(sha256: str) -> str | None:
    """The licence of a published file, by its SHA-256."""
    return next((str(m["licence"]) for m in published_models().values() if m["sha256"] == sha256), None)


def get_model(
    name: str, folder: Path, *, base_url: str | None = None, window: int | None = None
) -> ModelSpec:
    """Download a published model, check its SHA-256 and import it.

    Args:
        name: one of :func:`published_models`.
        folder: of the model, to be made.
        base_url: of a mirror; what it serves must have the same SHA-256.
        window: see :func:`~landcover_plugin.core.model_formats.import_model`.

    Raises:
        ModelError: no such name, no connection, or another file than the published one.
        OutputError: the folder cannot be written, or holds something else.
    """
    from .folder import check_target
    from .importing import import_model

    known = published_models()
    if name not in known:
        raise ModelError(f"There is no published model '{name[:60]}'; there are {', '.join(known)}.")
    entry = known[name]
    check_target(Path(folder))
    with _room() as room:
        file = Path(room) / str(entry["file"])
        _download((base_url or str(entry["base_url"])).rstrip("/") + "/" + file.name, file, entry)
        return import_model(file, folder, window=window)


def _room() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="landcover-model-")
    except OSError as e:
        raise OutputError(f"There is no room for a download ({e.strerror or e}); free some space.") from e


def _download(url: str, file: Path, entry: dict[str, Any]) -> None:
    digest, size, most = hashlib.sha256(), 0, int(entry["bytes"])
    try:
        with file.open("wb") as out:
            for piece in _pieces(url):
                size += len(piece)
                if size > most:
                    raise ModelError(
                        f"{url} gives more than the {most} bytes that were published; try again later."
                    )
                digest.update(piece)
                out.write(piece)
    except OSError as e:
        raise OutputError(f"{url} cannot be stored ({e.strerror or e}); free some space.") from e
    if size < most:
        raise ModelError(f"{url} ended after {size} of {most} bytes; try again.")
    if digest.hexdigest() != entry["sha256"]:
        raise ModelError(f"{url} is not the file that was published (its SHA-256 differs); try again later.")


def _pieces(url: str) -> Iterator[bytes]:
    import requests

    try:
        with requests.get(url, timeout=_TIMEOUT_S, stream=True) as answer:
            if answer.status_code != requests.codes.ok:
                raise ModelError(f"{url} answers with status {answer.status_code}; try again later.")
            yield from answer.iter_content(_PIECE)
    except requests.RequestException as e:
        raise ModelError(f"{url} cannot be downloaded ({type(e).__name__}); check the connection.") from e
