"""QGIS' proxy, for commands that download."""

from __future__ import annotations

from qgis.core import QgsNetworkAccessManager
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtNetwork import QNetworkProxy, QNetworkProxyFactory, QNetworkProxyQuery

from ..server.environment_plan import Proxy

_ASKED_FOR = "https://pypi.org/simple/"


def qgis_proxy() -> Proxy | None:
    """The proxy that QGIS would use for the internet, with what proves who asks; None without one.

    It holds secrets: for the environment of a command, nothing else. Main thread.
    """
    network = QgsNetworkAccessManager.instance()
    kinds = QNetworkProxy.ProxyType
    proxies = [network.fallbackProxy()]
    if network.useSystemProxy():
        proxies = QNetworkProxyFactory.systemProxyForQuery(QNetworkProxyQuery(QUrl(_ASKED_FOR)))
    for proxy in proxies:
        if proxy.type() in (kinds.HttpProxy, kinds.HttpCachingProxy, kinds.Socks5Proxy) and proxy.hostName():
            return Proxy(_url_of(proxy, kinds.Socks5Proxy), ",".join(_excluded(network)))
    return None


def _url_of(proxy: QNetworkProxy, socks: QNetworkProxy.ProxyType) -> str:
    url = QUrl()
    url.setScheme("socks5h" if proxy.type() == socks else "http")
    url.setHost(proxy.hostName())
    url.setPort(proxy.port())
    if proxy.user():
        url.setUserName(proxy.user(), QUrl.ParsingMode.DecodedMode)
        url.setPassword(proxy.password(), QUrl.ParsingMode.DecodedMode)
    return str(bytes(url.toEncoded(QUrl.ComponentFormattingOption.FullyEncoded)), "ascii")


def _excluded(network: QgsNetworkAccessManager) -> list[str]:
    """Hosts that QGIS reaches without the proxy."""
    urls = [*network.excludeList(), *network.noProxyList()]
    return [QUrl(url).host() or url for url in urls if url]
