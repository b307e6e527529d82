"""Figures for Prometheus, where the optional package prometheus_client is installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counts of one server. The event loop's thread calls it."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._registry = registry = client.CollectorRegistry()
        label = ["model"]
        self._requests = client.Counter(
            "landcover_requests", "Inferences asked for.", ["model", "status"], registry=registry
        )
        self._seconds = client.Histogram(
            "landcover_request_seconds", "From a request's head to its answer.", label, registry=registry
        )
        self._chips = client.Counter("landcover_chips", "Chips inferred.", label, registry=registry)
        self._pending = client.Gauge(
            "landcover_pending_requests",
            "Requests that wait, run or are being answered.",
            label,
            registry=registry,
        )

    def count(self, model: str, status: int, seconds: float, chips: int) -> None:
        """Count an inference that has been answered or refused."""
        self._requests.labels(model, str(status)).inc()
        self._seconds.labels(model).observe(seconds)
        self._chips.labels(model).inc(chips)

    def text(self, pending: Mapping[str, int]) -> bytes:
        """What Prometheus reads.

        Args:
            pending: requests of each model that wait, run or are being answered now.
        """
        for model, count in pending.items():
            self._pending.labels(model).set(count)
        found: bytes = self._client.generate_latest(self._registry)
        return found


def make_metrics() -> Metrics | None:
    """Metrics, or None where prometheus_client is not installed."""
    try:
        import prometheus_client
    except ImportError:
        return None
    return Metrics(prometheus_client)
