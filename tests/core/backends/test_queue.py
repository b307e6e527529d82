from __future__ import annotations

import threading
import time
import weakref

import numpy as np
import pytest

from landcover_plugin.core.backends.protocol import Priority
from landcover_plugin.core.backends.queue import RequestQueue
from landcover_plugin.core.errors import BackendError, ModelError

LIVE, BATCH = Priority.LIVE, Priority.BATCH


class Oven:
    """A runner of known service time that writes down whom it served; it starts when it is lit."""

    description, numeric_kind, in_flight, concurrency = "an oven", "oven", 2, 1

    def __init__(self, service_s: float = 0.0, error: Exception | None = None) -> None:
        self.service_s, self.error = service_s, error
        self.lit, self.served, self.closed, self.busy = threading.Event(), [], 0, threading.Event()

    @property
    def batch_concurrency(self) -> int:
        return max(1, self.concurrency - 1)

    def run(self, chips, outputs, priority):
        self.busy.set()
        assert self.lit.wait(10)
        time.sleep(self.service_s)
        self.served.append((priority, int(chips[0])))
        if self.error:
            raise self.error
        return {"classes": chips + 1}

    def close(self) -> None:
        self.closed += 1


def busy_queue(oven: Oven) -> RequestQueue:
    """A queue whose thread is held by a first request, number -1."""
    queue = RequestQueue(oven)
    queue.submit(np.array([-1]), ["classes"], LIVE)
    assert oven.busy.wait(5)
    return queue


def test_an_answer_comes_from_the_runner() -> None:
    oven = Oven()
    oven.lit.set()
    queue = RequestQueue(oven)
    assert queue.submit(np.array([4]), ["classes"], BATCH).result(5)["classes"] == [5]
    queue.close()


def test_live_requests_overtake_batch_but_batch_gets_one_in_five() -> None:
    oven = Oven()
    queue = busy_queue(oven)
    futures = [queue.submit(np.array([n]), ["classes"], BATCH) for n in range(4)]
    futures += [queue.submit(np.array([100 + n]), ["classes"], LIVE) for n in range(12)]
    oven.lit.set()
    for future in futures:
        future.result(10)
    order = "".join("L" if priority is LIVE else "b" for priority, _ in oven.served[1:])
    assert order == "LLLbLLLLbLLLLbLb"  # the request that held the queue was a live one too
    for kind in (LIVE, BATCH):
        numbers = [n for priority, n in oven.served[1:] if priority is kind]
        assert numbers == sorted(numbers)
    queue.close()


def test_batch_alone_runs_without_pause_and_does_not_save_up_turns() -> None:
    oven = Oven()
    queue = busy_queue(oven)
    futures = [queue.submit(np.array([n]), ["classes"], BATCH) for n in range(6)]
    oven.lit.set()
    futures[2].result(10)
    live = queue.submit(np.array([100]), ["classes"], LIVE)
    live.result(10)
    for future in futures:
        future.result(10)
    assert [n for _, n in oven.served if n < 100] == [-1, 0, 1, 2, 3, 4, 5]
    queue.close()


def test_a_live_request_waits_for_at_most_the_request_that_runs() -> None:
    oven = Oven(service_s=0.05)
    oven.lit.set()
    queue = RequestQueue(oven)
    for n in range(20):
        queue.submit(np.array([n]), ["classes"], BATCH)
    started = time.monotonic()
    queue.submit(np.array([100]), ["classes"], LIVE).result(10)
    assert time.monotonic() - started < 0.05 * 2 + 0.04
    queue.close()


def test_a_cancelled_request_leaves_the_queue_and_frees_its_chips() -> None:
    oven = Oven()
    queue = busy_queue(oven)
    chips = np.array([7])
    gone = weakref.ref(chips)
    future = queue.submit(chips, ["classes"], BATCH)
    del chips
    assert len(queue) == 1
    assert future.cancel()
    assert len(queue) == 0
    assert gone() is None
    oven.lit.set()
    queue.submit(np.array([8]), ["classes"], BATCH).result(5)
    assert [n for _, n in oven.served] == [-1, 8]
    queue.close()


def test_closing_ends_what_runs_cancels_what_waits_and_closes_the_runner_once() -> None:
    oven = Oven()
    queue = RequestQueue(oven)
    running = queue.submit(np.array([1]), ["classes"], BATCH)
    assert oven.busy.wait(5)
    waiting = queue.submit(np.array([2]), ["classes"], BATCH)
    queue.close()
    assert waiting.cancelled()
    assert oven.closed == 0
    oven.lit.set()
    assert running.result(5)["classes"] == [2]
    queue.join(5)
    assert oven.closed == 1
    assert queue.is_done
    with pytest.raises(BackendError, match="closed; open it again"):
        queue.submit(np.array([3]), ["classes"], BATCH)


@pytest.mark.parametrize(
    ("raised", "kind", "sentence"),
    [
        (ModelError("It does not fit."), ModelError, r"^It does not fit\.$"),
        (MemoryError(), BackendError, "not enough memory"),
        (RuntimeError("CUDA error\nand a stack"), BackendError, r"^an oven failed \(CUDA error\); try"),
    ],
)
def test_a_failure_is_one_sentence_and_the_queue_goes_on(raised, kind, sentence) -> None:
    oven = Oven(error=raised)
    oven.lit.set()
    queue = RequestQueue(oven)
    with pytest.raises(kind, match=sentence):
        queue.submit(np.array([1]), ["classes"], BATCH).result(5)
    oven.error = None
    assert queue.submit(np.array([1]), ["classes"], BATCH).result(5)["classes"] == [2]
    queue.close()


def test_with_several_ways_one_is_kept_for_live_requests() -> None:
    oven = Oven()
    oven.concurrency = 3
    queue = RequestQueue(oven)
    for n in range(6):
        queue.submit(np.array([n]), ["classes"], BATCH)
    deadline = time.monotonic() + 5
    while len(queue) > 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(queue) == 4  # two run
    live = queue.submit(np.array([100]), ["classes"], LIVE)
    while not live.running() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert live.running()
    assert len(queue) == 4
    oven.lit.set()
    while len(oven.served) < 7 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(oven.served) == 7
    queue.close()
