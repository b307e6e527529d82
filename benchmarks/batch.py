"""``make bench``: the batch job against its references, in ratios from one run.

Rows are printed as they are measured. Absolute figures stand beside the ratios, because machines
differ; a row's command is ``python -m benchmarks.batch ROW``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.inputs import Bench, cut_mosaic, open_bench
from benchmarks.processes import command_memory, killed_twenty_times, time_to_first_tile
from benchmarks.references import deepness_way, graph_alone, serial_way

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))


def paired(first: Callable[[], float], second: Callable[[], float]) -> tuple[float, float, float, float]:
    """Median seconds of both, and median, least and largest of the ratios, run in turn."""
    pairs = [(first(), second()) for _ in range(ROUNDS)]
    ratios = [a / b for a, b in pairs]
    return median(a for a, _ in pairs), median(b for _, b in pairs), median(ratios), max(ratios) - min(ratios)


def say(name: str, ratio: float, bar: str, detail: str) -> None:
    """One row."""
    print(f"{name:<58} {ratio:6.3f}  {bar:<10} {detail}", flush=True)


def end_to_end(bench: Bench, bar: str) -> None:
    """Whole job ÷ the same graph alone on the same chips."""
    chips = bench.chips()
    alone, ours, ratio, spread = paired(lambda: graph_alone(bench, chips), bench.classify)
    say(
        f"end to end / graph alone, {bench.spec.name}",
        ratio,
        bar,
        f"{bench.mpx / ours:.2f} and {bench.mpx / alone:.2f} Mpx/s, spread {spread:.3f}",
    )


def against_serial(bench: Bench, bar: str, *, slow_reads: bool) -> None:
    """The serial way ÷ ours."""
    delay = bench.tile_seconds() if slow_reads else 0.0
    serial, ours, ratio, spread = paired(lambda: serial_way(bench, delay), lambda: bench.classify(delay))
    disk = "reading as slow as inference" if slow_reads else "fast disk"
    say(
        f"serial / ours, {disk}, {bench.spec.name}",
        ratio,
        bar,
        f"{serial:.1f} and {ours:.1f} s, spread {spread:.3f}",
    )


def against_deepness(bench: Bench) -> None:
    """Deepness' way ÷ ours, wall time and peak memory, each in a process of its own."""
    theirs, their_memory = deepness_way(bench)
    ours, our_memory = command_memory(bench.image, bench.spec, bench.folder)
    say(
        f"Deepness' way / ours, wall time, {bench.spec.name}",
        theirs / ours,
        "> 1",
        f"{theirs:.1f} and {ours:.1f} s",
    )
    say(
        f"Deepness' way / ours, peak memory, {bench.spec.name}",
        their_memory / our_memory,
        "> 1",
        f"{their_memory / 1e6:.0f} and {our_memory / 1e6:.0f} MB",
    )


def memory(bench: Bench) -> None:
    """Peak memory over sixteen times the pixels."""
    small = cut_mosaic(bench.folder, 2560)
    large = cut_mosaic(bench.folder, 10240)
    _, low = command_memory(small, bench.spec, bench.folder)
    _, high = command_memory(large, bench.spec, bench.folder)
    say(
        "peak memory at 10,240² / at 2,560²",
        high / low,
        "<= 1.15",
        f"{high / 1e6:.0f} and {low / 1e6:.0f} MB",
    )


def killing(bench: Bench) -> None:
    """Killed twenty times at random."""
    equal, repeated, kills = killed_twenty_times(bench.image, bench.spec, bench.folder)
    say(
        f"killed {kills} times: bytes equal, finished tiles repeated",
        float(repeated),
        "0",
        f"bytes equal: {equal}",
    )


def starting(bench: Bench) -> None:
    """From the command to its first tile."""
    seconds = min(time_to_first_tile(bench.image, bench.spec, bench.folder) for _ in range(ROUNDS))
    say("seconds from the command to the first tile inferred", seconds, "<= 2", "best of the rounds")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help="end serial slow deepness memory kill start; all by default")
    rows = set(parser.parse_args().rows)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="landcover-bench-") as name:
        folder = Path(name)
        old, new = open_bench(folder, "chesapeake-2018", 2048), open_bench(folder, "default", 5120)

        def wanted(row: str) -> bool:
            return not rows or row in rows

        print(f"{'':<58} {'ratio':>6}  bar")
        if wanted("end"):
            end_to_end(old, ">= 0.95")
            end_to_end(new, ">= 0.90")
        if wanted("serial"):
            against_serial(new, ">= 1.05", slow_reads=False)
        if wanted("slow"):
            against_serial(new, ">= 1.5", slow_reads=True)
        if wanted("deepness"):
            against_deepness(new)
        if wanted("memory"):
            memory(new)
        if wanted("kill"):
            killing(new)
        if wanted("start"):
            starting(new)
        old.close()
        new.close()
    print(f"{time.monotonic() - started:.0f} s in all")


if __name__ == "__main__":
    main()
