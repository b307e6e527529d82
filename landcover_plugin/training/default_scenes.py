"""The run that makes ``naip-scene``: merged scene classes of the Californian chips."""

from __future__ import annotations

import csv
import hashlib
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..core.errors import OptionError
from ..core.legend import LandClass, Legend
from ..core.model import OUTPUTS, ModelSpec, PixelSize
from . import default_data as data
from .evaluation import Measured
from .export import BANDS, OPSET
from .model_folder import write_model_folder
from .network import SegmentationNetwork
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
    path = out / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    bands = classifier.features.network.shape.bands
    sample = torch.zeros((1, bands, CHIP, CHIP), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            classifier, (sample,), str(path), opset_version=OPSET, dynamo=False, input_names=["chips"],
            output_names=list(OUTPUTS), dynamic_axes={n: {0: "batch"} for n in ("chips", *OUTPUTS)},
        )  # fmt: skip
    spec = ModelSpec(
        name=out.name,
        title="Scene of a 154 m chip of NAIP",
        description="What a 256 × 256 pixel chip at 0.6 m is used for, by what covers most of it or sets its use.",
        licence="CC-BY-4.0",
        task="chip-classification",
        file="1/model.onnx",
        sha256="0" * 64,
        bands=BANDS[:bands],
        dtype="uint8",
        fill="reflect",
        pixel_size_m=PixelSize(0.6, 0.5, 0.75),
        tile=CHIP,
        halo=0,
        stride=8,
        outputs=OUTPUTS,
        legend=LEGEND,
        figures={"five folds by place": found.as_json()},
        provenance={"trained with": "landcover train default naip-scene"},
    )
    written = replace(spec, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), folder=out)
    write_model_folder(written, out)
    return written
