"""Measurements of the command as a whole process: memory, start, death and resumption."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from landcover_plugin.core.model import ModelSpec

COMMAND = [sys.executable, "-m", "landcover_plugin.cli.main"]


_MEASURE = """
import json, os, resource, subprocess, sys, time
started = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print(json.dumps([done.returncode, seconds, peak, done.stderr.decode()[-2000:]]))
"""


def run_measured(command: list[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Wall seconds and peak resident bytes of a process that must succeed.

    A small process stands between: a child's peak counts from its fork, and this one is large.
    """
    measured = subprocess.run(
        [sys.executable, "-S", "-c", _MEASURE, *command],
        env=dict(environment),
        capture_output=True,
        check=True,
    )
    status, seconds, peak, said = json.loads(measured.stdout)
    if status:
        raise RuntimeError(f"{command[:4]} failed: {said}")
    return float(seconds), float(peak)


def classify_command(image: Path, spec: ModelSpec, out: Path) -> list[str]:
    """The command that maps an image in process."""
    return [*COMMAND, "classify", str(image), str(out), "--model", str(spec.folder), "--backend", "onnxruntime:cpu",
            "--level", "0", "--json", "--quiet"]  # fmt: skip


def command_memory(image: Path, spec: ModelSpec, folder: Path) -> tuple[float, float]:
    """Wall seconds and peak bytes of ``landcover classify``."""
    return run_measured(classify_command(image, spec, folder / "measured.tif"), os.environ)


def time_to_first_tile(image: Path, spec: ModelSpec, folder: Path) -> float:
    """Seconds until the command's spool holds its first tile (a few milliseconds after inference)."""
    code = (
        "import time, sys; started = float(sys.argv.pop(1))\n"
        "from landcover_plugin.cli import terminal\n"
        "def first(self, progress):\n"
        "    print(time.time() - started, flush=True); import os; os._exit(0)\n"
        "terminal.TerminalReporter.progress = first\n"
        "from landcover_plugin.cli.main import main; main()\n"
    )
    arguments = classify_command(image, spec, folder / "first.tif")[3:]
    done = subprocess.run(
        [sys.executable, "-c", code, str(time.time()), *arguments], capture_output=True, text=True, check=True
    )
    for path in folder.glob("first*"):
        path.unlink()
    return float(done.stdout.split()[0])


def killed_twenty_times(image: Path, spec: ModelSpec, folder: Path, kills: int = 20) -> tuple[bool, int, int]:
    """Whether the bytes equal an undisturbed run's, finished tiles repeated, and kills that hit."""
    calm, stormy = folder / "calm.tif", folder / "stormy.tif"
    seconds, _ = run_measured(classify_command(image, spec, calm), os.environ)
    chance = random.Random(1)
    hits = repeated = 0
    known = 0
    while hits < kills:
        process = subprocess.Popen(
            classify_command(image, spec, stormy),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            process.wait(1.2 + chance.uniform(0, 1.5 * seconds / kills))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            hits += 1
            now = spooled(stormy)
            repeated += max(0, known - now)
            known = now
            continue
        known = 0
        if hits < kills:
            stormy.unlink()
    done = subprocess.run(classify_command(image, spec, stormy), capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    repeated += max(0, known - result["tiles_resumed"])
    return _digest(calm) == _digest(stormy), repeated, hits


def spooled(out: Path) -> int:
    """Tiles that the spool of an unfinished map holds."""
    path = out.with_name(f"{out.name}.spool")
    if not path.exists():
        return 0
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute(
            "SELECT count(*) FROM (SELECT DISTINCT level, row, col FROM tile)"
        ).fetchone()
    except sqlite3.DatabaseError:
        return 0
    finally:
        connection.close()
    return int(rows[0])


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
