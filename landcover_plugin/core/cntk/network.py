"""What a CNTK file becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ImportedNetwork:
    """A network as ONNX with free batch size, height and width.

    Args:
        model: input ``x`` (N, bands, H, W) float32, output ``y`` (N, classes, h, w) float32.
        bands: channels of the input.
        classes: channels of the output.
        window: side of the input that the file states.
        margin: pixels that the output lacks at each side.
        stride: H and W must be multiples of it.
    """

    model: Any
    bands: int
    classes: int
    window: int
    margin: int
    stride: int
