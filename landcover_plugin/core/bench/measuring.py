"""Chips a second of a backend that is kept at a number of requests in flight."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from ..backends import Backend, open_backend
from ..errors import BackendError, LandcoverError
from ..model import ModelSpec
from ..model_precision import precision_of
from .busy import busy_meter
from .result import Measurement, Point, Sample

_Say = Callable[[str], None]


@dataclass
class _Subject:
    """A model on a backend, and what was found so far."""

    spec: ModelSpec
    url: str
    backend: Backend
    points: list[Point]
    samples: dict[Point, list[Sample]] = field(default_factory=dict)


def measure(
    specs: Sequence[ModelSpec],
    backends: Sequence[str],
    *,
    in_flight: Sequence[int] = (1, 2, 4, 8),
    batches: Sequence[int] = (1,),
    seconds: float = 2.0,
    rounds: int = 3,
    say: _Say = lambda line: None,
    open_: Callable[[str, ModelSpec], Backend] = open_backend,
) -> list[Measurement]:
    """Measure every model on every backend.

    All backends are opened and warmed up first. Each round goes once through all, there and back: one
    number in flight on every backend, then the next, so that what else the computer does falls upon all
    backends alike and the same round of two can be compared.

    Args:
        specs: the models.
        backends: URLs, as :func:`open_backend` takes them.
        in_flight: requests that are kept under way.
        batches: chips a request.
        seconds: of one sample, at least; each holds at least twice as many answers as requests in flight.
        rounds: samples of a point.
        say: takes remarks: a backend that cannot be opened, or fails, is left out.
        open_: opens a backend.

    Raises:
        BackendError: no backend could be measured.
    """
    subjects = _open(specs, backends, in_flight, batches, say, open_)
    try:
        for subject in list(subjects):
            _run_or_drop(subject, subjects, say, lambda s: _warm_up(s, seconds))
        for n in range(rounds):
            say(f"Round {n + 1} of {rounds}.")
            turns = [(s, batch, f) for batch in batches for f in in_flight for s in subjects]
            for subject, batch, flight in turns if n % 2 == 0 else reversed(turns):
                if subject in subjects:
                    point = Point(subject.spec.name, subject.url, flight, batch)
                    _run_or_drop(subject, subjects, say, partial(_sample, point=point, seconds=seconds))
    finally:
        for subject in subjects:
            subject.backend.close()
    if not subjects:
        raise BackendError("No backend could be measured; check their addresses.")
    return [_measurement(subject, point) for subject in subjects for point in subject.points]


def keep_busy(
    backend: Backend,
    chips: Sequence[npt.NDArray[Any]],
    outputs: Sequence[str],
    in_flight: int,
    seconds: float,
) -> tuple[float, float]:
    """Keep a number of requests under way for a time.

    Args:
        backend: what answers.
        chips: of the requests, taken in turns.
        outputs: asked for.
        in_flight: requests.
        seconds: after which no more are sent.

    Returns:
        Chips a second, from the end of the first ``in_flight`` answers to the last; and the median
        seconds of an answer.

    Raises:
        LandcoverError: of the first request that fails.
    """
    done: SimpleQueue[tuple[Future[Any], float, float]] = SimpleQueue()
    sent = 0

    def send() -> None:
        nonlocal sent
        started = time.perf_counter()
        future = backend.submit(chips[sent % len(chips)], outputs)
        sent += 1
        future.add_done_callback(lambda f: done.put((f, started, time.perf_counter())))

    first = time.perf_counter()
    for _ in range(in_flight):
        send()
    ends: list[float] = []
    latencies: list[float] = []
    while len(ends) < sent:
        future, started, ended = done.get()
        future.result()
        ends.append(ended)
        latencies.append(ended - started)
        if ended - first < seconds or sent < 3 * in_flight:
            send()
    counted = len(ends) - in_flight
    rate = counted * len(chips[0]) / max(ends[-1] - ends[in_flight - 1], 1e-9)
    return rate, median(latencies[in_flight:])


def _open(
    specs: Sequence[ModelSpec],
    backends: Sequence[str],
    in_flight: Sequence[int],
    batches: Sequence[int],
    say: _Say,
    open_: Callable[[str, ModelSpec], Backend],
) -> list[_Subject]:
    subjects = []
    for spec in specs:
        for url in backends:
            try:
                backend = open_(url, spec)
            except LandcoverError as e:
                say(f"{spec.name} on {url} is left out: {e}")
                continue
            points = [Point(spec.name, url, n, batch) for batch in batches for n in in_flight]
            subjects.append(_Subject(spec, url, backend, points))
    return subjects


def _run_or_drop(
    subject: _Subject, subjects: list[_Subject], say: _Say, run: Callable[[_Subject], None]
) -> None:
    try:
        run(subject)
    except LandcoverError as e:
        say(f"{subject.spec.name} on {subject.url} is left out: {e}")
        subjects.remove(subject)
        subject.backend.close()


def _warm_up(subject: _Subject, seconds: float) -> None:
    """First answers are slow, and a fleet finds out how much its servers take."""
    for batch in {point.batch for point in subject.points}:
        most = max(point.in_flight for point in subject.points)
        keep_busy(subject.backend, _chips(subject.spec, batch), _outputs(subject.spec), most, seconds)


def _sample(subject: _Subject, point: Point, seconds: float) -> None:
    chips = _chips(subject.spec, point.batch)
    with busy_meter(subject.backend, subject.url) as busy:
        rate, latency = keep_busy(subject.backend, chips, _outputs(subject.spec), point.in_flight, seconds)
    subject.samples.setdefault(point, []).append(Sample(rate, latency, busy.share))


def _chips(spec: ModelSpec, batch: int) -> list[npt.NDArray[Any]]:
    """A few requests of noise; what a network costs does not depend on what it sees."""
    random = np.random.default_rng(0)
    shape = (batch, len(spec.bands), spec.chip, spec.chip)
    requests = [random.integers(0, 256, shape, np.uint8).astype(spec.dtype) for _ in range(2)]
    return [r / r.dtype.type(255) for r in requests] if requests[0].dtype.kind == "f" else requests


def _outputs(spec: ModelSpec) -> tuple[str, ...]:
    return ("classes",) if "classes" in spec.outputs else spec.outputs[:1]


def _measurement(subject: _Subject, point: Point) -> Measurement:
    backend = subject.backend
    return Measurement(
        point,
        tuple(subject.samples[point]),
        backend.numeric_kind,
        backend.description,
        precision_of(subject.spec),
        subject.spec.tile,
        busy_meter(backend, subject.url).what,
    )
