"""Labels that cover a picture only in part: points, polygons, and a teacher's soft opinion."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import ImageryError, OptionError
from ..core.legend import Legend
from ..core.model import ModelSpec
from .chips import CHIP, SOFT_STEP, UNLABELLED, TrainingSet


def add_points(chips: TrainingSet, path: Path, legend: Legend, weight: float = 1.0) -> int:
    """Label the squares around points: a CSV file with ``image,col,row,class`` and maybe ``weight``.

    Args:
        chips: gets the labels; crops will be drawn around the points.
        path: of the table; ``image`` is the stem of the image's file name.
        legend: ``class`` is a name or an id of it.
        weight: of points without one of their own.

    Returns:
        How many points lie on the chips.

    Raises:
        OptionError: a column is missing, or a class is not in the legend.
    """
    known = {str(c.id): i for i, c in enumerate(legend)} | {c.name: i for i, c in enumerate(legend)}
    cells = _cells_by_image(chips)
    placed = 0
    try:
        with path.open(newline="", encoding="utf-8") as f:
            for line, row in enumerate(csv.DictReader(f), 2):
                if row["class"] not in known:
                    raise OptionError(
                        f"{path} line {line}: the legend has no class '{row['class']}'; correct it."
                    )
                chip, at_row, at_col = _find(cells, row["image"], int(row["row"]), int(row["col"]))
                if chip >= 0:
                    own = float(row["weight"]) if row.get("weight") else weight
                    chips.label_square(chip, at_row, at_col, known[row["class"]], own)
                    placed += 1
    except OSError as e:
        raise OptionError(f"The points {path} cannot be read ({e.strerror}); check the name.") from e
    except (KeyError, ValueError) as e:
        raise OptionError(f"{path} must have the columns image, col, row and class with whole numbers "
                          f"({e}); correct it.") from e  # fmt: skip
    return placed


def _cells_by_image(chips: TrainingSet) -> dict[str, list[tuple[int, int, int]]]:
    """Chips of each image with their row and column in it."""
    cells: dict[str, list[tuple[int, int, int]]] = {}
    for i, name in enumerate(chips.names):
        image, _, where = name.partition(" row ")
        row, _, col = where.partition(" col ")
        cells.setdefault(image, []).append((i, int(row or 0), int(col or 0)))
    return cells


def _find(
    cells: dict[str, list[tuple[int, int, int]]], image: str, row: int, col: int
) -> tuple[int, int, int]:
    """Chip that holds a pixel of an image, and the pixel in it; -1 where none does."""
    for chip, first_row, first_col in cells.get(image, []):
        if 0 <= row - first_row < CHIP and 0 <= col - first_col < CHIP:
            return chip, row - first_row, col - first_col
    return -1, 0, 0


def add_polygons(
    chips: TrainingSet, path: Path, images: dict[str, Path], legend: Legend, weight: float = 1.0
) -> int:
    """Label the pixels inside polygons: GeoJSON with a property ``class``, in the imagery's CRS.

    Args:
        chips: gets the labels.
        path: of the GeoJSON file.
        images: file of each image by its stem.
        legend: ``class`` is a name or an id of it.
        weight: of each pixel.

    Returns:
        How many pixels were labelled.

    Raises:
        OptionError: not GeoJSON, or a class that the legend does not have.
    """
    import rasterio
    from rasterio.features import rasterize

    shapes = list(_shapes(path, legend))
    labelled = 0
    for image, cells in _cells_by_image(chips).items():
        with rasterio.open(images[image]) as source:
            burnt = rasterize(
                shapes, source.shape, fill=UNLABELLED, transform=source.transform, dtype="uint8"
            )
        for chip, row, col in cells:
            part = burnt[row : row + CHIP, col : col + CHIP]
            target = chips.hard[chip, : part.shape[0], : part.shape[1]]
            inside = part != UNLABELLED
            target[inside] = part[inside]
            chips.hard_weight[chip, : part.shape[0], : part.shape[1]][inside] = min(255, round(64 * weight))
            labelled += int(inside.sum())
    return labelled


def _shapes(path: Path, legend: Legend) -> Iterator[tuple[Any, int]]:
    known = {str(c.id): i for i, c in enumerate(legend)} | {c.name: i for i, c in enumerate(legend)}
    try:
        features = json.loads(path.read_text("utf-8"))["features"]
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise OptionError(f"{path} is not a GeoJSON file of polygons; check the name.") from e
    for n, feature in enumerate(features):
        name = str((feature.get("properties") or {}).get("class"))
        if name not in known:
            raise OptionError(f"{path}: polygon {n} has the class '{name}', which the legend does not have; "
                              "correct its property 'class'.")  # fmt: skip
        yield feature["geometry"], known[name]


def add_teacher(chips: TrainingSet, teacher: ModelSpec, legend: Legend, weight: float = 1.0) -> None:
    """Soft labels of a segmentation model for every chip, class by legend id.

    Raises:
        ImageryError: the teacher wants other bands than the chips have.
        OptionError: its legend lacks a class.
    """
    import onnxruntime

    if len(teacher.bands) != chips.bands:
        raise ImageryError(f"The teacher '{teacher.name}' reads {len(teacher.bands)} bands but the training "
                           f"imagery has {chips.bands}; choose another teacher.")  # fmt: skip
    channel = {c.id: i for i, c in enumerate(teacher.legend)}
    lacking = [c.name for c in legend if c.id not in channel]
    if lacking:
        raise OptionError(f"The teacher '{teacher.name}' does not know the class '{lacking[0]}'; "
                          "choose a teacher with the same legend.")  # fmt: skip
    session = onnxruntime.InferenceSession(str(teacher.path), providers=["CPUExecutionProvider"])
    name, halo, side = session.get_inputs()[0].name, teacher.halo, CHIP // SOFT_STEP
    chips.soft = np.zeros((len(chips), len(legend), side, side), np.uint8)
    for i, image in enumerate(chips.images):
        padded = np.pad(image, ((0, 0), (halo, halo), (halo, halo)), "symmetric")[None]
        shares = session.run(["probabilities"], {name: padded})[0][0][[channel[c.id] for c in legend]]
        cells = shares.reshape(len(legend), side, SOFT_STEP, side, SOFT_STEP).mean((2, 4))
        chips.soft[i] = np.rint(254 * cells / np.maximum(cells.sum(0), 1e-6)).astype(np.uint8)
    chips.soft_weight[:] = weight
