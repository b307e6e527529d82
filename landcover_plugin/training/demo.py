"""``python -m landcover_plugin.training.demo``: a tiny model trained on the generated landscape.

It shows the whole way, pairs to model folder, in under three minutes on two processors: landscapes
of several seeds are written as GeoTIFF pairs, one that training never sees is kept for the figures.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.errors import LandcoverError
from .augmentation import NONE
from .crops import CropPlan
from .landscape import compose
from .loop import LoopPlan, place
from .segment import SegmentJob, evaluate, finish, read_job, train_segmentation

SEEDS = (1, 2, 3, 4)
SIZE = 512
GOAL = 0.9


def main() -> None:
    """Train, measure on the kept landscape, and fail where the goal is missed."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="landcover-demo-"))
    try:
        accuracy, seconds = train_demo(folder)
    except LandcoverError as e:
        sys.exit(f"Error: {e}")
    print(f"Accuracy on a landscape kept out of training: {accuracy:.3f}, after {seconds:.0f} s.")
    print(f"The run and its model are in {folder}.")
    sys.exit(accuracy < GOAL)


def train_demo(folder: Path, steps: int = 240) -> tuple[float, float]:
    """Write the pairs, train, and write the model folder.

    Args:
        folder: of pairs and run.
        steps: of the training.

    Returns:
        Accuracy on the landscape that was kept out, and the seconds it all took.
    """
    start = time.monotonic()
    write_pairs(folder / "pairs")
    job = SegmentJob(
        images=folder / "pairs" / "images",
        labels=folder / "pairs" / "labels",
        out=folder / "run",
        loop=LoopPlan(
            steps=steps, batch=12, rate=5e-3, check_every=120, warm_up=30, cool_down=0.5, average=0.98
        ),
        validation_share=1 / len(SEEDS),
        widths=(16, 32, 48),
        blocks=(0, 1, 1),
        crops=CropPlan(side=96, zoom=(1.0, 1.0), turned=0.0, anchored=0.3),
        radiometry=replace(NONE, common_gain=0.05),
    )
    training, validation = read_job(job, print)
    with place() as where:
        network = train_segmentation(job, training, validation, where, _say)
    finish(job, network, validation, "demo")
    return evaluate(network, validation, job.legend).overall.value, time.monotonic() - start


def write_pairs(folder: Path) -> None:
    """GeoTIFF pairs of the landscapes, images and labels in folders of their own."""
    for seed in SEEDS:
        image, truth = compose(SIZE, seed)
        _write(folder / "images" / f"landscape_{seed}.tif", image)
        _write(folder / "labels" / f"landscape_{seed}.tif", truth[None])


def _write(path: Path, bands: npt.NDArray[np.uint8]) -> None:
    import rasterio
    from rasterio.transform import from_origin

    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = bands.shape
    with rasterio.open(
        path, "w", driver="GTiff", dtype="uint8", count=count, height=height, width=width,
        crs="EPSG:26918", transform=from_origin(392_000, 4_312_000, 1, 1),
    ) as target:  # fmt: skip
        target.write(bands)


def _say(step: int, steps: int, figures: dict[str, float]) -> None:
    print(f"step {step} of {steps}: validation accuracy {figures['validation accuracy']:.3f}", flush=True)


if __name__ == "__main__":
    main()
