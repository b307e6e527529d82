"""The run that makes ``naip-scene``: merged scene classes of the Californian chips."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.errors import OptionError
from ..core.legend import LandClass, Legend
from ..core.model import ModelSpec
from . import default_data as data
from .evaluation import Measured
from .network import SegmentationNetwork
from .scene_export import export_scene_model, scene_spec
from .scenes import HeadPlan, SceneClassifier, chip_features, cross_validated, train_head

LEGEND = Legend(
    (
        LandClass(1, "residential", "#E0A090"),
        LandClass(2, "commercial", "#A05060"),
        LandClass(3, "transport", "#606060"),
        LandClass(4, "vegetation", "#58A050"),
        LandClass(5, "bare", "#C8A878"),
    )
)
NAMES = tuple(c.name for c in LEGEND)
MERGE = {
    "residential": 0, "commercial": 1, "transport": 2, "grass": 3, "wooded": 3, "barren": 4, "shrub": 4,
}  # fmt: skip
CHIP = 256
VERSION = "4"
"""Of the model: one more with every other encoder."""


def read_scenes(folder: Path, names: list[str]) -> dict[str, int]:
    """Scene channel of each place's first chip, by chip name."""
    first: dict[str, str] = {}
    for name in sorted(names):
        if data.group_of(name) == 0:
            first.setdefault(data.place_of(name), name)
    scenes = {}
    path = folder / "scenes" / "scenes.csv"
    try:
        with path.open(newline="", encoding="utf-8") as f:
            for row in csv.DictReader(f):
                place = f"{row['city']}_{int(row['place']):03d}"
                if place in first and row["scene"] in MERGE:
                    scenes[first[place]] = MERGE[row["scene"]]
    except OSError as e:
        raise OptionError(f"{path} cannot be read ({e.strerror}); check LANDCOVER_DATA.") from e
    return scenes


def train_scenes(
    network: SegmentationNetwork,
    names: list[str],
    images: npt.NDArray[np.uint8],
    folder: Path,
    out: Path,
    kept: Path | None = None,
) -> tuple[Measured, ModelSpec]:
    """Cross-validate the head, fit it on all places, and write the model folder.

    Returns:
        Figures over five folds by place, and the spec.
    """
    scenes = read_scenes(folder, names)
    where = {name: i for i, name in enumerate(names)}
    chips = list(scenes)
    features = chip_features(network, images[[where[c] for c in chips]], kept)
    truth = np.array([scenes[c] for c in chips])
    folds = np.array([data.fold_of(c) for c in chips])
    plan = HeadPlan()
    found = cross_validated(features, truth, folds, NAMES, plan)
    head = train_head(features, truth, len(NAMES), plan)
    spec = _export(SceneClassifier(network, head).eval(), found, out)
    return found, spec


def _export(classifier: SceneClassifier, found: Measured, out: Path) -> ModelSpec:
    spec = scene_spec(
        out.name, "Scene of a 154 m chip of NAIP",
        "What a 256 × 256 pixel chip at 0.6 m is used for, by what covers most of it or sets its use.",
        classifier, CHIP, LEGEND, {"five folds by place": found.as_json()},
        {"trained with": "landcover train default naip-scene"},
    )  # fmt: skip
    return export_scene_model(classifier, replace(spec, version=VERSION), out)
