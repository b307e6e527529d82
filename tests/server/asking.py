"""``python -m tests.server.asking URL FOLDER PRIORITY AT_ONCE ANSWERS``: a client of a server that others use.

It asks once, says so, waits for a line on its standard input, and keeps so many requests under way
until it has so many answers, or, for 0, until the input ends. It prints when each was asked and answered.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from landcover_plugin.core.backends import Priority
from landcover_plugin.core.backends.remote import InferenceClient
from landcover_plugin.core.model import read_model


def main(url: str, folder: str, priority: str, at_once: str, answers: str) -> None:
    spec = read_model(Path(folder))
    client = InferenceClient(url, connections=int(at_once), use_environment=False)
    chips = np.zeros((1, len(spec.bands), spec.chip, spec.chip), np.uint8)
    asked: list[tuple[float, float]] = []
    stop = threading.Event()

    def ask() -> None:
        started = time.monotonic()
        client.infer(
            spec.name, chips, ("classes",), Priority[priority], deadline_s=120, answer_bytes=spec.tile**2
        )
        asked.append((started, time.monotonic()))

    def keep_asking() -> None:
        while not stop.is_set():
            ask()
            if 0 < int(answers) <= len(asked):
                stop.set()

    ask()
    asked.clear()
    print("ready", flush=True)
    sys.stdin.readline()
    threads = [threading.Thread(target=keep_asking) for _ in range(int(at_once))]
    for thread in threads:
        thread.start()
    if not int(answers):
        sys.stdin.readline()
        stop.set()
    for thread in threads:
        thread.join()
    print(json.dumps(asked))


class Asked(NamedTuple):
    """What a live view and a batch job saw of one another.

    Args:
        live: seconds that the view's answers took.
        batch: seconds that the job's answers took meanwhile.
        passed_by: answers to the job between each question of the view and its answer.
    """

    live: list[float]
    batch: list[float]
    passed_by: list[int]


def ask_together(url: str, folder: Path, live: int, batch: int, answers: int) -> Asked:
    """Keep a live view and a batch job asking.

    Args:
        url: of the server.
        folder: of the model.
        live: requests that the view keeps under way.
        batch: requests that the job keeps under way.
        answers: that the view waits for.
    """
    view = _start(url, folder, Priority.LIVE, live, answers)
    job = _start(url, folder, Priority.BATCH, batch, 0)
    try:
        for process in (view, job):
            assert process.stdout and process.stdin
            assert process.stdout.readline() == "ready\n"
            process.stdin.write("\n")
            process.stdin.flush()
        # the clock is the computer's, so the two can be compared
        seen, done = (json.loads(process.communicate(timeout=240)[0]) for process in (view, job))
    finally:
        for process in (view, job):
            process.kill()
            process.wait()
    begin = max(min(answered for _, answered in asked) for asked in (seen, done))
    end = max(answered for _, answered in seen)
    in_time = [[b - a for a, b in asked if begin <= b <= end] for asked in (seen, done)]
    passed_by = [sum(a < end < b for _, end in done) for a, b in seen if begin <= b]
    return Asked(*in_time, passed_by)


def _start(url: str, folder: Path, priority: Priority, at_once: int, answers: int) -> subprocess.Popen[str]:
    arguments = [url, str(folder), priority.name, str(at_once), str(answers)]
    command = [sys.executable, "-m", "tests.server.asking", *arguments]
    pipe, root = subprocess.PIPE, Path(__file__).parents[2]
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=root)


if __name__ == "__main__":
    main(*sys.argv[1:])
