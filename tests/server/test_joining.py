from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from landcover_plugin.core.backends import Priority
from landcover_plugin.core.errors import OptionError
from landcover_plugin.server.joining import JoiningBackend
from tests.fake_backend import FakeBackend, fake_spec


def chips(spec: Any, count: int = 1, seed: int = 0) -> np.ndarray:
    shape = (count, len(spec.bands), spec.chip, spec.chip)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


class Gate:
    """A backend whose answers come when the test says so."""

    description = numeric_kind = "gate"
    in_flight = 1

    def __init__(self) -> None:
        self.inner = FakeBackend(fake_spec())
        self.runs: list[tuple[int, Priority, Future[Any]]] = []
        self.chips: list[np.ndarray] = []

    def submit(self, chips: np.ndarray, outputs: Any, priority: Priority) -> Future[Any]:
        future: Future[Any] = Future()
        self.runs.append((len(chips), priority, future))
        self.chips.append(chips)
        return future

    def answer(self, run: int, outputs: tuple[str, ...] = ("classes",)) -> None:
        self.runs[run][2].set_result(self.inner._answer(self.chips[run], outputs, 0))

    def close(self) -> None:
        self.inner.close()


def test_requests_that_came_while_the_network_ran_go_together_live_first() -> None:
    spec = fake_spec()
    gate = Gate()
    joining = JoiningBackend(gate, 4)
    pictures = [chips(spec, 1, n) for n in range(8)]
    futures = [joining.submit(p) for p in pictures[:5]]
    live = joining.submit(pictures[5], priority=Priority.LIVE)
    small = joining.submit(pictures[6][..., :64, :64])
    gone = joining.submit(pictures[7])
    gone.cancel()
    for run in range(4):
        gate.answer(run)
    assert [(n, p) for n, p, _ in gate.runs] == [
        (1, Priority.BATCH),
        (1, Priority.LIVE),
        (4, Priority.BATCH),
        (1, Priority.BATCH),
    ]
    for picture, future in zip([*pictures[:6], pictures[6][..., :64, :64]], [*futures, live, small]):
        own = gate.inner._answer(picture, ("classes",), 0)["classes"]
        np.testing.assert_array_equal(future.result(0)["classes"], own)
    joining.close()


def test_an_error_of_a_run_reaches_all_who_were_in_it() -> None:
    gate = Gate()
    joining = JoiningBackend(gate, 4)
    futures = [joining.submit(chips(fake_spec(), seed=n)) for n in range(3)]
    for run in range(2):
        gate.runs[run][2].set_exception(OptionError("No."))
    assert [str(f.exception(0)) for f in futures] == ["No."] * 3
    joining.close()


def test_many_clients_at_once_get_each_their_own_answer() -> None:
    backend = FakeBackend(fake_spec(), seconds=0.005)
    joining = JoiningBackend(backend, 8)
    pictures = [chips(fake_spec(), 1 + n % 3, n) for n in range(64)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda p: joining.submit(p).result(20)["classes"], pictures))
    for picture, answer in zip(pictures, answers):
        np.testing.assert_array_equal(answer, backend._answer(picture, ("classes",), 0)["classes"])
    assert backend.requests < 50
    joining.close()
