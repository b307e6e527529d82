from __future__ import annotations

import pytest

from landcover_plugin.core.backends import addresses as module
from landcover_plugin.core.backends import open_backend
from landcover_plugin.core.backends.addresses import Address, read_addresses, warn_of_open_addresses
from landcover_plugin.core.errors import BackendError
from tests.fake_backend import fake_spec


def test_a_list_of_servers_is_read() -> None:
    found = read_addresses("http://a:8000, https://b/prefix/?binary=1,grpc://[::1]:8001,")
    assert found == (
        Address("http://a:8000"),
        Address("https://b/prefix", True),
        Address("grpc://[::1]:8001"),
    )
    assert [a.host for a in found] == ["a", "b", "::1"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("http://", "names no host"),
        ("ftp://a", "must begin with http"),
        ("http://a:8000,b:8000", "must begin"),
        ("http://me:hush@a:8000", "no place in it"),
        ("http://a:99999", "not an address"),
        ("http://a?key=hush", "only option is 'binary'"),
        ("http://a#hush", "must not have a '#'"),
        ("http://a b", "names no host"),
        ("grpc://a", "needs a port"),
        ("http://a,http://a", "twice"),
        (",", "holds 0 addresses"),
    ],
)
def test_a_wrong_address_is_one_sentence_without_what_may_be_secret(text: str, sentence: str) -> None:
    with pytest.raises(BackendError, match=sentence) as found:
        read_addresses(text)
    assert "hush" not in str(found.value) and str(found.value).endswith(".")


def test_a_password_in_open_backends_url_is_not_shown() -> None:
    with pytest.raises(BackendError) as found:
        open_backend("http://me:hush@a:8000", fake_spec())
    assert "hush" not in str(found.value)


def test_plain_connections_to_other_hosts_are_warned_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_warned", set())
    said: list[str] = []
    servers = read_addresses(
        "http://127.0.0.1:1,http://localhost:1,http://[::1]:1,https://far,http://near,grpc://x:1"
    )
    for _ in range(2):
        warn_of_open_addresses(servers, said.append)
    assert len(said) == 1 and "unencrypted to near, x;" in said[0] and "\n" not in said[0]
