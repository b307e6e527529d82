"""Training a chip classifier on somebody's own chips, from a folder to a model folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..core.errors import OptionError
from ..core.legend import LandClass, Legend
from ..core.model import ModelSpec
from .evaluation import Measured, measured
from .network import SegmentationNetwork
from .scene_chips import SceneChips, read_scene_chips
from .scene_export import export_scene_model, scene_spec
from .scene_tuning import fine_tuned
from .scenes import Head, HeadPlan, SceneClassifier, chip_features, cross_validated, train_head
from .warm_start import network_of

Say = Callable[[str], None]
COLOURS = (
    "#E0A090",
    "#A05060",
    "#606060",
    "#58A050",
    "#C8A878",
    "#4F86B8",
    "#D9C84A",
    "#8A66A8",
    "#3FA39B",
    "#B86B2D",
)
"""Colours of the classes, in turn."""


@dataclass(frozen=True)
class SceneJob:
    """What to train on and how.

    Args:
        chips: folder of folders, or a table; see :mod:`.scene_chips`.
        out: folder of the run: kept features, figures, model.
        encoder: segmentation model of ours that describes the chips.
        folds: for the figures, by place.
        tune: steps in which the encoder learns on too; 0 to leave it frozen.
        seed: of everything random.
    """

    chips: Path
    out: Path
    encoder: ModelSpec
    folds: int = 5
    tune: int = 0
    seed: int = 1


def train_scene_model(job: SceneJob, name: str, say: Say) -> ModelSpec:
    """Measure over folds, fit on all chips, and write ``job.out / name``.

    Raises:
        OptionError: see :func:`read_scene_chips`; or a class lies in one fold only.
    """
    chips = read_scene_chips(job.chips, len(job.encoder.bands), say)
    if len(chips.classes) > len(COLOURS) * 25:
        raise OptionError(f"{job.chips} has {len(chips.classes)} classes; a legend holds 250 at most.")
    job.out.mkdir(parents=True, exist_ok=True)
    network = network_of(job.encoder, chips.images[:16])
    features = chip_features(network, chips.images, job.out / "features.npz")
    plan, folds = HeadPlan(), chips.folds(job.folds)
    found = [cross_validated(features, chips.scenes, folds, chips.classes, plan)]
    head = train_head(features, chips.scenes, len(chips.classes), plan)
    if job.tune:
        found.append(_measured_after_tuning(job, network, chips, folds))
        network, head = fine_tuned(network, head, chips.images, chips.scenes, job.tune, job.seed)
    (job.out / "figures.md").write_text("\n".join(m.as_text() for m in found), "utf-8")
    legend = Legend(
        tuple(LandClass(i + 1, c, COLOURS[i % len(COLOURS)]) for i, c in enumerate(chips.classes))
    )
    classifier = SceneClassifier(network, head).eval()
    spec = scene_spec(
        name, name, "Trained with landcover train scenes.", classifier, chips.side, legend,
        {m.title: m.as_json() for m in found},
        {"encoder": job.encoder.name, "chips": len(chips.scenes), "fine-tuning steps": job.tune, "seed": job.seed},
    )  # fmt: skip
    return export_scene_model(classifier, spec, job.out / name)


def _measured_after_tuning(
    job: SceneJob, network: SegmentationNetwork, chips: SceneChips, folds: np.ndarray
) -> Measured:
    """Figures on the first fold by an encoder and a head that did not see it."""
    held = folds == folds.min()
    features = chip_features(network, chips.images[~held])
    head = train_head(features, chips.scenes[~held], len(chips.classes), HeadPlan())
    tuned, head = fine_tuned(
        network, head, chips.images[~held], chips.scenes[~held], job.tune, job.seed
    )  # fmt: skip
    title = f"Chips of held-out places, one fold of {job.folds}, after {job.tune} steps of fine-tuning"
    return measured(title, chips.classes, chips.scenes[held], _said(tuned, head, chips.images[held]))


@torch.no_grad()
def _said(network: SegmentationNetwork, head: Head, images: np.ndarray) -> np.ndarray:
    return head(torch.from_numpy(chip_features(network, images))).argmax(1).numpy()
