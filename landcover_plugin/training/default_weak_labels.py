"""Soft labels of the weak teacher for the chips that the default models learn from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from . import default_data as data
from . import weak_teacher
from .chips import CHIP, SOFT_STEP, UNLABELLED
from .default_models import DefaultData, Say

TILT = np.array([1.0, 1.0, 1.8, 1.3, 1.0], np.float32)
"""What the weak teacher's shares are multiplied by in California: on points of training places it took
a third of the low vegetation for trees, and a fifth of the bare ground for pavement."""
TRUST_2018 = 0.4
"""Share of the 2018 model's opinion in Ohio, which is like the land it was trained on."""


def weak_labels(
    given: DefaultData, model_2018: Path, hold: Collection[int], cache: Path, say: Say
) -> npt.NDArray[np.uint8]:
    """Soft labels of the weak teacher for every chip, computed once and kept in ``cache``.

    Args:
        given: the data.
        model_2018: folder of the imported 2018 model.
        hold: folds whose points the teacher must not see.
        cache: folder for the result, about 60 MB.
        say: gets a line about what is done.
    """
    path = cache / f"weak_labels_without_{'_'.join(map(str, hold))}.npz"
    if path.is_file():
        stored = np.load(path)
        if list(stored["names"]) == given.names:
            return stored["shares"]
    say("The weak teacher looks at every chip; this takes a few minutes and is kept.")
    opinions = opinions_2018(given, model_2018, cache)
    samples, classes = _samples(given, opinions, hold)
    trees = weak_teacher.fitted_trees(samples, classes)

    def label(i: int) -> npt.NDArray[np.uint8]:
        shares = weak_teacher.soft_labels(trees, weak_teacher.features(given.images[i], opinions[i]))
        return adjusted(shares, opinions[i], data.group_of(given.names[i]))

    shares = np.stack(list(weak_teacher.in_threads(label, len(given.names))))
    cache.mkdir(parents=True, exist_ok=True)
    np.savez(path, shares=shares, names=given.names)
    return shares


def opinions_2018(given: DefaultData, model_2018: Path, cache: Path) -> npt.NDArray[np.uint8]:
    """The 2018 model's ``(N, 5, 256, 256)`` shares, 0 to 254, computed once and kept in ``cache``."""
    path = cache / "opinions_2018.npy"
    if path.is_file():
        stored: npt.NDArray[np.uint8] = np.load(path, mmap_mode="r")
        if len(stored) == len(given.names):
            return stored
    opinions = np.stack(list(weak_teacher.probabilities_2018(model_2018, given.images)))
    cache.mkdir(parents=True, exist_ok=True)
    np.save(path, opinions)
    return opinions


def adjusted(
    shares: npt.NDArray[np.uint8], opinion: npt.NDArray[np.uint8], group: int
) -> npt.NDArray[np.uint8]:
    """The weak teacher's shares, corrected by what is known of each region.

    Args:
        shares: ``(5, 128, 128)``, 0 to 254.
        opinion: the 2018 model's ``(5, 256, 256)`` shares; its fifth class is barren or impervious.
        group: position of the region.
    """
    found = shares.astype(np.float32) / 254
    if group == 0:
        found *= TILT[:, None, None]
    if group == 1:
        side = found.shape[1]
        old = opinion.reshape(5, side, SOFT_STEP, side, SOFT_STEP).mean((2, 4)) / 254
        bare = (found[3] + 0.02) / (found[3] + found[4] + 0.04)
        split = np.stack([old[1], old[2], old[3], old[4] * bare, old[4] * (1 - bare)])
        found = (1 - TRUST_2018) * found + TRUST_2018 * split
    found /= found.sum(0) + 1e-6
    return np.rint(254 * found).astype(np.uint8)


def _samples(
    given: DefaultData, opinions: Sequence[npt.NDArray[np.uint8]], hold: Collection[int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Features and classes of the training folds' points, and of some labelled pixels by quad."""
    by_chip: dict[str, list[tuple[int, int, int]]] = {}
    for p in (*given.points, *given.own):
        by_chip.setdefault(p.chip, []).append((p.row, p.col, p.class_index))
    for j, name in enumerate(given.names):
        if data.group_of(name) == 2:
            by_chip[name] = _even_pixels(data.read_lasting_labels(given.folder, name), j)
    chips = [i for i, n in enumerate(given.names) if n in by_chip and not data.held_out(n, hold)]

    def look(k: int) -> list[npt.NDArray[np.float32]]:
        maps = weak_teacher.features(given.images[chips[k]], opinions[chips[k]])
        return [weak_teacher.at_square(maps, r, c) for r, c, _ in by_chip[given.names[chips[k]]]]

    samples = [s for found in weak_teacher.in_threads(look, len(chips)) for s in found]
    classes = [k for i in chips for _, _, k in by_chip[given.names[i]]]
    return np.stack(samples), np.array(classes)


def _even_pixels(labels: npt.NDArray[np.uint8], seed: int, count: int = 30) -> list[tuple[int, int, int]]:
    """Pixels whose 5 × 5 surroundings have one label."""
    rng = np.random.default_rng(seed)
    found = []
    for row, col in rng.integers(8, CHIP - 8, (count, 2)):
        label = labels[row, col]
        if label != UNLABELLED and (labels[row - 2 : row + 3, col - 2 : col + 3] == label).all():
            found.append((int(row), int(col), int(label)))
    return found
