from __future__ import annotations

import csv
import io
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from landcover_plugin.core.bench import FPGA_POST, Measurement, Point, Sample, as_csv, as_text, chart, measure
from landcover_plugin.core.bench.busy import busy_meter
from landcover_plugin.core.bench.measuring import keep_busy
from landcover_plugin.core.errors import BackendError
from tests.fake_backend import FakeBackend, fake_spec

SERVICE_S = 0.02


class Sleeping:
    """A backend with so many ways, each of which takes its time for a request."""

    numeric_kind, description = "sleeping-float32", "Sleeping"

    def __init__(
        self, ways: int = 1, fail_at: int = 0, said: list[str] | None = None, name: str = ""
    ) -> None:
        self._pool = ThreadPoolExecutor(ways)
        self.fail_at, self.said, self.name = fail_at, said, name
        self.requests = self.under_way = self.most = 0
        self.closed = False
        self._lock = threading.Lock()

    def submit(self, chips: Any, outputs: Any) -> Future[Any]:
        self.requests += 1
        with self._lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        if self.said is not None and self.said[-1:] != [self.name]:
            self.said.append(self.name)
        return self._pool.submit(self._answer, self.requests, len(chips))

    def _answer(self, number: int, count: int) -> Any:
        time.sleep(SERVICE_S)
        with self._lock:
            self.under_way -= 1
        if number == self.fail_at:
            raise BackendError("It broke.")
        return {"classes": np.zeros(count, np.uint8)}

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def spec(tmp_path: Path) -> Any:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "model.onnx").write_bytes(b"float")
    return replace(fake_spec(), folder=tmp_path)


CHIPS = [np.zeros((1, 4, 80, 80), np.uint8)]


@pytest.mark.parametrize(("ways", "in_flight"), [(1, 1), (1, 4), (4, 1), (4, 4)])
def test_the_rate_is_that_of_the_ways_in_use(ways: int, in_flight: int) -> None:
    backend = Sleeping(ways)
    rate, latency = keep_busy(backend, CHIPS, ("classes",), in_flight, 0.5)
    # other programs may make it slower, but Little's law holds: in flight = rate x latency
    assert rate <= 1.01 * min(ways, in_flight) / SERVICE_S
    assert latency >= 0.99 * SERVICE_S * max(1, in_flight / ways)
    assert 0.5 * in_flight < rate * latency < 2 * in_flight
    assert backend.most == in_flight and backend.under_way == 0


def test_a_batch_counts_its_chips_and_a_slow_backend_gets_three_rounds_of_requests() -> None:
    backend = Sleeping()
    rate, latency = keep_busy(backend, [np.zeros((5, 4, 80, 80), np.uint8)], ("classes",), 2, 0.0)
    assert backend.requests == 6
    assert rate <= 5.05 / SERVICE_S and 0.5 * 5 * 2 < rate * latency < 2 * 5 * 2


def test_backends_are_measured_in_turns_and_one_that_fails_is_left_out(spec: Any) -> None:
    said: list[str] = []
    order: list[str] = []
    made: dict[str, Sleeping] = {}

    def open_(url: str, spec: Any) -> Any:
        if url == "closed":
            raise BackendError("No answer.")
        made[url] = Sleeping(fail_at=7 if url == "broken" else 0, said=order, name=url)
        return made[url]

    urls = ["a", "b", "closed", "broken"]
    found = measure(
        [spec], urls, in_flight=(1, 2), batches=(1, 3), seconds=0.05, rounds=3, say=said.append, open_=open_
    )
    assert [m.point for m in found] == [Point("fake", u, n, b) for u in "ab" for b in (1, 3) for n in (1, 2)]
    assert all(len(m.samples) == 3 and m.precision == "float32" and m.chip_px == 64 for m in found)
    # each number in flight on both, there, back, and there again; 26 if it were always there
    assert [u for u in order if u != "broken"] == ["a", "b"] * 12
    assert (
        "fake on closed is left out: No answer." in said and "fake on broken is left out: It broke." in said
    )
    assert all(backend.closed for backend in made.values())
    assert found[2].chips_s > found[0].chips_s  # three chips a request


def test_nothing_to_measure_is_one_sentence(spec: Any) -> None:
    def open_(url: str, spec: Any) -> Any:
        raise BackendError("No answer.")

    with pytest.raises(BackendError, match=r"^No backend could be measured; .*\.$"):
        measure([spec], ["a"], open_=open_)


def measurement(rates: list[float], in_flight: int = 1, busy: float | None = 0.5, **changes: Any) -> Any:
    samples = tuple(Sample(rate, in_flight / rate, busy) for rate in rates)
    point = Point("m", "http://a,b & c", in_flight, 1)
    values = {"point": point, "samples": samples, "numeric_kind": "kind", "description": "A server",
              "precision": "float32", "chip_px": 500, "busy_of": "CPU", **changes}  # fmt: skip
    return Measurement(**values)


FOUND = [measurement([9.0, 10.0, 14.0]), measurement([18.0, 20.0, 22.0], 2, busy=None)]


def test_the_table_has_medians_spreads_and_the_published_figures_marked_as_such() -> None:
    lines = as_text(FOUND).splitlines()
    assert lines[1].split()[-8:] == ["1", "10", "9-14", "2.5", "100", "CPU", "50", "%"]
    assert lines[2].split()[-6:] == ["2", "20", "18-22", "5", "100", "-"]
    assert "busy -: not measured." in lines
    (note,) = [line for line in lines if "305,000 chips/s over 800 services" in line]
    assert (
        note.startswith("For comparison, another network on other hardware: ") and "ResNet-50, 224 px" in note
    )
    assert "20 chips/s of 500 px: 0.052 times as many as one such service" in lines[-1]


def test_the_csv_holds_the_same() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(FOUND))))
    assert [row["chips_per_s"] for row in rows] == ["10", "20", "381"]
    assert rows[0]["chips_per_s_rounds"] == "9 10 14"
    assert rows[0]["chips_per_s_least"] == "9" and rows[0]["busy_share"] == "0.500"
    assert (
        rows[1]["busy_share"] == ""
        and rows[1]["latency_ms"] == "100"
        and rows[1]["backend"] == "http://a,b & c"
    )
    assert rows[2]["model"] == "ResNet-50" and rows[2]["note"] == FPGA_POST.note


def test_the_picture_shows_a_line_a_series_with_more_higher_up() -> None:
    more = [measurement([2.0, 3.0], n, point=Point("n", "numpy:", n, 1), precision="int8") for n in (1, 2)]
    root = ElementTree.fromstring(chart(FOUND + more))
    name = "{http://www.w3.org/2000/svg}"
    lines = [
        [tuple(map(float, p.split(","))) for p in line.get("points", "").split()]
        for line in root.iter(f"{name}polyline")
    ]
    texts = [text.text or "" for text in root.iter(f"{name}text")]
    assert [len(line) for line in lines] == [2, 2]
    first, second = lines[0]
    assert first[0] < second[0] and first[1] > second[1]
    assert min(y for _, y in lines[1]) > max(y for _, y in lines[0])
    assert "m, http://a,b & c, float32" in texts and "n, numpy:, int8" in texts
    assert any("381 chips/s" in t and "another network, other hardware" in t for t in texts)
    assert any(t.startswith("Mpx/s") for t in texts)
    other = [*FOUND, measurement([5.0], chip_px=64, point=Point("o", "a", 1, 1))]
    assert "Mpx/s" not in chart(other)  # chips of two sizes have no scale in common


# -- busy ------------------------------------------------------------------------------------------


def backend_of(kind: str, description: str = "") -> Any:
    backend = FakeBackend(fake_spec())
    backend.numeric_kind, backend.description = kind, description
    return backend


def test_the_processor_of_this_process_is_measured() -> None:
    with busy_meter(backend_of("numpy-float32"), "numpy:") as busy:
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass
    assert busy.what == "CPU" and busy.share is not None and 0.0 < busy.share <= 1.0
    with busy_meter(backend_of("numpy-float32"), "numpy:") as idle:
        time.sleep(0.2)
    assert idle.share is not None and idle.share < busy.share


def test_a_gpu_is_asked_through_nvml_where_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = iter([20, 60] * 1000)
    nvml = SimpleNamespace(
        nvmlInit=lambda: None, nvmlDeviceGetCount=lambda: 1, nvmlDeviceGetHandleByIndex=lambda n: n,
        nvmlDeviceGetUtilizationRates=lambda d: SimpleNamespace(gpu=next(shares)), NVMLError=OSError,
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.setattr("landcover_plugin.core.bench.busy._EVERY_S", 0.01)
    cuda = backend_of("onnxruntime-cuda-float32")
    for url in ("onnxruntime:cuda", "http://127.0.0.1:8000"):
        with busy_meter(cuda, url) as busy:
            time.sleep(0.3)
        assert busy.what == "GPU" and busy.share is not None and 0.2 <= busy.share <= 0.6
    for url in ("http://gpu:8000", "https://gpu"):
        with busy_meter(cuda, url) as busy:
            pass
        assert busy.share is None and busy.what == ""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with busy_meter(cuda, "onnxruntime:cuda") as busy:
        pass
    assert busy.share is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "worker:"])
def test_the_processor_of_others_is_not_measured(url: str) -> None:
    with busy_meter(backend_of("onnxruntime-cpu-float32", "Worker process, X"), url) as busy:
        pass
    assert busy.share is None and busy.what == ""
