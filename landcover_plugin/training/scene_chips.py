"""Chips with one scene class each, from a folder of folders or a table."""

from __future__ import annotations

import csv
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.errors import OptionError
from .pairs import IMAGE_ENDINGS

Say = Callable[[str], None]
STRIDE = 16


@dataclass(frozen=True)
class SceneChips:
    """Chips in memory.

    Args:
        images: ``(N, band, side, side)`` uint8.
        scenes: ``(N,)`` position in ``classes``.
        places: name of the place of each; all chips of a place are in one fold.
        classes: names of the scene classes, sorted.
    """

    images: npt.NDArray[np.uint8]
    scenes: npt.NDArray[np.int64]
    places: list[str]
    classes: list[str]

    @property
    def side(self) -> int:
        """Pixels along a chip."""
        return int(self.images.shape[2])

    def folds(self, count: int) -> npt.NDArray[np.int64]:
        """``(N,)`` fold of each chip, by place."""
        return np.array([zlib.crc32(place.encode()) % count for place in self.places])


def read_scene_chips(source: Path, bands: int, say: Say) -> SceneChips:
    """All chips that can be read; the others are skipped, counted and named.

    Args:
        source: folder that holds a folder of chips for each class, or a CSV file with the columns
            image (relative to it), scene, and place where several chips show one.
        bands: how many of the first bands to read.
        say: gets a line about what was skipped.

    Raises:
        OptionError: nothing can be read, or only one class is there.
    """
    listed = _listed_in_table(source) if source.suffix.lower() == ".csv" else _listed_in_folders(source)
    images, scenes, places, skipped = [], [], [], []
    for path, scene, place in listed:
        pixels = _read(path, bands)
        if pixels is None or (images and pixels.shape != images[0].shape):
            skipped.append(path.name)
            continue
        images.append(pixels)
        scenes.append(scene)
        places.append(place)
    if skipped:
        first = ", ".join(skipped[:5]) + (" …" if len(skipped) > 5 else "")
        say(f"{len(skipped)} of {len(listed)} chips were skipped, since they cannot be read as {bands} bands of 8 bit, "
            f"are not square with a side that {STRIDE} divides, or differ in size from the first: {first}.")  # fmt: skip
    classes = sorted(set(scenes))
    if len(classes) < 2:
        raise OptionError(f"{source} has readable chips of {len(classes)} class; give at least two classes.")
    rare = [name for name, count in Counter(scenes).items() if count < 2]
    if rare:
        raise OptionError(f"{source} has one chip only of '{rare[0]}'; add another or leave the class out.")
    numbers = np.array([classes.index(s) for s in scenes])
    return SceneChips(np.stack(images), numbers, places, classes)


def _listed_in_folders(folder: Path) -> list[tuple[Path, str, str]]:
    if not folder.is_dir():
        raise OptionError(f"There is no folder {folder}; check its name.")
    found = [
        (path, kind.name, path.stem)
        for kind in sorted(folder.iterdir()) if kind.is_dir()
        for path in sorted(kind.iterdir()) if path.suffix.lower() in IMAGE_ENDINGS
    ]  # fmt: skip
    if not found:
        raise OptionError(f"The folder {folder} holds no folders of chips; make one for each class.")
    return found


def _listed_in_table(table: Path) -> list[tuple[Path, str, str]]:
    try:
        with table.open(newline="", encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
    except OSError as e:
        raise OptionError(f"The table {table} cannot be read ({e.strerror}); check its name.") from e
    if not rows or not {"image", "scene"} <= set(rows[0]):
        raise OptionError(f"The table {table} needs the columns image and scene, and a row for each chip.")
    return [
        (table.parent / row["image"], row["scene"], row.get("place") or Path(row["image"]).stem)
        for row in rows
    ]


def _read(path: Path, bands: int) -> npt.NDArray[np.uint8] | None:
    """A chip's pixels, or None where they are not square, of an unfit side, not of 8 bit, or not to be had."""
    import rasterio
    from rasterio.errors import RasterioError

    try:
        with rasterio.open(path) as source:
            if source.count < bands or source.dtypes[0] != "uint8":
                return None
            pixels: npt.NDArray[np.uint8] = source.read(list(range(1, bands + 1)))
    except RasterioError:
        return None
    side = pixels.shape[1]
    return pixels if side == pixels.shape[2] and side % STRIDE == 0 and side >= 64 else None
