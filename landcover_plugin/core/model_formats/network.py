"""An imported network: an ONNX graph of one image in and one map of scores out, and its sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Network:
    """A graph that somebody else made.

    Args:
        model: ``onnx.ModelProto``.
        input: name of its input, (N, band, row, col), some float type.
        output: name of its output, (N, channel, row, col) or (N, row, col).
        bands: that it reads.
        channels: that it gives.
        has_channel_axis: whether the output has four axes.
        side: of the picture, where the graph fixes it, else None.
        margin: pixels that the output lacks at each side.
        stride: sides must be a multiple of it, where that is known, else None.
        batch: number of pictures, where the graph fixes it, else None.
        activation: what still has to be applied to get probabilities.
    """

    model: Any
    input: str
    output: str
    bands: int
    channels: int
    has_channel_axis: bool
    side: int | None
    margin: int
    stride: int | None
    batch: int | None
    activation: str
