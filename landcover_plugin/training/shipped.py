"""Class channels by the graph that is shipped, not by the network that it came from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..core.model import ModelSpec


def shipped_classes(spec: ModelSpec, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Class channels of ``(N, band, H, W)`` chips; a segmentation's halo is mirrored.

    Returns:
        ``(N, H, W)`` for a segmentation, ``(N,)`` for chip classification.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(spec.path), providers=["CPUExecutionProvider"])
    channel = np.full(256, 255, np.uint8)
    channel[[c.id for c in spec.legend]] = np.arange(len(spec.legend))
    name, edge = session.get_inputs()[0].name, (spec.halo, spec.halo)
    found = []
    for image in images[:, : len(spec.bands)]:
        chip = np.pad(image, ((0, 0), edge, edge), "symmetric")[None]
        found.append(channel[session.run(["classes"], {name: chip})[0]])
    return np.concatenate(found)
