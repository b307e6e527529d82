"""Requests that schemathesis makes up from ``openapi.json``, which describes ``landcover serve``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.tiny_model import write_tiny_model

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("starlette")
pytest.importorskip("prometheus_client")
pytest.importorskip("schemathesis", reason="schemathesis is not installed")

import schemathesis
from schemathesis import checks
from schemathesis.config import SchemathesisConfig

from landcover_plugin.server.app import make_app
from landcover_plugin.server.inference import Limits
from landcover_plugin.server.metrics import make_metrics
from landcover_plugin.server.models import ServedModels
from tests.server.serving import served

BEARER = "a bearer of the tests"
schema = schemathesis.openapi.from_dict(
    json.loads((Path(__file__).parent / "openapi.json").read_text("utf-8")), config=SchemathesisConfig(seed=1)
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    spec = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny", halo=1, tile=64)
    models = ServedModels()
    models.load("tiny", spec, "onnxruntime:cpu")
    limits = Limits(body_bytes=1 << 20, json_bytes=1 << 18, pending=4, body_s=2.0)
    with served(make_app(models, bearer=BEARER, limits=limits, metrics=make_metrics())) as address:
        yield address


@schema.parametrize()
@settings(max_examples=100, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_no_request_finds_a_fault(case: Any, url: str) -> None:
    response = case.call(base_url=url, headers={"Authorization": f"Bearer {BEARER}"})
    case.validate_response(
        response,
        checks=[
            checks.not_a_server_error,
            checks.status_code_conformance,
            checks.content_type_conformance,
            checks.response_schema_conformance,
            checks.response_headers_conformance,
        ],
    )
