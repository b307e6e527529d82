"""What proves to a server who asks: a bearer from a named file, headers of the door, and a CA file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import BackendError
from . import settings

_MAX_BYTES = 16_384


def read_bearer() -> str | None:
    """The bearer from the file that the user named, or None.

    Raises:
        BackendError: the file cannot be read or holds no bearer; never quotes it.
    """
    path = settings.token_file()
    if path is None:
        return None
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as e:
        reason = getattr(e, "strerror", None) or "not a path"
        raise BackendError(
            f"The bearer's file {path} cannot be read ({reason}); check {settings.BEARER_FILE_VARIABLE}."
        ) from e
    try:
        bearer = content.decode("ascii").strip()
    except ValueError:
        bearer = ""
    if not bearer or len(content) > _MAX_BYTES or not bearer.isprintable() or " " in bearer:
        raise BackendError(
            f"The bearer's file {path} must hold one line of ASCII without spaces; write it anew."
        )
    return bearer


def read_ca_file() -> str | None:
    """The file of certificates that servers are checked with, or None for the system's.

    Raises:
        BackendError: there is no such file.
    """
    path = settings.ca_file()
    if path is not None and not Path(path).is_file():
        raise BackendError(
            f"The file of certificates {path} does not exist; check {settings.CA_FILE_VARIABLE}."
        )
    return path


def request_headers() -> Mapping[str, str]:
    """Headers that prove who asks, now; the door's own go before the bearer.

    Raises:
        BackendError: see :func:`read_bearer`.
    """
    headers = dict(settings.headers())
    bearer = read_bearer()
    if bearer and not any(name.lower() == "authorization" for name in headers):
        headers["Authorization"] = f"Bearer {bearer}"
    return headers
