from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("rasterio")

from landcover_plugin.core.backends import Backend, Priority, configure, open_backend, settings
from landcover_plugin.core.backends.addresses import read_addresses
from landcover_plugin.core.backends.fleet import FleetRunner, Patience
from landcover_plugin.core.backends.sharing import shared_backend
from landcover_plugin.core.classify import ClassifyOptions, classify
from landcover_plugin.core.errors import BackendError, LandcoverError
from landcover_plugin.core.raster_io import raster_io
from landcover_plugin.server.app import make_app
from landcover_plugin.server.models import ServedModel, ServedModels
from tests.core.backends import fault_proxy as faults
from tests.core.backends.fault_proxy import proxies
from tests.fake_backend import BANDS, LEGEND, FakeBackend, fake_spec
from tests.rasters import noise, read_raster, write_raster
from tests.server.serving import served

SPEC = fake_spec(bands=BANDS[:3])
SHORT = Patience(
    request=60, attempt=1.5, least_attempt=1.0, gone=2.5, probe=4.0, first_pause=0.02, longest_pause=0.3
)
_keys = itertools.count()


@contextlib.contextmanager
def server(spec: Any = SPEC, bearer: str | None = None, **options: Any) -> Iterator[tuple[str, FakeBackend]]:
    """A real server whose network is known."""
    backend = FakeBackend(spec, **options)
    models = ServedModels()
    models._models["fake"] = ServedModel("fake", spec, backend)
    with served(make_app(models, bearer=bearer)) as url:
        yield url, backend


def fleet(urls: str | list[str], patience: Patience = SHORT, spec: Any = SPEC) -> Backend:
    """What ``open_backend`` gives, with other patience, and shared with nobody."""
    addresses = read_addresses(urls if isinstance(urls, str) else ",".join(urls))
    return shared_backend(("test", next(_keys)), spec, lambda: FleetRunner(spec, addresses, patience))


def runner_of(backend: Any) -> FleetRunner:
    found: FleetRunner = backend._queue.runner
    return found


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_raster(tmp_path_factory.mktemp("image") / "a.tif", noise(3, 320, 260))


@pytest.fixture(scope="module")
def expected(image: Path) -> np.ndarray:
    return 1 + read_raster(image).argmax(axis=0)


def job(image: Path, out: Path, backend: Backend, **options: Any) -> Any:
    io = raster_io("rasterio")
    source = io.open(str(image))
    try:
        return classify(source, SPEC, backend, out, ClassifyOptions(**options), io=io)
    finally:
        source.close()


TILES = 5 * 5


# -- faults ----------------------------------------------------------------------------------------

EVERY_SEVENTH = {
    "connection refused": faults.refused,
    "reset in mid-body": faults.reset_in_mid_body,
    "500": faults.status(500),
    "503 with Retry-After": faults.status(503, Retry_After="0"),
    "503 with Retry-After of a second": faults.status(503, Retry_After="1"),
    "stall": faults.stall,
    "trickle": faults.trickle,
    "trickle of headers": faults.trickle_of_headers,
    "truncated tensors": faults.truncated_tensors,
    "wrong shapes": faults.wrong_shapes,
    "NaNs": faults.nans,
    "404": faults.status(404),
}


@pytest.mark.parametrize(
    ("name", "count"),
    [(name, 3) for name in EVERY_SEVENTH] + [(name, 1) for name in EVERY_SEVENTH if name != "404"],
)
def test_a_batch_job_is_whole_whatever_happens_on_the_way(name, count, image, expected, tmp_path) -> None:
    fault = EVERY_SEVENTH[name]
    is_slow = name in ("stall", "trickle", "trickle of headers", "503 with Retry-After of a second")
    sometimes = lambda n: fault if n > 1 and n % (20 if is_slow else 7) == 0 else None  # noqa: E731
    with server() as (url, _), proxies([url] * count, sometimes) as between:
        backend = fleet([p.url for p in between])
        try:
            options = (
                {"probabilities": tmp_path / "p.tif", "probability_dtype": "float32"}
                if name == "NaNs"
                else {}
            )
            result = job(image, tmp_path / "map.tif", backend, **options)
        finally:
            backend.close()
        assert sum(p.inferences for p in between) > TILES + count or is_slow
        chips = [chip for p in between for chip in p.answered if len(chip) == 3 * SPEC.chip**2]
    np.testing.assert_array_equal(read_raster(tmp_path / "map.tif")[0], expected)
    assert result.inferred == TILES and sum(result.pixels.values()) == 320 * 260
    assert len(chips) == TILES == len(set(chips)), "an answered request was sent again"


def test_a_server_is_left_alone_for_as_long_as_it_asks() -> None:
    asked: list[float] = []

    def full_once(number: int) -> Any:
        asked.append(time.monotonic())
        return faults.status(503, Retry_After="1") if number == 2 else None  # the first is the canary

    with server() as (url, _), proxies([url], full_once) as between:
        backend = fleet(between[0].url, replace(SHORT, longest_pause=5.0))
        try:
            backend.submit(np.zeros((1, 3, SPEC.chip, SPEC.chip), np.uint8)).result(10)
        finally:
            backend.close()
    assert len(asked) == 3 and 1.0 <= asked[2] - asked[1] < 5.0


def test_one_of_three_servers_dies_for_good(image, expected, tmp_path) -> None:
    with server(seconds=0.01) as (url, _), proxies([url] * 3, lambda n: None) as between:
        between[0].fault_of = lambda n: between[0].die() if n == 8 else None  # type: ignore[func-returns-value]
        backend = fleet([p.url for p in between])
        try:
            job(image, tmp_path / "map.tif", backend)
            dead = runner_of(backend).endpoints[0]
            assert "refused" in dead.aside
            assert between[0].inferences <= 12
            assert backend.in_flight >= 2
        finally:
            backend.close()
    np.testing.assert_array_equal(read_raster(tmp_path / "map.tif")[0], expected)


def test_a_server_that_says_ready_and_answers_500_is_not_used(image, expected, tmp_path) -> None:
    with server() as (url, _), proxies([url] * 2, lambda n: None) as between:
        between[0].fault_of = lambda n: faults.status(500)
        said: list[str] = []
        configure(warn=said.append)
        backend = fleet([p.url for p in between])
        try:
            job(image, tmp_path / "map.tif", backend)
            assert "500" in runner_of(backend).endpoints[0].aside
            assert len(said) == 1 and said[0].startswith("A server is not used until it answers: ")
            between[0].fault_of = lambda n: None  # it recovers
            wait_for(lambda: not runner_of(backend).endpoints[0].aside)
        finally:
            backend.close()
            configure()
    np.testing.assert_array_equal(read_raster(tmp_path / "map.tif")[0], expected)


@pytest.mark.parametrize("swapped", ["same shapes", "other tile"])
def test_a_server_that_swaps_its_model_is_set_aside(swapped, image, expected, tmp_path) -> None:
    other = fake_spec(
        bands=BANDS[:3],
        sha256="1" * 64,
        tile=64 if swapped == "same shapes" else 62,
        halo=9 if swapped == "other tile" else 8,
    )
    with (
        server() as (url, _),
        server(other, reach=5) as (changed, _),
        proxies([url] * 2, lambda n: None) as between,
    ):

        def swap(number: int) -> None:
            if number == 9:
                between[0].upstream = changed

        between[0].fault_of = swap  # type: ignore[assignment]
        backend = fleet([p.url for p in between])
        try:
            job(image, tmp_path / "map.tif", backend)
            wait_for(lambda: "model.json" in runner_of(backend).endpoints[0].aside)
        finally:
            backend.close()
    np.testing.assert_array_equal(read_raster(tmp_path / "map.tif")[0], expected)


def test_all_servers_dead_is_one_sentence_and_the_job_goes_on_later(image, expected, tmp_path) -> None:
    with server() as (url, network), proxies([url] * 2, lambda n: None) as between:
        for p in between:
            p.fault_of = lambda n, p=p: p.die() if n == 9 else None
        backend = fleet([p.url for p in between])
        try:
            started = time.monotonic()
            with pytest.raises(
                BackendError, match=r"^No inference server answers \(http://.*refused.*\); .*goes on"
            ):
                job(image, tmp_path / "map.tif", backend)
            assert time.monotonic() - started < 15
        finally:
            backend.close()
        assert not (tmp_path / "map.tif").exists()
        before = network.requests
        again = fleet(url)
        try:
            result = job(image, tmp_path / "map.tif", again)
        finally:
            again.close()
        assert result.resumed >= 10 and result.inferred + result.resumed == TILES
        assert network.requests - before == result.inferred + 1  # and the canary
    np.testing.assert_array_equal(read_raster(tmp_path / "map.tif")[0], expected)


def test_a_server_that_was_down_at_the_start_joins_when_it_comes() -> None:
    with server() as (url, _), proxies([url] * 2, lambda n: None) as between:
        port = between[1].port
        between[1].die()
        backend = fleet([p.url for p in between])
        try:
            late = runner_of(backend).endpoints[1]
            assert late.aside
            between[1].start(port)
            wait_for(lambda: not late.aside)
            assert late.facts is not None and late.facts.numeric_kind == backend.numeric_kind
        finally:
            backend.close()


def test_closing_ends_requests_that_wait_for_a_server() -> None:
    with server() as (url, _), proxies([url], lambda n: None) as between:
        backend = fleet(between[0].url, Patience(attempt=5, gone=60, first_pause=0.1))
        between[0].die()
        future = backend.submit(np.zeros((1, 3, SPEC.chip, SPEC.chip), np.uint8))
        time.sleep(0.2)
        assert not future.done()
        started = time.monotonic()
        backend.close()
        with pytest.raises(BackendError, match="closed"):
            future.result(2)
        assert time.monotonic() - started < 1


def test_a_live_request_does_not_wait_for_a_full_window() -> None:
    with server(seconds=0.1) as (url, network):
        backend = fleet(url)
        chips = np.zeros((1, 3, SPEC.chip, SPEC.chip), np.uint8)
        try:
            batch = [backend.submit(chips) for _ in range(12)]
            time.sleep(0.05)
            backend.submit(chips, priority=Priority.LIVE).result(5)
            assert sum(f.done() for f in batch) <= 4
            for future in batch:
                future.result(5)
            assert Priority.LIVE in network.priorities
        finally:
            backend.close()


# -- speed -----------------------------------------------------------------------------------------


def rate_of(count: int, seconds: float, requests: int) -> float:
    """Requests a second with endpoints that sleep."""
    with contextlib.ExitStack() as stack:
        urls = [stack.enter_context(server(seconds=seconds))[0] for _ in range(count)]
        backend = fleet(urls, Patience())
        stack.callback(backend.close)
        chips = np.zeros((1, 3, SPEC.chip, SPEC.chip), np.uint8)
        pending: set[Any] = set()
        sent = done = 0
        started = time.monotonic()
        while done < requests:
            while sent < requests and len(pending) < backend.in_flight:
                pending.add(backend.submit(chips))
                sent += 1
            finished = {f for f in pending if f.done()}
            done += len(finished)
            pending -= finished
            time.sleep(0.002)
        rate = done / (time.monotonic() - started)
        print(
            f"{count} endpoints: {rate:.1f}/s, windows {[e.window.size for e in runner_of(backend).endpoints]}"
        )
        return rate


def test_endpoints_add_up(capsys) -> None:
    seconds = 0.15
    with capsys.disabled():
        print()
        one, two = (rate_of(n, seconds, 24 * n) for n in (1, 2))
        eight = 0.0
        for _ in range(3):  # other programs can only make it slower
            eight = max(eight, rate_of(8, seconds, 24 * 8))
            if eight >= 7 * one:
                break
        print(f"one {one:.2f}/s (of {1 / seconds:.2f}); two {two / one:.2f} x; eight {eight / one:.2f} x")
    assert one > 0.75 / seconds  # a busy machine takes its share
    assert two >= 1.8 * one
    assert eight >= 7 * one


# -- what is agreed at the start -------------------------------------------------------------------


def test_the_fleet_is_open_backends_http_and_has_the_servers_kind(image, expected, tmp_path) -> None:
    with server() as (url, _):
        backend = open_backend(url, SPEC)
        try:
            assert backend.numeric_kind == "fake"
            assert backend.description.startswith("landcover ") and backend.description.endswith(url)
            job(image, tmp_path / "map.tif", backend)
        finally:
            backend.close()
    np.testing.assert_array_equal(read_raster(tmp_path / "map.tif")[0], expected)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sha256": "1" * 64}, "another SHA-256"),
        ({"bands": BANDS}, "chips has the shape"),
        ({"dtype": "float32"}, "chips is UINT8, not FP32"),
        ({"legend": type(LEGEND)(LEGEND.classes[:2])}, "probabilities8 has the shape"),
        ({"name": "other"}, "404"),
    ],
)
def test_another_model_on_the_server_is_one_sentence(changes, sentence) -> None:
    wanted = fake_spec(**{"bands": BANDS[:3], **changes})
    with server() as (url, _), pytest.raises(LandcoverError, match=sentence) as found:
        fleet(url, spec=wanted)
    assert str(found.value).endswith(".")


def test_servers_that_give_other_classes_do_not_work_together() -> None:
    with server() as (a, _), server(reach=8) as (b, _):
        said: list[str] = []
        configure(warn=said.append)
        backend = fleet([a, b])
        backend.close()
        configure()
    assert "gives other classes than" in said[0] and b in said[0]


def test_a_server_that_tells_no_kind_gets_one_from_its_bits_not_its_address(monkeypatch) -> None:
    import landcover_plugin.server.app as app
    import landcover_plugin.server.inference as inference

    plain = lambda model: {k: v for k, v in inference.metadata(model).items() if k != "parameters"}  # noqa: E731
    monkeypatch.setattr(app, "metadata", plain)
    kinds = []
    for reach in (0, 0, 1):
        with server(reach=reach) as (url, _):
            backend = fleet(url)
            kinds.append(backend.numeric_kind)
            backend.close()
    assert kinds[0].startswith("remote-") and kinds[0] == kinds[1] != kinds[2]


@pytest.mark.parametrize("option", ["?binary=0", "?binary=1"])
def test_json_and_raw_tensors_give_the_same(option: str) -> None:
    chips = noise(3, SPEC.chip, SPEC.chip)[None]
    with server() as (url, network):
        backend = fleet(url + option)
        try:
            answer = backend.submit(chips, SPEC.outputs).result(10)
        finally:
            backend.close()
        own = network._answer(chips, SPEC.outputs, 0)
    for name in SPEC.outputs:
        np.testing.assert_array_equal(answer[name], own[name])


# -- secrets ---------------------------------------------------------------------------------------


def test_the_bearer_comes_from_a_named_file_and_is_never_shown(tmp_path, monkeypatch, caplog) -> None:
    bearer = "abc" * 9
    (tmp_path / "bearer").write_text(bearer + "\n")
    with server(bearer=bearer) as (url, _):
        with pytest.raises(BackendError, match="401"):
            fleet(url)
        monkeypatch.setenv(settings.BEARER_FILE_VARIABLE, str(tmp_path / "bearer"))
        backend = fleet(url)
        assert bearer not in backend.description + backend.numeric_kind
        backend.close()
        (tmp_path / "bearer").write_text("wrong" * 5)
        with pytest.raises(BackendError, match="401") as found:
            fleet(url)
    assert "wrong" not in str(found.value) and bearer not in caplog.text


@pytest.mark.parametrize("content", [b"", b"a b", b"\xff\xfe", b"x" * 20_000])
def test_a_file_that_holds_no_bearer_is_one_sentence_without_it(content, tmp_path, monkeypatch) -> None:
    (tmp_path / "bearer").write_bytes(content)
    monkeypatch.setenv(settings.BEARER_FILE_VARIABLE, str(tmp_path / "bearer"))
    with pytest.raises(BackendError, match="must hold one line"):
        fleet("http://127.0.0.1:9")


def test_what_is_opened_with_other_settings_is_not_shared() -> None:
    with server(bearer="let me in") as (url, _):
        configure(headers=lambda: {"Authorization": "Bearer let me in"})
        try:
            with contextlib.closing(open_backend(url, SPEC)) as first:
                with contextlib.closing(open_backend(url, SPEC)) as second:
                    assert runner_of(first) is runner_of(second)
                configure(headers=lambda: {"Authorization": "Bearer wrong"})
                with pytest.raises(BackendError, match="401"):
                    open_backend(url, SPEC)
        finally:
            configure()


def test_no_server_at_all_is_one_sentence_at_once() -> None:
    with pytest.raises(BackendError, match=r"^No answer from http://127.0.0.1:9 \(.*refused\)"):
        fleet("http://127.0.0.1:9")


def wait_for(condition: Any, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
