"""From a trained chip classifier to a model folder."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..core.legend import Legend
from ..core.model import OUTPUTS, ModelSpec, PixelSize
from .export import BANDS, OPSET
from .model_folder import write_model_folder
from .scenes import SceneClassifier


def scene_spec(
    name: str, title: str, description: str, classifier: SceneClassifier, chip: int, legend: Legend,
    figures: Mapping[str, Any], provenance: Mapping[str, Any],
) -> ModelSpec:  # fmt: skip
    """What a classifier of square chips of ``chip`` pixels wants and gives."""
    return ModelSpec(
        name=name, title=title, description=description, licence="CC-BY-4.0", task="chip-classification",
        file="1/model.onnx", sha256="0" * 64, bands=BANDS[: classifier.features.network.shape.bands],
        dtype="uint8", fill="reflect", pixel_size_m=PixelSize(0.6, 0.5, 0.75), tile=chip, halo=0, stride=8,
        outputs=OUTPUTS, legend=legend, figures=figures, provenance=provenance,
    )  # fmt: skip


def export_scene_model(classifier: SceneClassifier, spec: ModelSpec, folder: Path) -> ModelSpec:
    """Write graph, ``model.json`` and ``config.pbtxt``.

    Returns:
        The spec with the graph's checksum.
    """
    path = folder / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    sample = torch.zeros((1, len(spec.bands), spec.tile, spec.tile), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            classifier, (sample,), str(path), opset_version=OPSET, dynamo=False, input_names=["chips"],
            output_names=list(OUTPUTS), dynamic_axes={n: {0: "batch"} for n in ("chips", *OUTPUTS)},
        )  # fmt: skip
    written = replace(spec, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), folder=folder)
    write_model_folder(written, folder)
    return written
