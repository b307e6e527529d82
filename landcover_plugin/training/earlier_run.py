"""An earlier run of a default model, which another can go on from and still be measured.

The shipped weights cannot: they went on with the points of all folds once the figures were taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..core.errors import OptionError
from ..core.model import read_model
from .checkpoint import network_from
from .network import SegmentationNetwork

HELD_OUT = "held out"
MEASURED_FORM = "float"
"""Folder in a run: the measured network as a model folder, with the 8-bit form's as its neighbour."""


def fold_held_out(hold: int, folds: int) -> str:
    """How the provenance of a model begins to say which fold it did not see."""
    return f"fold {hold} of {folds}"


@dataclass(frozen=True)
class EarlierRun:
    """The measured network of an earlier run.

    Args:
        network: it never saw the held-out fold.
        version: of the model that the run made.
        text: what provenance says of it.
    """

    network: SegmentationNetwork
    version: int
    text: str


def read_earlier_run(folder: Path, name: str, hold: int, folds: int) -> EarlierRun:
    """The measured network in the folder of an earlier run.

    Args:
        folder: of the run, ``RUNS/NAME``.
        name: of the model that goes on.
        hold: fold that is held out.
        folds: how many there are.

    Raises:
        OptionError: the folder is not one of a run that ended, the run made another model, or saw that fold.
        ModelError: its checkpoint is damaged.
    """
    checkpoint, measured = folder / "checkpoint.pt", folder / MEASURED_FORM
    if not checkpoint.is_file() or not (measured / "model.json").is_file():
        raise OptionError(
            f"{folder} is not the folder of a run that ended; give one that 'landcover train default' wrote, such as "
            f"runs/{name} (a shipped model cannot be gone on from here, it has seen the points of all folds)."
        )
    spec = read_model(measured)
    if spec.name != name:
        raise OptionError(f"The run in {folder} made {spec.name}; go on from a run of {name}.")
    seen = str(spec.provenance.get(HELD_OUT, ""))
    if not seen.startswith(fold_held_out(hold, folds)):
        raise OptionError(f"The run in {folder} held out '{seen}', so fold {hold} cannot be held out of one that "
                          "goes on from it; give --hold that fold, or another run.")  # fmt: skip
    text = f"{spec.name} {spec.version}, the network that was measured, SHA-256 {spec.sha256}"
    return EarlierRun(network_from(checkpoint), int(spec.version), text)
