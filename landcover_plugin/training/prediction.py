"""Predictions of a network in training, for checks: chips with their halo mirrored."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from .network import SegmentationNetwork, reach_px


def halo_px(network: SegmentationNetwork) -> int:
    """The reach of a network, rounded up to its stride."""
    stride = network.shape.stride
    return -(-reach_px(network.shape) // stride) * stride


@torch.no_grad()
def probabilities(
    network: SegmentationNetwork, images: npt.NDArray[np.uint8], batch: int = 8
) -> npt.NDArray[np.float32]:
    """``(N, class, H, W)`` for ``(N, band, H, W)`` imagery, its surroundings mirrored at the edges."""
    halo, device = halo_px(network), next(network.parameters()).device
    height, width = images.shape[2:]
    spare = (-height % network.shape.stride, -width % network.shape.stride)
    edges = ((0, 0), (0, 0), (halo, halo + spare[0]), (halo, halo + spare[1]))
    given = []
    for i in range(0, len(images), batch):
        padded = torch.from_numpy(np.pad(images[i : i + batch], edges, "symmetric")).to(device)
        chips = padded.float().contiguous(memory_format=torch.channels_last)
        logits = network.eval()(chips)[:, :, halo : halo + height, halo : halo + width]
        given.append(torch.softmax(logits.float(), 1).cpu().numpy())
    return np.concatenate(given)


def classes(
    network: SegmentationNetwork, images: npt.NDArray[np.uint8], batch: int = 8
) -> npt.NDArray[np.uint8]:
    """``(N, H, W)`` class channels of imagery."""
    return probabilities(network, images, batch).argmax(1).astype(np.uint8)
