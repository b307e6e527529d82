"""Measuring a shipped model folder, by the graph that is shipped, on the data it was made from."""

from __future__ import annotations

import numpy as np

from ..core.errors import ModelError
from ..core.model import ModelSpec
from . import default_data as data
from .default_models import measure, read_default_data
from .default_run import figures_text
from .default_scenes import NAMES, read_scenes
from .earlier_run import HELD_OUT, fold_held_out
from .evaluation import measured
from .shipped import shipped_classes

IDS = 5


def evaluate_model(spec: ModelSpec, hold: int) -> str:
    """Figures of a model as Markdown.

    A scene model is measured on all places; those it was trained on are not told apart, so the
    figures over five folds in its README are the ones that count.

    Raises:
        ModelError: the model has another legend.
    """
    given = read_default_data()
    if spec.task == "chip-classification":
        scenes = read_scenes(given.folder, given.names)
        where = given.position()
        images = given.images[[where[name] for name in scenes]]
        said = shipped_classes(spec, images)
        return measured(
            "All places, those of training among them", NAMES, np.array(list(scenes.values())), said
        ).as_text()
    if len(spec.legend) != IDS:
        raise ModelError(f"Model '{spec.name}' has {len(spec.legend)} classes but the points have {IDS}; "
                         "evaluate one of the default models.")  # fmt: skip

    found = measure(lambda images: shipped_classes(spec, images), given, hold)
    return f"{_held_out(spec, hold)}\n\n{figures_text(found)}"


def _held_out(spec: ModelSpec, hold: int) -> str:
    """What the figures on a fold are worth."""
    fold, told = fold_held_out(hold, data.FOLDS), str(spec.provenance.get(HELD_OUT, ""))
    if told.startswith(fold):
        return f"{fold.capitalize()}, held out."
    if told:
        return (
            f"{fold.capitalize()}. The model held out {told}: it learned from the points below, so their figures count "
            "for nothing."
        )
    return f"{fold.capitalize()}. The model does not say whether it learned from the points below."
