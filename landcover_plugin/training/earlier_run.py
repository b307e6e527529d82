"""A default model that another run can go on from and still be measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.errors import OptionError
from ..core.model import read_model
from .network import SegmentationNetwork
from .warm_start import network_of

HELD_OUT = "held out"


def fold_held_out(hold: int, folds: int) -> str:
    """How the provenance of a model begins to say which fold it did not see."""
    return f"fold {hold} of {folds}"


@dataclass(frozen=True)
class EarlierRun:
    """A model as its run left it.

    Args:
        network: it never saw the held-out fold.
        version: of the model.
        text: what provenance says of it.
    """

    network: SegmentationNetwork
    version: int
    text: str


def read_earlier_run(
    folder: Path, name: str, hold: int, folds: int, images: npt.NDArray[np.uint8]
) -> EarlierRun:
    """The network of a model folder.

    Args:
        folder: of the model, such as the shipped one.
        name: of the model that goes on.
        hold: fold that is held out.
        folds: how many there are.
        images: ``(N, 4, 256, 256)`` imagery that normalisation is set by.

    Raises:
        OptionError: it is another model, or saw that fold.
        ModelError: it is damaged, or no model of this program.
    """
    spec = read_model(folder)
    if spec.name != name:
        raise OptionError(f"{folder} is {spec.name}; go on from {name}.")
    seen = str(spec.provenance.get(HELD_OUT, ""))
    if not seen.startswith(fold_held_out(hold, folds)):
        raise OptionError(f"{spec.name} {spec.version} held out '{seen}', so fold {hold} cannot be held out of a run "
                          "that goes on from it; give --hold that fold, or another version.")  # fmt: skip
    text = f"{spec.name} {spec.version}, SHA-256 {spec.sha256}"
    return EarlierRun(network_of(spec, images[:, : len(spec.bands)]), int(spec.version), text)
