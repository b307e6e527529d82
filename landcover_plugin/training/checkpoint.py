"""Checkpoints of a training run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..core.errors import ModelError, OutputError
from .network import NetworkShape, SegmentationNetwork, shape_from


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a run needs to go on.

    Args:
        shape: of the network.
        step: steps done.
        plan: the settings the run was started with, for people.
        network: weights as they are trained.
        averaged: their running average, which is what a run gives in the end.
        optimiser: state of the optimiser.
    """

    shape: NetworkShape
    step: int
    plan: dict[str, Any]
    network: dict[str, Any]
    averaged: dict[str, Any]
    optimiser: dict[str, Any]


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint beside its place and rename it there, so that none is ever half written.

    Raises:
        OutputError: the disk is full or the folder cannot be written.
    """
    new = path.with_suffix(".new")
    content = {**vars(checkpoint), "shape": checkpoint.shape.as_dict(), "kind": "landcover-segmentation"}
    try:
        torch.save(content, new)
        os.replace(new, path)
    except (OSError, RuntimeError) as e:
        new.unlink(missing_ok=True)
        raise OutputError(f"The checkpoint {path} cannot be written ({e}); free some space and start again, "
                          "the run goes on from the last one.") from e  # fmt: skip


def read_checkpoint(path: Path, shape: NetworkShape | None = None) -> Checkpoint | None:
    """The checkpoint at ``path``, or None if there is none.

    Args:
        path: of the file.
        shape: the network it must fit, if any.

    Raises:
        ModelError: damaged, not ours, or of another network.
    """
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        kind = content.pop("kind")
        stored = Checkpoint(**{**content, "shape": shape_from(content["shape"])})
    except Exception as e:
        raise ModelError(
            f"{path} is not a checkpoint of this program or is damaged; delete it to start over."
        ) from e
    if kind != "landcover-segmentation":
        raise ModelError(
            f"{path} is a checkpoint of another kind of network ({kind}); choose another folder."
        )
    if shape is not None and stored.shape != shape:
        raise ModelError(f"{path} belongs to another network ({stored.shape} instead of {shape}); "
                         "choose another folder or delete it.")  # fmt: skip
    return stored


def network_from(path: Path) -> SegmentationNetwork:
    """The averaged network of a checkpoint, ready to predict.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    stored = read_checkpoint(path)
    if stored is None:
        raise ModelError(f"There is no checkpoint at {path}; train a network first.")
    network = SegmentationNetwork(stored.shape)
    network.load_state_dict(stored.averaged)
    return network.eval()
