from __future__ import annotations

import builtins
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landcover_plugin.core.backends import Priority, configure, open_backend
from landcover_plugin.core.backends.grpc import GrpcClient
from landcover_plugin.core.backends.remote import ConnectionLostError, RefusedError
from landcover_plugin.core.errors import BackendError
from tests.core.backends.test_fleet import SHORT, fleet
from tests.fake_backend import BANDS, FakeBackend, fake_spec
from tests.grpc_server import serving_grpc

SPEC = fake_spec(bands=BANDS[:3])
CHIPS = np.random.default_rng(0).integers(0, 256, (1, 3, SPEC.chip, SPEC.chip), np.uint8)


def test_without_tritonclient_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name.startswith("tritonclient"):
            raise ImportError("No module named 'tritonclient'")
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        BackendError, match=r"^gRPC needs the package tritonclient \(.*\); install tritonclient"
    ):
        open_backend("grpc://127.0.0.1:9", SPEC)


@pytest.fixture
def server() -> Any:
    """A gRPC server of the protocol; gives its URL and what answers."""
    network = FakeBackend(SPEC)
    with serving_grpc(SPEC, network) as (url, service, grpc):
        yield url, service, network, grpc


def test_answers_are_matched_by_name_and_equal_the_networks(server: Any) -> None:
    url, _, network, _ = server
    backend = fleet(url, SHORT, SPEC)
    try:
        answer = backend.submit(CHIPS, SPEC.outputs).result(10)
    finally:
        backend.close()
    for name, array in network._answer(CHIPS, SPEC.outputs, 0).items():
        np.testing.assert_array_equal(answer[name], array)


def ask(client: GrpcClient, deadline_s: float = 5.0) -> Any:
    return client.infer("fake", CHIPS, ("classes",), Priority.LIVE, deadline_s=deadline_s, answer_bytes=9999)


def test_faults_are_told_apart(server: Any) -> None:
    url, service, _, grpc = server
    client = GrpcClient(url, headers=lambda: {"Authorization": "Bearer abc"})
    codes = grpc.StatusCode
    cases = [
        (lambda c: c.abort(codes.UNAVAILABLE, "Exceeds maximum queue size"), RefusedError, 503),
        (lambda c: c.abort(codes.INVALID_ARGUMENT, "bad shape"), RefusedError, 400),
        (lambda c: c.abort(codes.INTERNAL, "stub is not healthy"), RefusedError, 500),
        (lambda c: c.abort(codes.UNAUTHENTICATED, "who?"), RefusedError, 401),
        (lambda c: c.abort(codes.UNAVAILABLE, "going away"), ConnectionLostError, None),
        (lambda c: time.sleep(0.6), ConnectionLostError, None),
    ]
    try:
        for fault, kind, status in cases:
            service.fault = fault
            with pytest.raises(kind, match=r"^[A-Za-z].*\.$") as found:
                ask(client, 0.3 if status is None else 5.0)
            assert getattr(found.value, "status", None) == status
            assert "abc" not in str(found.value)
        assert set(service.bearers) == {"Bearer abc"}
    finally:
        client.close()


def test_nobody_there_and_an_unknown_model_are_one_sentence(server: Any) -> None:
    with pytest.raises(BackendError, match=r"^No answer from grpc://127.0.0.1:9 .*running\.$"):
        fleet("grpc://127.0.0.1:9", SHORT, SPEC)
    with pytest.raises(RefusedError, match="unknown model"):
        fleet(server[0], SHORT, fake_spec(name="other", bands=BANDS[:3]))


def test_tls_is_checked_with_the_users_own_certificates(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, so there is no certificate to test with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(
        [*make.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60
    )
    network = FakeBackend(SPEC)
    with serving_grpc(SPEC, network, (key.read_bytes(), certificate.read_bytes())) as (url, service, _):
        with pytest.raises(BackendError, match=rf"^No answer from {url} "):
            fleet(url, SHORT, SPEC)  # signed by nobody whom anybody knows
        configure(ca_file=str(certificate), headers=lambda: {"Authorization": "Bearer abc"})
        try:
            with pytest.raises(BackendError, match=r"^No answer from grpc://"):
                fleet(url.replace("grpcs", "grpc"), SHORT, SPEC)
            assert service.bearers == []
            backend = fleet(url, SHORT, SPEC)
            answer = backend.submit(CHIPS, SPEC.outputs).result(10)
            backend.close()
        finally:
            configure()
    assert set(service.bearers) == {"Bearer abc"}
    for name, array in network._answer(CHIPS, SPEC.outputs, 0).items():
        np.testing.assert_array_equal(answer[name], array)


def test_the_benchmark_measures_it(server: Any, tmp_path: Path) -> None:
    from landcover_plugin.core.bench import measure

    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "model.onnx").write_bytes(b"float")
    spec = replace(SPEC, folder=tmp_path)
    (found,) = measure([spec], [server[0]], in_flight=(2,), seconds=0.1, rounds=2)
    assert found.chips_s > 1 and found.busy is None and "peer 1" in found.description
