"""QGIS' proxy, for requests and commands that do not go through QGIS' own network classes."""

from __future__ import annotations

from collections.abc import Callable

from qgis.core import QgsNetworkAccessManager
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtNetwork import QNetworkProxy, QNetworkProxyFactory, QNetworkProxyQuery

from .core.backends.addresses import is_loopback
from .server.environment_plan import Proxy

_PACKAGES = "https://pypi.org/simple/"


def proxy_for_packages() -> Proxy | None:
    """The proxy for downloads from the internet; None without one.

    It holds secrets: for the environment of a command, nothing else. Main thread.
    """
    url = proxy_finder()(_PACKAGES)
    excluded = [QUrl(prefix).host() or prefix for prefix in _excluded()]
    return Proxy(url, ",".join(excluded)) if url else None


def proxy_finder() -> Callable[[str], str | None]:
    """What gives the URL of the proxy for an address, from any thread, with QGIS' settings of now.

    Main thread. The URLs may hold a name and a password.
    """
    network = QgsNetworkAccessManager.instance()
    uses_system, own, excluded = network.useSystemProxy(), network.fallbackProxy(), tuple(_excluded())

    def find(address: str) -> str | None:
        url = QUrl(address)
        if is_loopback(url.host()) or address.startswith(excluded):
            return None
        proxies = [own]
        if uses_system:
            proxies = QNetworkProxyFactory.systemProxyForQuery(QNetworkProxyQuery(url))
        return next(filter(None, map(_url_of, proxies)), None)

    return find


def _url_of(proxy: QNetworkProxy) -> str:
    """The proxy's address; empty where it is none of those that others understand."""
    kinds = QNetworkProxy.ProxyType
    schemes = {kinds.HttpProxy: "http", kinds.HttpCachingProxy: "http", kinds.Socks5Proxy: "socks5h"}
    scheme = schemes.get(proxy.type())
    if scheme is None or not proxy.hostName():
        return ""
    url = QUrl()
    url.setScheme(scheme)
    url.setHost(proxy.hostName())
    url.setPort(proxy.port())
    if proxy.user():
        url.setUserName(proxy.user(), QUrl.ParsingMode.DecodedMode)
        url.setPassword(proxy.password(), QUrl.ParsingMode.DecodedMode)
    return str(bytes(url.toEncoded(QUrl.ComponentFormattingOption.FullyEncoded)), "ascii")


def _excluded() -> list[str]:
    """Beginnings of addresses that QGIS reaches without the proxy."""
    network = QgsNetworkAccessManager.instance()
    return [prefix for prefix in (*network.excludeList(), *network.noProxyList()) if prefix]
