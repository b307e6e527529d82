"""Training a segmentation model on somebody's own pairs, from folders to a model folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ..core.errors import OptionError
from ..core.legend import Legend
from ..core.model import ModelSpec
from .augmentation import Radiometry
from .chips import TrainingSet
from .crops import CropPlan, CropSource
from .default_legend import LEGEND
from .evaluation import Measured, measured
from .export import export_model, segmentation_spec
from .loop import LoopPlan, Place, Report, TrainingLoop
from .network import NetworkShape, SegmentationNetwork
from .pairs import find_pairs, read_pairs, require_classes, split_by_name
from .partial import add_points, add_polygons, add_teacher
from .prediction import classes
from .remap import read_remap
from .sheet import write_sheet
from .warm_start import network_of

Say = Callable[[str], None]
NORMALISED_BY = 16
"""Chips that set the normalisation of a network that goes on learning."""


@dataclass(frozen=True)
class SegmentJob:
    """What to train on and how.

    Args:
        images: folder of imagery.
        labels: folder of label rasters.
        out: folder of the run: checkpoints, curves, figures, sheet, ``model``.
        table: built-in remap table or CSV file; None where values are legend ids.
        bands: band numbers, 1 for the first.
        legend: the classes.
        validation_share: share of the images kept for checks.
        points: table of labelled points, or None.
        polygons: GeoJSON of labelled polygons, or None.
        teacher: model whose opinion is learned too, or None.
        teacher_weight: of its opinion.
        start: model whose network goes on learning, or None for a fresh one of these widths and blocks.
        shape: widths and blocks of the network.
        radiometry: how imagery is varied.
        crops: how crops are drawn.
        loop: how long and fast.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    images: Path
    labels: Path
    out: Path
    loop: LoopPlan
    table: str | None = None
    bands: tuple[int, ...] = (1, 2, 3, 4)
    legend: Legend = LEGEND
    validation_share: float = 0.2
    points: Path | None = None
    polygons: Path | None = None
    teacher: ModelSpec | None = None
    teacher_weight: float = 1.0
    start: ModelSpec | None = None
    widths: tuple[int, int, int] = (32, 64, 128)
    blocks: tuple[int, int, int] = (0, 1, 2)
    radiometry: Radiometry = field(default_factory=Radiometry)
    crops: CropPlan = field(default_factory=CropPlan)
    device: str = "auto"


def read_job(job: SegmentJob, say: Say) -> tuple[TrainingSet, TrainingSet]:
    """Training and validation chips with all their labels, checked before hours are spent.

    Raises:
        OptionError, ImageryError: see :mod:`.pairs`, :mod:`.partial` and :mod:`.remap`.
    """
    pairs = find_pairs(job.images, job.labels)
    remap = read_remap(job.table, job.legend)
    chips = read_pairs(pairs, remap, job.bands, say, _progress(len(pairs), "Reading pairs"))
    held = split_by_name(chips.names, job.validation_share, job.loop.seed)
    if held.all():
        raise OptionError(f"The folder {job.images} holds one image only, so nothing is left for checks; "
                          "cut it in two or add another.")  # fmt: skip
    training, validation = subset(chips, ~held), subset(chips, held)
    if job.points is not None:
        say(f"{add_points(training, job.points, job.legend)} points lie on training images.")
    if job.polygons is not None:
        by_stem = {p.image.stem: p.image for p in pairs}
        found = add_polygons(training, job.polygons, by_stem, job.legend)
        say(f"{found} pixels of training images lie in polygons.")
    if job.teacher is not None:
        add_teacher(training, job.teacher, job.legend, job.teacher_weight)
    require_classes(training, [c.name for c in job.legend])
    _anchor_labels(training, len(job.legend), job.loop.seed)
    return training, validation


def subset(chips: TrainingSet, kept: Any) -> TrainingSet:
    """Some chips of a set; anchors are left behind."""
    return TrainingSet(
        [n for n, k in zip(chips.names, kept) if k],
        chips.images[kept], chips.hard[kept], chips.hard_weight[kept],
        None if chips.soft is None else chips.soft[kept],
        chips.soft_weight[kept], chips.group[kept], chips.groups,
    )  # fmt: skip


def _anchor_labels(chips: TrainingSet, class_count: int, seed: int, most: int = 4000) -> None:
    """Draw crops around labelled pixels of each class, so that rare classes are seen as often."""
    from .chips import Anchor

    rng = np.random.default_rng(seed)
    for k in range(class_count):
        counts = (chips.hard == k).sum((1, 2))
        holders = np.flatnonzero(counts)
        if not len(holders):
            continue
        for chip in rng.choice(holders, size=min(most, 20 * len(holders)), p=counts[holders] / counts.sum()):
            rows, cols = np.nonzero(chips.hard[chip] == k)
            q = rng.integers(len(rows))
            chips.anchors.append(Anchor(int(chip), int(rows[q]), int(cols[q]), k, int(chips.group[chip])))


def train_segmentation(
    job: SegmentJob,
    training: TrainingSet,
    validation: TrainingSet,
    where: Place,
    report: Report | None = None,
) -> SegmentationNetwork:
    """Train on chips in memory, or go on with the run in ``job.out``."""
    shape = NetworkShape(training.bands, len(job.legend), job.widths, job.blocks)
    weights = None
    if job.start is not None:
        shape, weights = _start(job.start, training, len(job.legend))
    source = CropSource(training, job.crops, len(job.legend), job.loop.seed)
    job.out.mkdir(parents=True, exist_ok=True)
    loop = TrainingLoop(shape, source, job.loop, job.radiometry, where, job.out, weights)

    def check(network: SegmentationNetwork) -> dict[str, float]:
        found = evaluate(network, validation, job.legend)
        return {"validation accuracy": found.overall.value,
                "validation mean recall": found.mean_recall(range(len(job.legend)))}  # fmt: skip

    network = loop.run(check, report)
    if where.leads and loop.curves.rows:
        loop.curves.draw()
    return network


def _start(spec: ModelSpec, chips: TrainingSet, classes: int) -> tuple[NetworkShape, dict[str, Tensor]]:
    if (len(spec.bands), len(spec.legend)) != (chips.bands, classes):
        raise OptionError(
            f"Model '{spec.name}' has {len(spec.bands)} bands and {len(spec.legend)} classes, but "
            f"{chips.bands} bands and {classes} classes are to be learned; start from another model or without one."
        )
    network = network_of(spec, chips.images[:NORMALISED_BY])
    return network.shape, network.state_dict()


def evaluate(network: SegmentationNetwork, chips: TrainingSet, legend: Legend) -> Measured:
    """Compare a network with the labels of chips."""
    said = classes(network, chips.images)
    return measured("Images kept out of training", [c.name for c in legend], chips.hard, said)


def finish(job: SegmentJob, network: SegmentationNetwork, validation: TrainingSet, name: str) -> ModelSpec:
    """Write figures, sheet and model folder of a finished run.

    Returns:
        The spec of the model in ``job.out / name``.
    """
    found = evaluate(network, validation, job.legend)
    (job.out / "figures.md").write_text(found.as_text(), "utf-8")
    first = slice(0, 12)
    said = classes(network, validation.images[first])
    write_sheet(job.out / "sheet.png", validation.images[first], validation.hard[first], said, job.legend)
    provenance = {"trained on": str(job.images.name), "seed": job.loop.seed, "run": _plain(asdict(job.loop))}
    spec = segmentation_spec(name, name, "Trained with landcover train segment.", network,
                             {"validation": found.as_json()}, provenance)  # fmt: skip
    return export_model(network, replace(spec, legend=job.legend), job.out / name)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def _progress(total: int, title: str) -> Callable[[Iterator[Any]], Iterator[Any]]:
    def wrap(items: Iterator[Any]) -> Iterator[Any]:
        from tqdm import tqdm

        return iter(tqdm(items, total=total, desc=title, leave=False))

    return wrap
