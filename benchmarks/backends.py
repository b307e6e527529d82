"""``make bench-backends``: the default model and its 8-bit form on every way that this computer has.

Runs ``landcover bench`` over ONNX Runtime and NumPy in process, the worker, and ``landcover serve`` on
the loopback, and prints what of the in-process throughput is left there. Options after the module's
name go to the command, such as ``--seconds 1 --rounds 2``.
"""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

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
    options += ["--csv", str(folder / "backends.csv"), "--plot", str(folder / "backends.svg")]
    try:
        environment = {"LANDCOVER_PYTHON": sys.executable, **os.environ}
        subprocess.run([*COMMAND, "bench", *options, *sys.argv[1:]], check=True, env=environment)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    rows = list(csv.DictReader((folder / "backends.csv").open(encoding="utf-8")))
    print()
    for model in MODELS:
        best = {
            backend: max(
                (float(r["chips_per_s"]) for r in rows if (r["model"], r["backend"]) == (model, backend)),
                default=float("nan"),
            )
            for backend in (NEAR, "worker:", url)
        }
        ratios = ", ".join(f"{b} {best[b] / best[NEAR]:.3f}" for b in ("worker:", url))
        print(f"{model}: best rate ÷ {NEAR}'s best: {ratios}")
    print(f"Table and plot: {folder}")


if __name__ == "__main__":
    main()
