"""Sign-in to servers by QGIS' authentication configurations."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from typing import Any

import pytest

if importlib.util.find_spec("qgis") is None:
    pytest.skip("QGIS' Python bindings are not here", allow_module_level=True)

from qgis.core import QgsApplication, QgsAuthMethodConfig, QgsSettings

from landcover_plugin.core.errors import BackendError
from landcover_plugin.sign_in import SIGN_IN, SignIn, fault_of


@pytest.fixture
def store(auth_manager: Any) -> Iterator[Any]:
    manager = auth_manager
    stored: list[str] = []

    def make(method: str, **values: str) -> str:
        config = QgsAuthMethodConfig(method)
        config.setName(f"a {method} configuration")
        for key, value in values.items():
            config.setConfig(key, value)
        manager.storeAuthenticationConfig(config)
        stored.append(config.id())
        QgsSettings().setValue(SIGN_IN, config.id())
        return str(config.id())

    yield make
    QgsSettings().remove(SIGN_IN)
    for config_id in stored:
        manager.removeAuthenticationConfig(config_id)


def test_without_a_configuration_there_are_no_headers(qgis_app: Any) -> None:
    QgsSettings().remove(SIGN_IN)
    assert SignIn().headers() == {}
    assert fault_of("") == ""


def test_a_password_becomes_a_header_in_any_thread_and_a_new_one_is_seen_after_forgetting(store: Any) -> None:
    config_id = store("Basic", username="ann", password="bee")
    assert fault_of(config_id) == ""
    sign_in = SignIn()
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(sign_in.headers()))
    thread.start()
    thread.join()
    assert found == [{"Authorization": "Basic YW5uOmJlZQ=="}]
    QgsApplication.authManager().removeAuthenticationConfig(config_id)
    assert sign_in.headers() == found[0], "it is good for a while"
    sign_in.forget()
    with pytest.raises(BackendError, match=f"'{config_id}' is not in QGIS' database"):
        sign_in.headers()


def test_another_configuration_is_used_at_once(store: Any) -> None:
    store("Basic", username="ann", password="bee")
    sign_in = SignIn()
    first = sign_in.headers()
    store("Basic", username="eve", password="bee")
    assert sign_in.headers() != first


@pytest.mark.parametrize("method", ["PKI-Paths", "PKI-PKCS#12", "Identity-Cert"])
def test_client_certificates_are_refused_in_one_sentence(store: Any, method: str) -> None:
    store(method, certpath="/c.pem", keypath="/k.pem", bundlepath="/b.p12", certid="1")
    with pytest.raises(BackendError, match=f"'{method}' is not possible here.*choose a configuration"):
        SignIn().headers()
