"""``make bench-backends``: the default model and its 8-bit form on every way that this computer has.

Runs ``landcover bench`` over ONNX Runtime and NumPy in process, the worker, and ``landcover serve`` on
the loopback, and prints what of the in-process throughput is left there, round by round. Options after
the module's name go to the command, such as ``--seconds 1 --rounds 2``.
"""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.processes import COMMAND

MODELS = ("naip-landcover", "naip-landcover-8bit")
NEAR = "onnxruntime:cpu"


def serve() -> tuple[subprocess.Popen[str], str]:
    """``landcover serve`` and its address."""
    names = [part for name in MODELS for part in ("--model", name)]
    process = subprocess.Popen([*COMMAND, "serve", "--port", "0", *names], stderr=subprocess.PIPE, text=True)
    said = process.stderr.readline() if process.stderr else ""
    return process, said.rpartition(" at ")[2].strip().rstrip(".")


def main() -> None:
    """Measure, and print the table and the ratios."""
    folder = Path(os.environ.get("BENCH_OUT") or tempfile.mkdtemp(prefix="landcover-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    process, url = serve()
    options = [part for name in MODELS for part in ("--model", name)]
    options += [part for backend in (NEAR, "worker:", url, "numpy:") for part in ("--backend", backend)]
    options += ["--rounds", "7", "--csv", str(folder / "backends.csv")]
    options += ["--plot", str(folder / "backends.svg")]
    try:
        environment = {"LANDCOVER_PYTHON": sys.executable, **os.environ}
        subprocess.run([*COMMAND, "bench", *options, *sys.argv[1:]], check=True, env=environment)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    with (folder / "backends.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["batch"] == "1"]
    print()
    for model in MODELS:
        for backend in ("worker:", url):
            print(ratio([row for row in rows if row["model"] == model], backend))
    print(f"Table and plot: {folder}")


def ratio(rows: list[dict[str, str]], backend: str) -> str:
    """What of the in-process throughput is left, round by round, at the requests in flight that suit it.

    Args:
        rows: of the table, of one model.
        backend: that is compared.
    """
    near = max(
        (row for row in rows if row["backend"] == NEAR), key=lambda r: float(r["chips_per_s"]), default=None
    )
    at = near["in_flight"] if near else ""
    far = next((row for row in rows if (row["backend"], row["in_flight"]) == (backend, at)), None)
    if near is None or far is None:
        return f"{backend} ÷ {NEAR}: not measured"
    rates = [[float(rate) for rate in row["chips_per_s_rounds"].split()] for row in (far, near)]
    found = [there / here for there, here in zip(*rates)]
    return (
        f"{near['model']}, {at} in flight: {backend} ÷ {NEAR} of the same round: "
        f"median {median(found):.3f}, {min(found):.3f} to {max(found):.3f} in {len(found)} rounds"
    )


if __name__ == "__main__":
    main()
