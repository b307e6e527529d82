"""Training chips from folders of imagery and label rasters of any size, with or without a CRS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import ImageryError, OptionError
from .chips import CHIP, UNLABELLED, TrainingSet, empty_set
from .remap import Remap

IMAGE_ENDINGS = (".tif", ".tiff", ".png", ".jpg", ".jp2", ".vrt")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Pair:
    """An image and its label raster."""

    image: Path
    labels: Path


def find_pairs(images: Path, labels: Path) -> list[Pair]:
    """Images and label rasters with the same stem; a label's stem may also end in ``_labels``.

    Raises:
        OptionError: a folder is missing or empty, or nothing fits together.
    """
    found = {path.stem: path for path in _rasters(images) if not path.stem.endswith("_labels")}
    if not found:
        raise OptionError(
            f"The folder {images} holds no images ({', '.join(IMAGE_ENDINGS)}); check its name."
        )
    pairs = []
    for label in _rasters(labels):
        stem = label.stem[: -len("_labels")] if label.stem.endswith("_labels") else label.stem
        if stem in found and found[stem] != label:
            pairs.append(Pair(found[stem], label))
    if not pairs:
        raise OptionError(f"No file in {labels} has the name of an image in {images}; "
                          "a pair is NAME.tif with NAME.tif or NAME_labels.tif.")  # fmt: skip
    return sorted(pairs, key=lambda p: p.image)


def _rasters(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise OptionError(f"There is no folder {folder}; check its name.")
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_ENDINGS)


def read_pairs(
    pairs: list[Pair],
    remap: Remap,
    bands: tuple[int, ...],
    say: Say = lambda _: None,
    progress: Callable[[Iterator[Pair]], Iterator[Pair]] = iter,  # type: ignore[assignment]
) -> TrainingSet:
    """All pairs in memory, cut into chips; files that cannot be read are skipped, counted and named.

    Args:
        pairs: what to read.
        remap: from label values to channels.
        bands: band numbers of the imagery, 1 for the first.
        say: gets a line about what was skipped.
        progress: wraps the iteration, such as a progress bar.

    Raises:
        ImageryError: a pair does not fit together, or nothing could be read.
        OptionError: a label is not in the table.
    """
    images: list[npt.NDArray[np.uint8]] = []
    labels: list[npt.NDArray[np.uint8]] = []
    names: list[str] = []
    skipped: list[str] = []
    for pair in progress(iter(pairs)):
        try:
            image, label = _read_pair(pair, bands)
        except _UnreadableError as e:
            skipped.append(f"{e.args[0].name} ({e.args[1]})")
            continue
        channels = remap.channels(label, str(pair.labels))
        for row, col, chip, chip_labels in _cells(image, channels):
            images.append(chip)
            labels.append(chip_labels)
            names.append(f"{pair.image.stem} row {row} col {col}")
    if skipped:
        say(f"{len(skipped)} of {len(pairs)} pairs were skipped because a file cannot be read: "
            f"{'; '.join(skipped[:5])}{' ...' if len(skipped) > 5 else ''}")  # fmt: skip
    if not images:
        raise ImageryError(f"None of the {len(pairs)} pairs could be read; check the files.")
    chips = empty_set(names, np.stack(images), np.zeros(len(names), np.int64), ["pairs"])
    chips.hard = np.stack(labels)
    chips.hard_weight = np.where(chips.hard == UNLABELLED, 0, 64).astype(np.uint8)
    return chips


class _UnreadableError(Exception):
    """A file of a pair and what is wrong with it."""


def _read_pair(pair: Pair, bands: tuple[int, ...]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.integer]]:
    import rasterio
    from rasterio.errors import RasterioError

    path = pair.image
    try:
        with rasterio.open(pair.image) as image_file, rasterio.open(pair.labels) as label_file:
            if image_file.count < max(bands):
                raise ImageryError(f"{pair.image} has {image_file.count} bands but band {max(bands)} is wanted; "
                                   "name other bands.")  # fmt: skip
            windows = _shared_windows(image_file, label_file, pair)
            image = image_file.read(list(bands), window=windows[0])
            path = pair.labels
            label = label_file.read(1, window=windows[1])
    except RasterioError as e:
        raise _UnreadableError(path, str(e).splitlines()[0][:80]) from e
    if image.dtype != np.uint8:
        raise ImageryError(f"{pair.image} is {image.dtype}, but training takes 8-bit imagery; scale it to "
                           "0 to 255 first (gdal_translate -ot Byte -scale).")  # fmt: skip
    return image, label


def _shared_windows(image: Any, label: Any, pair: Pair) -> tuple[Any, Any]:
    """The part of each raster that both cover, or None and None where they cover the same."""
    from rasterio.coords import disjoint_bounds

    if image.crs and label.crs and image.crs != label.crs:
        raise ImageryError(f"{pair.image} is in {image.crs} but {pair.labels} in {label.crs}; "
                           "bring the labels to the imagery's CRS and pixels first (gdalwarp).")  # fmt: skip
    same_size = (image.width, image.height) == (label.width, label.height)
    if not (image.crs and label.crs):
        if same_size:
            return None, None
        raise ImageryError(f"{pair.image} is {image.width} × {image.height} pixels but {pair.labels} "
                           f"{label.width} × {label.height}, and without a CRS they cannot be fitted; "
                           "cut them alike.")  # fmt: skip
    if disjoint_bounds(image.bounds, label.bounds):
        raise ImageryError(f"{pair.image} and {pair.labels} do not overlap; pair the right files.")
    if same_size and image.transform.almost_equals(label.transform, image.res[0] * 0.25):
        return None, None
    if max(abs(a - b) for a, b in zip(image.res, label.res)) > 0.001 * image.res[0]:
        raise ImageryError(f"{pair.image} has pixels of {image.res[0]:g} but {pair.labels} of {label.res[0]:g}; "
                           "bring the labels to the imagery's pixels first (gdalwarp).")  # fmt: skip
    bounds = (
        max(image.bounds.left, label.bounds.left), max(image.bounds.bottom, label.bounds.bottom),
        min(image.bounds.right, label.bounds.right), min(image.bounds.top, label.bounds.top),
    )  # fmt: skip
    first, second = (f.window(*bounds).round_offsets().round_lengths() for f in (image, label))
    return first, second


def _cells(
    image: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]
) -> Iterator[tuple[int, int, npt.NDArray[np.uint8], npt.NDArray[np.uint8]]]:
    """Squares of 256 pixels that cover the image; a smaller image is mirrored, without labels there."""
    height, width = labels.shape
    spare = (max(0, CHIP - height), max(0, CHIP - width))
    if any(spare):
        image = np.pad(image, ((0, 0), (0, spare[0]), (0, spare[1])), "symmetric")
        labels = np.pad(labels, ((0, spare[0]), (0, spare[1])), constant_values=UNLABELLED)
    for row in _starts(labels.shape[0]):
        for col in _starts(labels.shape[1]):
            part = (slice(row, row + CHIP), slice(col, col + CHIP))
            yield row, col, image[(slice(None), *part)], labels[part]


def _starts(length: int) -> list[int]:
    return sorted({min(start, length - CHIP) for start in range(0, length, CHIP)})


def split_by_name(names: list[str], share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Which chips are kept for validation: whole images, never some of an image's chips."""
    images = sorted({name.split(" row ")[0] for name in names})
    order = np.random.default_rng(seed).permutation(len(images))
    kept = {images[i] for i in order[: max(1, round(share * len(images)))]}
    return np.array([name.split(" row ")[0] in kept for name in names])


def require_classes(chips: TrainingSet, names: list[str]) -> None:
    """Stop before hours are spent on a class that never occurs.

    Raises:
        OptionError: names the class that is missing from the training part.
    """
    counts = chips.class_counts(len(names))
    for name, count in zip(names, counts):
        if count == 0:
            raise OptionError(
                f"No training pixel is '{name}'; add labels of it, or leave it out of the legend."
            )
