"""``make soak-server``: ``landcover serve`` under 64 clients for ten minutes.

Chips of several models and sizes, alone and in fours, as raw tensors and as JSON, live and batch;
clients that go away in mid-request; and, on a model of its own, bursts above the queue's bound. Every
answer is compared with the classes of the same network in this process.

    python -m benchmarks.server_soak [--minutes 10] [--clients 64] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import requests

from landcover_plugin.core.backends import Priority, open_backend
from landcover_plugin.core.backends.answers import answer_bytes
from landcover_plugin.core.backends.remote import InferenceClient, RefusedError
from landcover_plugin.core.backends.tensors import HEADER_LENGTH, encode
from landcover_plugin.core.errors import LandcoverError
from landcover_plugin.core.model import ModelSpec
from landcover_plugin.core.model_library import find_model
from tests.tiny_model import write_tiny_model

QUEUE = 64
HELD_MB = 512  # of requests and answers, as the server's limits say
NETWORKS_MB = 300  # what the networks of this soak take for themselves once they have run
GROWTH_MB = 64
BURST = 3 * QUEUE
PATIENCE_S = 900.0
SHIPPED = ("naip-landcover", "rgb-landcover", "naip-scene")


@dataclass(frozen=True)
class Question:
    """A request whose answer is known."""

    spec: ModelSpec
    chips: npt.NDArray[Any]
    classes: npt.NDArray[Any]


@dataclass
class Tally:
    """What happened; guarded by its lock."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"live": [], "batch": []})
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, fault: str = "") -> None:
        with self.lock:
            self.counts[what] += 1
            if fault and len(self.faults) < 20:
                self.faults.append(fault)


def questions(specs: list[ModelSpec]) -> list[Question]:
    """Chips of every model: whole and smaller ones, alone and four together."""
    found = []
    for spec in specs:
        backend = open_backend("onnxruntime:cpu", spec)
        whole, step = spec.chip, max(spec.stride, 32)
        small = 2 * spec.halo + step
        shapes = [(1, whole), (1, whole)]
        if spec.task == "segmentation":
            shapes += [
                (1, small),
                (4, small),
                (1, (whole + small) // 2 // step * step + 2 * spec.halo % step),
            ]
        for n, (count, side) in enumerate(shapes):
            chips = np.random.default_rng(n).integers(0, 256, (count, len(spec.bands), side, side), np.uint8)
            found.append(Question(spec, chips, backend.submit(chips).result(120)["classes"]))
        backend.close()
    return found


def ask(url: str, known: list[Question], rng: random.Random, tally: Tally, end: float) -> None:
    """One client: a request after the other; one in twenty is broken off."""
    client = InferenceClient(url, use_environment=False)
    while time.monotonic() < end:
        question = rng.choices(known, [1 / question.chips.size for question in known])[0]
        priority = rng.choice([Priority.LIVE, Priority.BATCH, Priority.BATCH, Priority.BATCH])
        if rng.random() < 0.05:
            break_off(url, question, rng)
            tally.add("broken off by the client")
            continue
        is_small = question.chips.size < 100_000
        outputs = question.spec.outputs if rng.random() < 0.1 else ("classes",)
        limit = answer_bytes(question.spec, outputs, question.chips.shape)
        started = time.monotonic()
        try:
            answer = client.infer(
                question.spec.name,
                question.chips,
                outputs,
                priority,
                deadline_s=PATIENCE_S,
                answer_bytes=limit,
                binary=not (is_small and rng.random() < 0.2),
                sha256=question.spec.sha256,
            )
        except LandcoverError as e:
            tally.add("errors", str(e))
            continue
        with tally.lock:
            tally.seconds[priority.name.lower()].append(time.monotonic() - started)
        is_right = np.array_equal(answer["classes"], question.classes)
        tally.add("right answers" if is_right else "wrong answers")
    client.close()


def break_off(url: str, question: Question, rng: random.Random) -> None:
    """Send a request, or part of one, and go away: politely, or by a reset."""
    message = {"parameters": {"binary_data_output": True}}
    body, length = encode(message, "inputs", {"chips": question.chips}, {"chips": True})
    head = (
        f"POST /v2/models/{question.spec.name}/infer HTTP/1.1\r\nHost: a\r\n"
        f"Content-Length: {len(body)}\r\n{HEADER_LENGTH}: {length}\r\n\r\n"
    ).encode()
    host, port = url.partition("://")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=60) as line:
        try:
            line.sendall((head + body)[: rng.choice([20, len(head), len(head) + len(body) // 2, None])])
            time.sleep(rng.choice([0.0, 0.1, 2.0]))
        except OSError:
            return  # refused before it was sent
        if rng.random() < 0.5:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def burst(url: str, question: Question, tally: Tally) -> None:
    """Three times as many requests at once as may wait."""
    client = InferenceClient(url, use_environment=False, connections=BURST)

    def one(_: int) -> None:
        limit = answer_bytes(question.spec, ("classes",), question.chips.shape)
        try:
            answer = client.infer(
                question.spec.name, question.chips, ("classes",), Priority.BATCH,
                deadline_s=PATIENCE_S, answer_bytes=limit,
            )  # fmt: skip
        except RefusedError as e:
            is_as_promised = e.status == 503 and e.retry_after_s == 1
            tally.add(
                "503 with Retry-After" if is_as_promised else "errors", "" if is_as_promised else str(e)
            )
        except LandcoverError as e:
            tally.add("errors", str(e))
        else:
            is_right = np.array_equal(answer["classes"], question.classes)
            tally.add("right answers in bursts" if is_right else "wrong answers")

    with ThreadPoolExecutor(BURST) as pool:
        list(pool.map(one, range(BURST)))
    client.close()


def rss_mb(process: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def soak(url: str, process: int, known: list[Question], burst_at: Question, given: Any) -> dict[str, Any]:
    """Run it; the figures."""
    tally, memory = Tally(), [rss_mb(process)]
    started = time.monotonic()
    end = started + given.minutes * 60
    threads = [
        threading.Thread(target=ask, args=(url, known, random.Random(given.seed * 1000 + n), tally, end))
        for n in range(given.clients)
    ]
    for thread in threads:
        thread.start()
    next_burst = started + 5
    longest_health = 0.0
    while any(thread.is_alive() for thread in threads):
        time.sleep(1)
        memory.append(rss_mb(process))
        asked = time.monotonic()
        requests.get(f"{url}/v2/health/ready", timeout=60).raise_for_status()
        longest_health = max(longest_health, time.monotonic() - asked)
        if next_burst < time.monotonic() < end:
            burst(url, burst_at, tally)
            next_burst = time.monotonic() + max(20.0, given.minutes * 6)
    seconds = time.monotonic() - started
    fifth = max(1, len(memory) // 5)
    return {
        "clients": given.clients,
        "minutes": round(seconds / 60, 1),
        **tally.counts,
        "answers per second": round(sum(map(len, tally.seconds.values())) / seconds, 1),
        "seconds, median and 99 %": {
            name: [round(float(np.percentile(took, q)), 2) for q in (50, 99)]
            for name, took in tally.seconds.items()
            if took
        },
        "longest health check, s": round(longest_health, 2),
        "memory at the start, MB": round(memory[0]),
        "memory at most, MB": round(max(memory)),
        "memory, most of each fifth, MB": [round(max(memory[n * fifth : (n + 1) * fifth])) for n in range(5)],
        "open files at the end": len(os.listdir(f"/proc/{process}/fd")),
        "waiting at the end": waiting(url),
        "faults": tally.faults,
    }


def waiting(url: str) -> int:
    """Requests that the server still holds a little later."""
    from prometheus_client.parser import text_string_to_metric_families

    time.sleep(3)
    text = requests.get(f"{url}/metrics", timeout=60).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    return int(sum(sample.value for sample in families["landcover_pending_requests"].samples))


def complaints(result: dict[str, Any]) -> list[str]:
    """What must not have happened."""
    fifths = result["memory, most of each fifth, MB"]
    found = {
        "errors below the queue's bound": result.get("errors", 0),
        "wrong answers": result.get("wrong answers", 0),
        "no 503 above the bound": not result.get("503 with Retry-After"),
        "memory grew": fifths[-1] > max(fifths[1:3]) + GROWTH_MB,
        "memory above its bound": result["memory at most, MB"]
        > result["memory at the start, MB"] + 2 * HELD_MB,
        "requests left": result["waiting at the end"],
        "connections left": result["open files at the end"] > 40,
        "no end within 30 s of SIGTERM": result["exit status"] != 0,
    }
    return [name for name, is_so in found.items() if is_so]


def main() -> None:
    """Run it, and say what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        specs = [find_model(name) for name in SHIPPED]
        for spec in specs:
            os.symlink(spec.folder, Path(folder) / spec.name)
        specs.append(write_tiny_model(Path(folder) / "tiny", classes=5))
        burst_spec = write_tiny_model(Path(folder) / "burst", tile=256, halo=16, depth=2)
        known = questions(specs)
        (burst_at, *_) = questions([burst_spec])
        command = [sys.executable, "-m", "landcover_plugin.cli.main", "serve", "--port", "0"]
        server = subprocess.Popen(
            [*command, "--models", folder, "--queue", str(QUEUE)], stderr=subprocess.PIPE, text=True
        )
        try:
            said = server.stderr.readline() if server.stderr else ""
            url = said.rpartition(" at ")[2].strip().rstrip(".")
            result = soak(url, server.pid, known, burst_at, given)
            server.send_signal(signal.SIGTERM)
            result["exit status"] = server.wait(35)
        finally:
            server.kill()
    print(json.dumps(result, indent=1))
    if complaints(result):
        sys.exit(f"Failed: {'; '.join(complaints(result))}.")


if __name__ == "__main__":
    main()
