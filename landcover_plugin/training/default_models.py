"""The runs that make ``naip-landcover`` and ``rgb-landcover``, each by one command.

Both hold out one fold of five, places in California and clusters in Ohio, and always a quad in West Virginia.
Nothing of a held-out chip is seen in training, neither its pixels nor its points.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from . import default_data as data
from .augmentation import Radiometry
from .checkpoint import network_from, read_checkpoint, write_checkpoint
from .chips import CHIP, SOFT_STEP, UNLABELLED, Anchor, TrainingSet, empty_set
from .crops import CropPlan, CropSource
from .default_legend import LEGEND, MERGED, POINT_CLASSES
from .evaluation import Measured, measured
from .loop import LoopPlan, Place, Report, TrainingLoop
from .network import NetworkShape, SegmentationNetwork, begun, mean_weights
from .prediction import classes as predicted_classes
from .prediction import probabilities as predicted_probabilities
from .water_colours import WATER, chips_with_water, recoloured, sure_water

NAMES = tuple(c.name for c in LEGEND)
MERGED_NAMES = ("water", "tree and shrub", "low vegetation", "built or bare")
SHAPE = NetworkShape(4, len(LEGEND), (32, 64, 128), (0, 1, 1), pretrained=True)
CROPS = CropPlan(side=128, anchored=0.65, group_shares=(0.52, 0.27, 0.19, 0.02), zoom=(0.67, 1.9))
INFRARED = Radiometry(saturation=0.1)
COLOUR_ONLY = Radiometry(
    band_gain=0.16, common_gain=0.25, cast=20, extreme=0.2, dormant=0.2, saturation=0.35, jpeg=0.2
)
LABEL_TRUST = 0.7
"""Share of the wall-to-wall labels in West Virginia's soft labels; the rest is the weak teacher's."""
WATER_COLOURS = 8
"""Copies of each chip with water, its water of other colours."""
RATE, GO_ON_RATE = 2e-3, 1.5e-3
"""Learning rate of a fresh network, and of one that goes on."""
FIRST_SHARE = 0.75
"""Share of a run from nothing that learns from the weak teacher alone; then the network's own opinion helps."""
OWN_OPINION = 0.7
"""Share of a network's own opinion in the soft labels that it goes on with."""
TAUGHT_SHARE = 2 / 3
"""Share of a run without near infrared that starts from the network with it; then it goes on from itself."""
INFRARED_OPINION = (0.6, 0.85)
"""Share of the near-infrared network's opinion in the soft labels of both parts of such a run."""
HARD_SHARE = (0.55, 0.35)
"""Weight of the hard labels: with the weak teacher's labels, and beside those of the near-infrared network, which has
learned them already and passes on what of them can be seen elsewhere too."""
KEPT = 0.25
"""Share of the weights that a run went on from in those that it gives: the last alone had learned labels too well."""
ONWARD = "onward"
"""Folder, in that of a run, of the steps that go on."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class DefaultData:
    """Everything in memory.

    Args:
        names: of all chips.
        images: ``(N, 4, 256, 256)``.
        points: of all chips, interpreted and own.
        folder: where the labels are.
    """

    names: list[str]
    images: npt.NDArray[np.uint8]
    points: list[data.Point]
    own: list[data.Point]
    folder: Path

    def position(self) -> dict[str, int]:
        """Position of each chip by name."""
        return {name: i for i, name in enumerate(self.names)}


def read_default_data() -> DefaultData:
    """Chips and points from ``LANDCOVER_DATA``."""
    folder = data.data_folder()
    names, images = data.read_chips(folder)
    return DefaultData(names, images, data.read_points(folder), data.read_own_points(), folder)


def training_set(given: DefaultData, soft: npt.NDArray[np.uint8], hold: Collection[int]) -> TrainingSet:
    """The chips outside the folds ``hold`` with all their labels, and generated ones.

    Those with water come again with water of other colours, and with anchors there.
    """
    kept = [i for i, name in enumerate(given.names) if not data.held_out(name, hold)]
    wet = [kept[k] for k in chips_with_water(soft[kept]) for _ in range(WATER_COLOURS)]
    made, made_images, made_truth = data.generated_chips()
    names = [given.names[i] for i in kept] + made
    group = np.array([data.group_of(name) for name in names] + [data.group_of(given.names[i]) for i in wet])
    names += [f"{given.names[i]}, water of colour {k}" for k, i in enumerate(wet)]
    other_water = [recoloured(given.images[i], soft[i, WATER], k) for k, i in enumerate(wet)]
    images = np.concatenate([given.images[kept], made_images, *(image[None] for image in other_water)])
    chips = empty_set(names, images, group, list(data.GROUPS), len(LEGEND))
    chips.soft = np.concatenate([soft[kept], np.zeros((len(made), *soft.shape[1:]), np.uint8), soft[wet]])
    chips.soft_weight[:] = 1.0
    for k, i in enumerate(wet):
        _anchor_water(chips, len(kept) + len(made) + k, soft[i, WATER])
    where = {name: i for i, name in enumerate(names)}
    for p in (*given.points, *given.own):
        if p.chip in where:
            chips.label_square(where[p.chip], p.row, p.col, p.class_index)
    for i in np.flatnonzero(group[: len(kept)] == 2):
        _trust_labels(chips, int(i), data.read_lasting_labels(given.folder, names[i]), LABEL_TRUST)
    for i, truth in zip(np.flatnonzero(group == 3), made_truth):
        _trust_labels(chips, int(i), truth, 1.0)
    return chips


def _anchor_water(chips: TrainingSet, chip: int, share: npt.NDArray[np.uint8]) -> None:
    """Draw crops around what is surely water."""
    rows, cols = np.nonzero(sure_water(share))
    for q in np.random.default_rng(chip).integers(len(rows), size=6):
        place = (int(rows[q]) * SOFT_STEP, int(cols[q]) * SOFT_STEP)
        chips.anchors.append(Anchor(chip, *place, WATER, int(chips.group[chip])))


def _trust_labels(chips: TrainingSet, chip: int, labels: npt.NDArray[np.uint8], trust: float) -> None:
    """Blend wall-to-wall labels into a chip's soft ones, and draw crops around each class."""
    side = CHIP // SOFT_STEP
    share = (labels[None] == np.arange(len(LEGEND))[:, None, None]).astype(np.float32)
    share = 254 * share.reshape(-1, side, SOFT_STEP, side, SOFT_STEP).mean((2, 4))
    if chips.soft is not None:
        mixed = trust * share + (1 - trust) * chips.soft[chip]
        chips.soft[chip] = np.rint(mixed).astype(np.uint8)
    rng = np.random.default_rng(chip)
    for k in range(len(LEGEND)):
        rows, cols = np.nonzero(labels == k)
        if len(rows):
            chosen = rng.integers(len(rows), size=30)
            group = int(chips.group[chip])
            chips.anchors += [Anchor(chip, int(rows[q]), int(cols[q]), k, group) for q in chosen]


def measure(
    predict: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]], given: DefaultData, hold: int
) -> list[Measured]:
    """Figures on a held-out fold: points of two regions, and the quad at two dates.

    Args:
        predict: ``(N, 4, 256, 256)`` imagery to ``(N, 256, 256)`` class channels.
        given: the data.
        hold: the fold.
    """
    where = given.position()
    points = [p for p in given.points if data.fold_of(p.chip) == hold]
    chips = sorted({p.chip for p in points})
    maps = dict(zip(chips, predict(given.images[[where[c] for c in chips]])))
    results = []
    for group, region in ((0, "naip"), (1, "ohio")):
        mine = [p for p in points if data.group_of(p.chip) == group]
        truth = np.array([p.class_index for p in mine])
        said = np.array([maps[p.chip][p.row, p.col] for p in mine])
        strata = np.array([p.stratum for p in mine])
        title = (
            f"{data.GROUPS[group].capitalize()}, points of held-out {'places' if group == 0 else 'clusters'}"
        )
        results.append(measured(title, NAMES, truth, said, strata, data.read_strata(given.folder, region)))
    return results + _measure_chesapeake(predict, given)


def _measure_chesapeake(predict: Any, given: DefaultData) -> list[Measured]:
    where, inner = given.position(), slice(data.CHESAPEAKE_MARGIN, -data.CHESAPEAKE_MARGIN)
    merge = np.array([*MERGED, *([UNLABELLED] * (256 - len(MERGED)))], np.uint8)
    results = []
    for date, title in (("_new", "newer"), ("_old", "older")):
        chips = [
            n for n in given.names if n.endswith(date) and data.group_of(n) == 2 and data.held_out(n, ())
        ]
        said = predict(given.images[[where[c] for c in chips]])[:, inner, inner]
        truth = np.stack([data.read_chesapeake_labels(given.folder, c) for c in chips])[:, inner, inner]
        full = f"West Virginia, held-out quad, {title} date, four classes"
        results.append(measured(full, MERGED_NAMES, merge[truth], merge[said]))
    return results


def short_figures(found: list[Measured]) -> dict[str, float]:
    """The figures of :func:`measure` as a row of the curves."""
    figures: dict[str, float] = {}
    for m, key in zip(found[:2], ("california", "ohio")):
        four = m.merged(MERGED, MERGED_NAMES)
        figures[f"{key} five"] = m.overall.value
        figures[f"{key} four"] = four.overall.value
        figures[f"{key} mean recall"] = four.mean_recall((1, 2, 3))
    for m, key in zip(found[2:], ("west virginia newer", "west virginia older")):
        figures[key] = m.overall.value
    return figures


def train_default(
    given: DefaultData,
    soft: npt.NDArray[np.uint8],
    folder: Path,
    where: Place,
    steps: int,
    *,
    hold: Collection[int],
    rate: float = RATE,
    cool_down: float = 0.35,
    colour_only: bool = False,
    start: SegmentationNetwork | None = None,
    hard_share: float = HARD_SHARE[0],
    seed: int = 1,
    report: Report | None = None,
) -> SegmentationNetwork:
    """Train one of the default networks, or go on with it.

    Args:
        given: the data.
        soft: soft labels of every chip.
        folder: of the run.
        where: this process.
        steps: of the whole run.
        hold: folds that are held out; figures are of the first.
        rate: learning rate.
        colour_only: without near infrared.
        cool_down: share of the steps in which the rate falls.
        start: network whose weights the run starts from; near infrared is taken out as needed.
        hard_share: weight of the hard labels beside the soft ones.
        seed: of everything random.
        report: called at every check.
    """
    bands = (0, 1, 2) if colour_only else (0, 1, 2, 3)
    chips = training_set(given, soft, hold).with_bands(bands)
    source = CropSource(chips, CROPS, len(LEGEND), seed)
    plan = LoopPlan(
        steps=steps, rate=rate, hard_share=hard_share, cool_down=cool_down, check_every=250, seed=seed
    )
    folder.mkdir(parents=True, exist_ok=True)
    begins = begun(replace(SHAPE, bands=len(bands)), start, seed)
    radiometry = COLOUR_ONLY if colour_only else INFRARED
    loop = TrainingLoop(begins.shape, source, plan, radiometry, where, folder, begins.state_dict())

    def check(network: SegmentationNetwork) -> dict[str, float]:
        return short_figures(measure(lambda x: predicted_classes(network, x[:, bands]), given, min(hold)))

    return loop.run(check, report)


def go_on(
    given: DefaultData,
    soft: npt.NDArray[np.uint8],
    folder: Path,
    where: Place,
    steps: int,
    start: SegmentationNetwork,
    *,
    hold: int,
    infrared: SegmentationNetwork | None = None,
    seed: int = 1,
    report: Report | None = None,
) -> SegmentationNetwork:
    """Let a network learn on, its own opinion, or that of one with near infrared, blended into the soft labels.

    What comes out, in ``folder/checkpoint.pt``, is the mean of its weights before and after; where it began with another
    shape than :data:`SHAPE`, those after. The run itself is in ``folder/onward``.

    Args:
        start: a network that never saw fold ``hold``; the others as in :func:`train_default`.
        infrared: what teaches a network without near infrared.
    """
    teacher, trust = (start, OWN_OPINION) if infrared is None else (infrared, INFRARED_OPINION[1])
    blended = blended_labels(soft, teacher, given.images, trust)
    shape = replace(SHAPE, bands=start.shape.bands)
    kept = KEPT if start.shape == shape else 0.0  # what has become another network is no part of a mean
    start = begun(shape, start, seed)
    train_default(
        given, blended, folder / ONWARD, where, steps, hold=(hold,), rate=GO_ON_RATE, cool_down=0.5, start=start,
        colour_only=infrared is not None, hard_share=HARD_SHARE[infrared is not None], seed=seed, report=report,
    )  # fmt: skip
    if where.leads:
        after = read_checkpoint(folder / ONWARD / "checkpoint.pt")
        if after is not None:
            mean = mean_weights(start.state_dict(), after.averaged, kept)
            write_checkpoint(folder / "checkpoint.pt", replace(after, averaged=mean))
    if where.world > 1:
        torch.distributed.barrier()
    return network_from(folder / "checkpoint.pt")


def train_from_nothing(
    given: DefaultData,
    soft: npt.NDArray[np.uint8],
    folder: Path,
    where: Place,
    steps: int,
    *,
    hold: int,
    seed: int = 1,
    report: Report | None = None,
) -> SegmentationNetwork:
    """A fresh network with near infrared: taught by the weak teacher, then going on with its own opinion.

    It is taught without any of the folds of ``taught_without(hold)``, beside ``folder``, once for all of them.

    Args:
        steps: of both parts together.
        hold: fold that is held out; the others as in :func:`train_default`.
    """
    first, apart = round(FIRST_SHARE * steps), data.taught_without(hold)
    taught = train_default(
        given, soft, folder.parent / f"taught_without_{'_'.join(map(str, apart))}", where, first, hold=apart,
        seed=seed, report=report,
    )  # fmt: skip
    onward = _later(report, first, steps)
    return go_on(given, soft, folder, where, steps - first, taught, hold=hold, seed=seed, report=onward)


def train_from_infrared(
    given: DefaultData,
    soft: npt.NDArray[np.uint8],
    folder: Path,
    where: Place,
    steps: int,
    infrared: SegmentationNetwork,
    *,
    hold: int,
    seed: int = 1,
    report: Report | None = None,
) -> SegmentationNetwork:
    """A network without near infrared, from the one with it and taught by it, first in ``folder/taught``.

    Args:
        steps: of both parts together.
        infrared: a network that never saw fold ``hold``; the others as in :func:`train_from_nothing`.
    """
    first = round(TAUGHT_SHARE * steps)
    blended = blended_labels(soft, infrared, given.images, INFRARED_OPINION[0])
    taught = train_default(
        given, blended, folder / "taught", where, first, hold=(hold,), colour_only=True, start=infrared,
        seed=seed, report=report,
    )  # fmt: skip
    return go_on(
        given, soft, folder, where, steps - first, taught, hold=hold, infrared=infrared, seed=seed,
        report=_later(report, first, steps),
    )  # fmt: skip


def _later(report: Report | None, first: int, steps: int) -> Report:
    """Reports of a second part, counted on from the first."""

    def later(step: int, _: int, figures: dict[str, float]) -> None:
        if report is not None:
            report(first + step, steps, figures)

    return later


def blended_labels(
    soft: npt.NDArray[np.uint8],
    network: SegmentationNetwork,
    images: npt.NDArray[np.uint8],
    trust: float,
) -> npt.NDArray[np.uint8]:
    """Soft labels with a trained network's opinion blended in, ``trust`` being its share."""
    blended = soft.copy()
    for i in range(0, len(images), 16):
        found = predicted_probabilities(network, images[i : i + 16])
        n, k, h, w = found.shape
        cells = found.reshape(n, k, h // SOFT_STEP, SOFT_STEP, w // SOFT_STEP, SOFT_STEP).mean((3, 5))
        mixed = trust * 254 * cells + (1 - trust) * blended[i : i + 16]
        blended[i : i + 16] = np.rint(mixed).astype(np.uint8)
    return blended


__all__ = ["POINT_CLASSES", "read_default_data", "train_default", "training_set"]
