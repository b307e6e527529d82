"""Which of several ways to run a model is the fastest that gives the same classes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import BackendError
from ..model import ModelSpec
from .agreement import SAME_CLASSES, equal_share
from .protocol import Arrays, Priority
from .queue import first_line
from .runner import Runner

WORTH = 2.0
"""Times as fast as the reference that another way must be: the choice is part of the numeric kind, so
it must not hang on what else the computer does meanwhile."""

_ROUNDS = 3
_LONG_S = 1.0


@dataclass(frozen=True)
class Candidate:
    """A way to run a model.

    Args:
        device: what is chosen where it wins.
        label: for people.
        open: loads the model; raises where that does not work.
        fault: why it need not be tried; empty where it must be.
    """

    device: str
    label: str
    open: Callable[[], Runner]
    fault: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a trial found.

    Args:
        device: of the candidate to use.
        remarks: why others are not used, such as ``CUDA: libcudart.so.12 cannot be opened``.
    """

    device: str
    remarks: tuple[str, ...] = ()


class NotStartedError(BackendError):
    """A device that is listed does not work.

    Attributes:
        reason: the part of the message that says why.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


_lock = threading.Lock()
_known: dict[Hashable, Outcome] = {}


def fastest(key: Hashable, spec: ModelSpec, reference: Candidate, candidates: Sequence[Candidate]) -> Outcome:
    """Try candidates against a reference by a real chip, once in a process for each key.

    Nothing is loaded where no candidate can be tried.

    Args:
        key: what the outcome holds for.
        spec: of the model.
        reference: works, and gives the right classes.
        candidates: the most promising first.
    """
    if not candidates:
        return Outcome(reference.device)
    key = (os.getpid(), key)
    with _lock:
        if key not in _known:
            _known[key] = _try(spec, reference, candidates)
        return _known[key]


def trial_chip(spec: ModelSpec) -> npt.NDArray[Any]:
    """``(1, band, row, col)`` hills and valleys with some texture, always of the same pixels."""
    row, col = np.mgrid[: spec.chip, : spec.chip]
    bands = [
        0.5
        + 0.32 * np.sin(col / (17 + 9 * n) + n) * np.cos(row / (23 + 5 * n))
        + 0.08 * np.sin(row * col / 300 + n)
        for n in range(len(spec.bands))
    ]
    picture = np.stack(bands)[None]
    scaled = picture if np.dtype(spec.dtype).kind == "f" else picture * 255
    chip: npt.NDArray[Any] = scaled.astype(spec.dtype)
    return chip


def _try(spec: ModelSpec, reference: Candidate, candidates: Sequence[Candidate]) -> Outcome:
    remarks: dict[str, str] = {}
    opened: list[tuple[Candidate, Runner]] = []
    try:
        for candidate in candidates:
            try:
                if candidate.fault:
                    remarks[candidate.device] = candidate.fault
                else:
                    opened.append((candidate, candidate.open()))
            except Exception as e:  # whatever a driver raises, the reference still works
                remarks[candidate.device] = getattr(e, "reason", "") or first_line(e)
        rates = _rates(spec, reference, opened, remarks) if opened else {}
    finally:
        for _, runner in opened:
            runner.close()
    best = max(rates, key=lambda device: rates[device], default="")
    chosen = best if best and rates[best] >= WORTH else reference.device
    for device, rate in rates.items():
        if device != chosen:
            remarks[device] = f"{rate:.1f} x the speed of the {reference.label}"
    said = tuple(f"{c.label}: {remarks[c.device]}" for c in candidates if c.device in remarks)
    return Outcome(chosen, said)


def _rates(
    spec: ModelSpec,
    reference: Candidate,
    opened: Sequence[tuple[Candidate, Runner]],
    remarks: dict[str, str],
) -> dict[str, float]:
    """How many times as fast as the reference each candidate is that gives the same classes."""
    chip = trial_chip(spec)
    base = reference.open()
    try:
        wanted, first_s = _run(base, spec, chip)
        agreeing = []
        for candidate, runner in opened:
            try:
                share = equal_share(_run(runner, spec, chip)[0], wanted)
            except Exception as e:  # a runtime's own errors are of any class
                remarks[candidate.device] = getattr(e, "reason", "") or first_line(e)
                continue
            if share >= SAME_CLASSES:
                agreeing.append((candidate.device, runner))
            else:
                remarks[candidate.device] = f"only {100 * share:.1f} % of its classes are the CPU's"
        taken = {device: float("inf") for device, _ in agreeing}
        slow = first_s
        # in turns, so that what else the computer does falls upon all of them
        for _ in range(1 if first_s > _LONG_S else _ROUNDS):
            for device, runner in agreeing:
                taken[device] = min(taken[device], _run(runner, spec, chip)[1])
            if agreeing and first_s <= _LONG_S:
                slow = min(slow, _run(base, spec, chip)[1])
        return {device: slow / max(seconds, 1e-6) for device, seconds in taken.items()}
    finally:
        base.close()


def _run(runner: Runner, spec: ModelSpec, chip: npt.NDArray[Any]) -> tuple[Arrays, float]:
    started = time.perf_counter()
    outputs = ("classes",) if "classes" in spec.outputs else spec.outputs[:1]
    answer = runner.run(chip, outputs, Priority.LIVE)
    return answer, time.perf_counter() - started
