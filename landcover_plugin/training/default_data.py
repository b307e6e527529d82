"""The data behind the default models: chips, interpreted points, wall-to-wall labels, folds by place.

``LANDCOVER_DATA`` names the folder that holds ``data/``; its README says what everything is.
"""

from __future__ import annotations

import csv
import os
import warnings
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.errors import OptionError
from .chips import CHIP, UNLABELLED
from .default_legend import LEGEND, POINT_CLASSES
from .landscape import compose
from .remap import CHESAPEAKE, Remap

GROUPS = ("california", "ohio", "chesapeake", "generated")
FOLDS = 5
TAUGHT_WITHOUT = ((0, 3), (1, 2, 4))
"""Folds that are held out together while a network from nothing is taught; one for each fold goes on from there."""
GENERATED_SEEDS = (2, 3, 4, 5, 6)
OWN_LABELS = Path(__file__).parent / "labels"
READ_BY_EYE = "read_by_eye.csv"
"""Of the own labels those that ``rgb-landcover`` learned from, as shipped. With the outlined areas too, its last steps
gave up to three points less in one trial; such trials differ by as much among themselves."""

# Clusters dealt out by the number of their points, the largest first, always to the fold with fewest.
OHIO_FOLDS = {
    "03": 0, "01": 1, "06": 2, "04": 3, "00": 4, "10": 4, "02": 3, "16": 2, "18": 3, "05": 4, "15": 2,
    "17": 4, "21": 3, "20": 2,
}  # fmt: skip
CHESAPEAKE_HELD = "_ne_"
CHESAPEAKE_MARGIN = 64
"""Figures on the Chesapeake patches are of their centre 128 pixels, as in 2018."""
TREE = POINT_CLASSES.index("tree")


@dataclass(frozen=True)
class Point:
    """A 3 × 3 pixel square whose cover was told by eye.

    Args:
        chip: name of the chip.
        row: 0-based, of the centre.
        col: 0-based, of the centre.
        class_index: channel of its class.
        stratum: spectral stratum it was drawn in, 0 where it was not drawn by stratum.
    """

    chip: str
    row: int
    col: int
    class_index: int
    stratum: int = 0


def data_folder() -> Path:
    """The folder ``data`` that the default models are trained on.

    Raises:
        OptionError: ``LANDCOVER_DATA`` is not set or leads nowhere.
    """
    root = os.environ.get("LANDCOVER_DATA", "")
    folder = Path(root) / "data"
    if not root or not folder.is_dir():
        raise OptionError("The default models are trained on data that LANDCOVER_DATA names; "
                          "set it to the folder that holds 'data'.")  # fmt: skip
    return folder


def group_of(chip: str) -> int:
    """Position of a chip's region in :data:`GROUPS`."""
    return {"ohio": 1, "m": 2, "generated": 3}.get(chip.split("_", 1)[0], 0)


def place_of(chip: str) -> str:
    """City and number of a Californian chip, without its year."""
    return chip.rsplit("_", 1)[0]


def fold_of(chip: str) -> int:
    """The fold in which a chip is held out: by place, by cluster in Ohio."""
    if group_of(chip) == 1:
        return OHIO_FOLDS.get(chip.split("_")[1], 4)
    return zlib.crc32(place_of(chip).encode()) % FOLDS


def held_out(chip: str, folds: Collection[int]) -> bool:
    """Whether a chip is kept out of training: those of some folds, and one of West Virginia's two quads always."""
    return CHESAPEAKE_HELD in chip if group_of(chip) == 2 else fold_of(chip) in folds


def taught_without(fold: int) -> tuple[int, ...]:
    """The folds that are held out together with one while a network is taught."""
    return next(folds for folds in TAUGHT_WITHOUT if fold in folds)


def read_chips(folder: Path) -> tuple[list[str], npt.NDArray[np.uint8]]:
    """Names and ``(N, 4, 256, 256)`` imagery of all three regions, about 200 MB."""
    import rasterio

    paths = sorted(folder.glob("naip_chips/*.tif")) + sorted(folder.glob("ohio_chips/*.tif"))
    paths += sorted(folder.glob("chesapeake/*_new.tif")) + sorted(folder.glob("chesapeake/*_old.tif"))
    if not paths:
        raise OptionError(f"The folder {folder} holds no chips; check LANDCOVER_DATA.")
    images = np.empty((len(paths), 4, 256, 256), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the Chesapeake patches have no CRS, on purpose
        for i, path in enumerate(paths):
            with rasterio.open(path) as source:
                images[i] = source.read()
    return [path.stem for path in paths], images


def read_points(folder: Path) -> list[Point]:
    """The interpreted points of California and Ohio."""
    points = []
    for row in _rows(folder / "naip_points.csv"):
        chip = f"{row['city']}_{int(row['place']):03d}_{row['year']}"
        points.append(_point(chip, row, int(row["stratum"])))
    points += [_point(row["tile"], row, int(row["stratum"])) for row in _rows(folder / "ohio_points.csv")]
    return points


def read_own_points(folder: Path = OWN_LABELS, files: str = "*.csv") -> list[Point]:
    """Points that were read for this project, where the model of the day was unsure or wrong."""
    return [_point(row["chip"], row, 0) for path in sorted(folder.glob(files)) for row in _rows(path)]


def _point(chip: str, row: dict[str, str], stratum: int) -> Point:
    return Point(chip, int(row["row"]), int(row["col"]), POINT_CLASSES.index(row["class"]), stratum)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as f:
            yield from csv.DictReader(f)
    except OSError as e:
        raise OptionError(f"{path} cannot be read ({e.strerror}); check LANDCOVER_DATA.") from e


def generated_chips() -> tuple[list[str], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Chips of the generated landscape: names, ``(N, 4, 256, 256)`` imagery, ``(N, 256, 256)`` class channels.

    Other landscapes than the sample scene of demo and pictures, which stays unseen.
    """
    names, images, truths = [], [], []
    for seed in GENERATED_SEEDS:
        for date in (False, True):
            image, truth = compose(2 * CHIP, seed, date)
            for row in (0, CHIP):
                for col in (0, CHIP):
                    window = (slice(row, row + CHIP), slice(col, col + CHIP))
                    names.append(f"generated_{seed}_{int(date)}_{row}_{col}")
                    images.append(image[(slice(None), *window)])
                    truths.append(truth[window] - 1)
    return names, np.stack(images), np.stack(truths).astype(np.uint8)


def read_strata(folder: Path, region: str) -> dict[int, float]:
    """Share of the area of each stratum; ``region`` is ``naip`` or ``ohio``."""
    return {int(row["stratum"]): float(row["share"]) for row in _rows(folder / f"{region}_strata.csv")}


def read_chesapeake_labels(folder: Path, chip: str) -> npt.NDArray[np.uint8]:
    """``(256, 256)`` class channels of a West Virginia patch, 255 where unknown."""
    import rasterio

    path = folder / "chesapeake" / f"{chip.rsplit('_', 1)[0]}_labels.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path) as source:
            labels = source.read(1)
    channels = Remap(CHESAPEAKE, LEGEND, "chesapeake").channels(labels, str(path))
    return np.where(labels == 0, UNLABELLED, channels).astype(np.uint8)


def read_lasting_labels(folder: Path, chip: str) -> npt.NDArray[np.uint8]:
    """The same to learn from: at the older date only woods, the rest may have been cut or built since.

    Two of eight patches were woods then and are labelled as low vegetation; networks that learned so
    took a fifth of the held-out quad's woods for grass.
    """
    labels = read_chesapeake_labels(folder, chip)
    return labels if chip.endswith("_new") else np.where(labels == TREE, labels, UNLABELLED).astype(np.uint8)
