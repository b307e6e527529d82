"""How a service is asked: with the headers, name and password that its layer was given."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from qgis.core import QgsApplication, QgsDataSourceUri
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtNetwork import QNetworkReply, QNetworkRequest

from ..core.errors import ImageryError


@dataclass(frozen=True)
class ServiceAccess:
    """What a layer's data source says beside the address; never shown, never stored.

    Args:
        authcfg: an entry of QGIS' authentication database, empty where there is none.
        headers: names and values, such as the referer that a service wants.
        user: of HTTP basic authentication, where the data source itself holds one.
        password: to the user.
    """

    authcfg: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    user: str = ""
    password: str = ""

    @property
    def is_secret(self) -> bool:
        """Whether requests carry something that only this service may see."""
        return bool(self.authcfg or self.user or self.headers)

    def request(self, url: str, *, authenticated: bool = True) -> QNetworkRequest:
        """A request that may be answered from QGIS' network cache.

        Args:
            url: what is asked for.
            authenticated: whether ``authcfg`` goes in; not so where QGIS itself does that later.

        Raises:
            ImageryError: QGIS cannot authenticate it.
        """
        request = QNetworkRequest(QUrl(url))
        policy = QNetworkRequest.RedirectPolicy
        # what is secret must not follow a redirect to somebody else
        redirects = policy.SameOriginRedirectPolicy if self.is_secret else policy.NoLessSafeRedirectPolicy
        request.setAttribute(QNetworkRequest.Attribute.RedirectPolicyAttribute, redirects)
        request.setAttribute(
            QNetworkRequest.Attribute.CacheLoadControlAttribute, QNetworkRequest.CacheLoadControl.PreferCache
        )
        # not to be written there: QGIS has one cache for all threads, and Qt lets a cancelled request
        # free the file that another one for the same address is writing to, which ends the process
        request.setAttribute(QNetworkRequest.Attribute.CacheSaveControlAttribute, False)
        for name, value in self.headers:
            request.setRawHeader(name.encode(), value.encode())
        if self.authcfg and authenticated:
            allowed, request = QgsApplication.authManager().updateNetworkRequest(request, self.authcfg)
            if not allowed:
                raise ImageryError(
                    "QGIS could not use the authentication that the layer names; check it in QGIS' options."
                )
        elif self.user and not self.authcfg:
            token = base64.b64encode(f"{self.user}:{self.password}".encode())
            request.setRawHeader(b"Authorization", b"Basic " + token)
        return request

    def prepare(self, reply: QNetworkReply) -> None:
        """What some ways of authentication do to a reply that is under way."""
        if self.authcfg:
            QgsApplication.authManager().updateNetworkReply(reply, self.authcfg)


def access_of(uri: QgsDataSourceUri) -> ServiceAccess:
    """What a data source says of access."""
    headers: dict[str, str] = {}
    if hasattr(uri, "httpHeaders"):  # QGIS 3.26 and later
        headers = {str(k): str(v) for k, v in uri.httpHeaders().headers().items() if v}
    for key in ("referer", "http-header:referer"):
        if uri.param(key):
            headers["referer"] = uri.param(key)
    return ServiceAccess(uri.authConfigId(), tuple(sorted(headers.items())), uri.username(), uri.password())


def host_of(uri: str) -> str:
    """The host in a provider's URI, without the part before a placeholder; empty where there is none."""
    url = parse_qs(uri).get("url", [""])[0] or QgsDataSourceUri(uri).param("url")
    return urlsplit(url).netloc.rpartition("}")[2].rpartition("@")[2]
