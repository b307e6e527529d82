"""``make soak``: a real QGIS window, used at random for twenty minutes.

Pans, zooms, layers toggled, styled, duplicated and removed in mid-render, outputs, models and
backends changed, reads of a slow tile service cancelled, projects saved and opened, comparison
views, identify, exports, the plugin reloaded while maps are drawn. At the end it is unloaded: no
thread and no process may be left, and memory must lie within the caches' bound.

    python -m benchmarks.live_soak [--minutes 20] [--seed 1] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.inputs import cut_mosaic
from tests.gui.window import drive
from tests.tile_server import MapServer
from tests.tiny_model import write_tiny_model

MEMORY_MB = 128
GROWTH_MB = 150
"""What QGIS, GDAL and Qt may keep beside the tile cache."""
LONGEST_S = 100.0
"""On a busy machine anything takes long; what hangs takes longer."""
SCRIPT = Path(__file__).with_name("live_soak_driver.py").read_text("utf-8")


def main() -> None:
    """Run it, and say what happened."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="for mosaics, profile and logs; kept")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="landcover-soak-", dir=Path.cwd()))
    folder.mkdir(parents=True, exist_ok=True)
    result = soak(folder.resolve(), given.minutes * 60, given.seed)
    if given.folder is None:
        shutil.rmtree(folder, ignore_errors=True)
    wrong = report(result)
    if wrong:
        sys.exit("\n".join(wrong))


def soak(folder: Path, seconds: float, seed: int) -> dict[str, Any]:
    """What the window counted."""
    for name, size in (("mosaic", 4096), ("mosaic2", 3072)):
        if not (folder / f"{name}.tif").exists():
            os.replace(cut_mosaic(folder, size), folder / f"{name}.tif")
    for name, bands in (("tiny", 4), ("rgb", 3)):
        write_tiny_model(
            folder / "models" / name,
            bands=bands,
            classes=5,
            tile=256,
            halo=16,
            depth=2,
            pixel_size_m=(0.6, 0.3, 1.5),
            fill="reflect",
        )
    (folder / "actions.log").unlink(missing_ok=True)
    server = MapServer()
    try:
        return _driven(
            SCRIPT,
            folder,
            {"models_folder": folder / "models", "memory_mb": MEMORY_MB, "disk_mb": 256},
            seconds + 300,
            {
                "SOAK_SECONDS": str(seconds),
                "SOAK_SEED": str(seed),
                "SOAK_SERVICE": server.url,
                "GDAL_CACHEMAX": "64",
                "QT_FATAL_WARNINGS": "0",
                "LANDCOVER_PYTHON": sys.executable,
            },
        )
    finally:
        server.close()


def _driven(*arguments: Any) -> dict[str, Any]:
    """What :func:`drive` gives; figures that were written before QGIS ended badly are not lost."""
    folder: Path = arguments[1]
    try:
        return {"exit": "", **drive(*arguments)}
    except AssertionError as e:
        path = folder / "result.json"
        found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        if not found.get("ok"):
            raise
        return {"exit": str(e), **found}


def report(found: dict[str, Any]) -> list[str]:
    """Print it; what is wrong, a sentence each."""
    memory = found["memory"]
    # a single sample swings by a hundred megabytes with what is open just then
    early = statistics.median(memory[len(memory) // 8 : len(memory) * 3 // 8])
    late = max(memory[len(memory) // 4 :])
    slowest = max(found["longest_s"], key=found["longest_s"].get)
    print(json.dumps({k: v for k, v in found.items() if k != "errors"}, indent=1))
    print(f"{sum(found['counts'].values())} actions, frames {found['frames']}, longest action {slowest} "
          f"{found['longest_s'][slowest]:.1f} s")  # fmt: skip
    print(f"memory: {early:.0f} MB after a quarter, {late} MB at most since, peak {found['peak_mb']:.0f} MB, "
          f"{found['memory_end']:.0f} MB after the plugin was unloaded")  # fmt: skip
    wrong = [found["exit"]] if found["exit"] else []
    wrong += [f"An exception came to QGIS:\n{text}" for text in found["errors"][:5]]
    if found["threads_left"]:
        wrong.append(f"Threads are left: {', '.join(found['threads_left'])}.")
    if found["processes_left"]:
        wrong.append(f"Processes are left: {'; '.join(found['processes_left'])}.")
    if found["objects_left"]:
        wrong.append(f"Objects outlived the plugin: {found['objects_left']}.")
    for growth, bound in ((late - early, MEMORY_MB + GROWTH_MB), (found["memory_end"] - early, GROWTH_MB)):
        if growth > bound:
            wrong.append(f"Memory grew by {growth} MB, more than {bound} MB.")
    if found["longest_s"][slowest] > LONGEST_S:
        wrong.append(f"The action {slowest} took {found['longest_s'][slowest]:.1f} s.")
    return wrong


if __name__ == "__main__":
    main()
