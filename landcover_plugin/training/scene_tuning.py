"""Fine-tuning: the encoder of a chip classifier learns on together with its head."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from .augmentation import Radiometry, varied
from .network import SegmentationNetwork
from .scenes import BOUND, Head, described

BATCH = 16
ENCODER_RATE = 1e-4
HEAD_RATE = 5e-4
Report = Callable[[int, float], None]


def fine_tuned(
    network: SegmentationNetwork,
    head: Head,
    images: npt.NDArray[np.uint8],
    scenes: npt.NDArray[np.int64],
    steps: int,
    seed: int = 1,
    report: Report | None = None,
) -> tuple[SegmentationNetwork, Head]:
    """Copies of both that went on learning for some steps.

    The statistics of the normalisations stay as they are, since a batch is small; every class is
    drawn as often.

    Args:
        network: whose encoder describes the chips.
        head: fitted on the frozen encoder's features.
        images: ``(N, band, H, W)`` uint8.
        scenes: ``(N,)`` class channels.
        steps: of 16 chips each.
        seed: of everything random.
        report: called after each step with its number and loss.
    """
    network, head = copy.deepcopy(network).eval(), copy.deepcopy(head).train()
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    rng = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(
        [{"params": network.parameters(), "lr": ENCODER_RATE}, {"params": head.parameters(), "lr": HEAD_RATE}]
    )
    members = [np.flatnonzero(scenes == k) for k in range(int(scenes.max()) + 1)]
    members = [m for m in members if len(m)]
    for step in range(steps):
        chosen = np.array([rng.choice(members[rng.integers(len(members))]) for _ in range(BATCH)])
        chips = varied(_turned(torch.from_numpy(images[chosen]).float(), rng), Radiometry(), (seed, step))
        loss = functional.cross_entropy(_logits(network, head, chips), torch.from_numpy(scenes[chosen]))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([*network.parameters(), *head.parameters()], 1.0)
        optimiser.step()
        if report is not None:
            report(step + 1, float(loss.detach()))
    return network.eval(), head.eval()


def _logits(network: SegmentationNetwork, head: Head, chips: Tensor) -> Tensor:
    features = (described(network, chips) - head.mean) / head.scale
    return head.dense(features.clamp(-BOUND, BOUND))


def _turned(chips: Tensor, rng: np.random.Generator) -> Tensor:
    chips = torch.rot90(chips, int(rng.integers(4)), (2, 3))
    return chips.flip(3) if rng.random() < 0.5 else chips
