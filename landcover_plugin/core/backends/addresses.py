"""Addresses of inference servers, as the user writes them: ``http://a:8000,https://b:8000``."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

from ..errors import BackendError

SCHEMES = ("http", "https", "grpc", "grpcs")
_MOST = 1024
_warned: set[str] = set()


@dataclass(frozen=True)
class Address:
    """One server.

    Args:
        url: scheme, host, port and path, without a slash at its end.
        binary: whether tensors go as raw bytes; None leaves it to what the server announces.
    """

    url: str
    binary: bool | None = None

    @property
    def scheme(self) -> str:
        """One of :data:`SCHEMES`."""
        return self.url.partition(":")[0]

    @property
    def host(self) -> str:
        """Its name or number."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_open_to_others(self) -> bool:
        """Whether requests cross a network unencrypted."""
        return self.scheme in ("http", "grpc") and not is_loopback(self.host)


def read_addresses(text: str) -> tuple[Address, ...]:
    """The servers of a list parted by commas.

    ``?binary=1`` behind an address sends raw tensors to a server that does not announce them,
    ``?binary=0`` never does.

    Raises:
        BackendError: says what is wrong with which address.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or len(parts) > _MOST:
        raise BackendError(f"The list of servers holds {len(parts)} addresses; give 1 to {_MOST}.")
    found = [_read_address(part) for part in parts]
    if len({address.url for address in found}) < len(found):
        raise BackendError("The list of servers names one of them twice; name each once.")
    return tuple(found)


def warn_of_open_addresses(addresses: tuple[Address, ...], warn: Callable[[str], None]) -> None:
    """Say once a process which hosts get imagery unencrypted."""
    hosts = sorted({a.host for a in addresses if a.is_open_to_others} - _warned)
    if hosts:
        _warned.update(hosts)
        shown = ", ".join(hosts[:5]) + (f" and {len(hosts) - 5} more" if len(hosts) > 5 else "")
        warn(
            f"Imagery and the bearer, where one is set, travel unencrypted to {shown}; use https:// or "
            "grpcs:// outside of a network that you trust."
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this computer."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_address(text: str) -> Address:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as e:
        raise _wrong(text, "it is not an address") from e
    if parts.scheme not in SCHEMES:
        raise _wrong(text, f"it must begin with {'://, '.join(SCHEMES)}://")
    if "@" in parts.netloc:
        raise _wrong(text, "a name or password has no place in it; put the bearer into a file")
    if not host or any(c.isspace() or not c.isprintable() for c in text):
        raise _wrong(text, "it names no host")
    if parts.fragment:
        raise _wrong(text, "it must not have a '#'")
    if parts.scheme.startswith("grpc") and (port is None or parts.path.strip("/")):
        raise _wrong(text, "gRPC needs a port and no path, such as grpc://host:8001")
    return Address(f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/"), _binary(parts, text))


def _binary(parts: SplitResult, text: str) -> bool | None:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    value = options.pop("binary", None)
    if options or value not in (None, "0", "1"):
        raise _wrong(text, "the only option is 'binary', 0 or 1")
    return None if value is None else value == "1"


def _wrong(text: str, what: str) -> BackendError:
    # only scheme and host are shown: what follows may be somebody's key
    shown = text.rpartition("@")[2].split("?")[0].split("#")[0][:80]
    return BackendError(f"The server's address '{shown}' is not one: {what}.")
