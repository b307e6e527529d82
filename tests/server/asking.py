"""``python -m tests.server.asking URL FOLDER PRIORITY AT_ONCE SECONDS``: one client of a server that others use.

It asks once, says so, waits for a line on its standard input, keeps so many requests under way for
so long, and prints when each was asked and answered.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from landcover_plugin.core.backends import Priority
from landcover_plugin.core.backends.remote import InferenceClient
from landcover_plugin.core.model import read_model


def main(url: str, folder: str, priority: str, at_once: str, seconds: str) -> None:
    spec = read_model(Path(folder))
    client = InferenceClient(url, connections=int(at_once), use_environment=False)
    chips = np.zeros((1, len(spec.bands), spec.chip, spec.chip), np.uint8)
    asked: list[tuple[float, float]] = []

    def ask() -> None:
        started = time.monotonic()
        client.infer(
            spec.name, chips, ("classes",), Priority[priority], deadline_s=120, answer_bytes=spec.tile**2
        )
        asked.append((started, time.monotonic()))

    def keep_asking(end: float) -> None:
        while time.monotonic() < end:
            ask()

    ask()
    asked.clear()
    print("ready", flush=True)
    sys.stdin.readline()
    end = time.monotonic() + float(seconds)
    threads = [threading.Thread(target=keep_asking, args=(end,)) for _ in range(int(at_once))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(asked))


def ask_together(url: str, folder: Path, seconds: float, **at_once: int) -> dict[str, list[float]]:
    """The seconds that answers took while all clients asked, by the clients' priority."""
    running: dict[str, Any] = {}
    for priority, count in at_once.items():
        command = [
            sys.executable,
            "-m",
            "tests.server.asking",
            url,
            str(folder),
            priority,
            str(count),
            str(seconds),
        ]
        running[priority] = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    try:
        for process in running.values():
            assert process.stdout.readline() == "ready\n"
        for process in running.values():
            process.stdin.write("\n")
            process.stdin.flush()
        asked = {name: json.loads(process.communicate(timeout=240)[0]) for name, process in running.items()}
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    # the clock is the computer's, so processes can be compared
    begin = max(min(answered for _, answered in pairs) for pairs in asked.values())
    end = min(max(started for started, _ in pairs) for pairs in asked.values())
    return {name: [b - a for a, b in pairs if begin <= b <= end] for name, pairs in asked.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
