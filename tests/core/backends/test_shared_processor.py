"""Who runs in which session, and when."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from landcover_plugin.core.backends import Priority, open_backend
from landcover_plugin.core.backends.shared_processor import LIGHT_S, SharedProcessor
from landcover_plugin.core.model_library import find_model


def processor(threads: int = 8, *, light: bool = True) -> SharedProcessor:
    """One whose sessions are the numbers of their threads."""
    made = SharedProcessor(lambda count: count, threads)
    made.weigh(LIGHT_S / threads if light else LIGHT_S)
    return made


def test_a_heavy_network_runs_one_request_at_a_time_on_all_threads():
    heavy = processor(8, light=False)
    assert heavy.ways == 1
    with heavy.session(is_live=False) as session:
        assert session == 8


@pytest.mark.parametrize(("threads", "ways", "each"), [(1, 1, 1), (2, 2, 1), (4, 4, 1), (8, 4, 5)])
def test_a_light_network_runs_several_and_all_threads_are_busy(threads: int, ways: int, each: int):
    """The threads that call work too, beside those of the session."""
    light = processor(threads)
    assert light.ways == ways
    with light.session(is_live=False) as session:
        assert session == each


def test_a_live_request_that_finds_nothing_under_way_has_the_processor_alone():
    light = processor()
    order: list[str] = []

    def batch() -> None:
        with light.session(is_live=False) as session:
            order.append(f"batch on {session}")

    with light.session(is_live=True) as session:
        other = threading.Thread(target=batch)
        other.start()
        other.join(0.1)
        order.append(f"live on {session}")
    other.join(10)
    assert order == ["live on 8", "batch on 5"]


def test_a_live_request_beside_others_shares_the_processor():
    light = processor()
    with light.session(is_live=False), light.session(is_live=True) as session:
        assert session == 5


@pytest.mark.parametrize(("queued", "session_of_last"), [(0, 8), (1, 5)])
def test_a_live_request_behind_which_nothing_waits_has_all_threads_too(queued: int, session_of_last: int):
    light = processor()
    light.follow(lambda: queued)
    with light.session(is_live=False), light.session(is_live=True) as last:
        assert last == session_of_last
        with light.session(is_live=True) as one_more:
            assert one_more == 5, "two runs on all threads are slower than two that share them"
        with light.session(is_live=False) as batch:
            assert batch == 5, "a job's bits hang on nothing else"


@pytest.mark.parametrize("name", ["naip-landcover", "naip-landcover-8bit", "rgb-landcover"])
def test_the_shipped_models_are_light_and_give_the_same_bits_in_either_session(name: str):
    """What one chip at a time gives by all threads is what many give side by side."""
    spec = find_model(name)
    backend = open_backend("onnxruntime:cpu", spec)
    assert backend.in_flight > 2
    rng = np.random.default_rng(1)
    chips = rng.integers(0, 256, (6, len(spec.bands), spec.chip, spec.chip), np.uint8)
    alone = [backend.submit(c[None], spec.outputs, Priority.LIVE).result(60) for c in chips]
    futures = [backend.submit(c[None], spec.outputs, Priority.BATCH) for c in chips]
    for one, many in zip(alone, (f.result(60) for f in futures)):
        for output in spec.outputs:
            assert np.array_equal(one[output], many[output])
    backend.close()
