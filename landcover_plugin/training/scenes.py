"""Chip classification by transfer learning: a frozen encoder's features, and a dense head on them.

The features are computed once and kept; the head is trained in seconds. A chip is described by what
the segmentation network sees in it: mean and spread of its encoder's channels at three
resolutions, and how much of each land cover there is and how evenly it lies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..core.errors import OptionError
from .evaluation import Measured, measured, pooled
from .network import SegmentationNetwork, folded

Floats = npt.NDArray[np.float32]


class ChipFeatures(nn.Module):
    """``(N, band, 256, 256)`` imagery to ``(N, feature)``; nothing in it is trained here."""

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = folded(network)
        for parameter in self.parameters():
            parameter.requires_grad_(False)

    def forward(self, chips: Tensor) -> Tensor:
        """Features of every chip."""
        seen = self.network.features(chips)
        found: list[Tensor] = []
        for maps in seen:
            mean = maps.mean((2, 3))
            spread = (maps * maps).mean((2, 3)) - mean * mean
            found += [mean, spread.clamp_min(1e-6).sqrt()]
        shares = functional.avg_pool2d(torch.softmax(self.network(chips), 1), 8)
        mean = shares.mean((2, 3))
        spread = (shares * shares).mean((2, 3)) - mean * mean
        return torch.cat([*found, mean, spread.clamp_min(1e-6).sqrt()], 1)


@torch.no_grad()
def chip_features(
    network: SegmentationNetwork, images: npt.NDArray[np.uint8], kept: Path | None = None
) -> Floats:
    """``(N, feature)`` of chips, computed once: kept in ``kept`` for this network and these images."""
    key = hashlib.sha256(images.tobytes())
    for value in network.state_dict().values():
        key.update(value.cpu().numpy().tobytes())
    digest = key.hexdigest()
    if kept is not None and kept.is_file():
        stored = np.load(kept)
        if str(stored["key"]) == digest:
            return stored["features"]
    encoder = ChipFeatures(network).eval()
    found = [encoder(torch.from_numpy(images[i : i + 16]).float()).numpy() for i in range(0, len(images), 16)]
    result = np.concatenate(found).astype(np.float32)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, features=result, key=digest)
    return result


class Head(nn.Module):
    """Standardised features, one hidden layer, a score for each scene class."""

    def __init__(self, features: int, classes: int, hidden: int = 64) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.layers = nn.Sequential(
            nn.Dropout(0.3),
            nn.Linear(features, hidden),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(hidden, classes),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Scores before the softmax."""
        return self.layers(((features - self.mean) / self.scale).clamp(-5, 5))


@dataclass(frozen=True)
class HeadPlan:
    """How a head learns."""

    steps: int = 400
    rate: float = 3e-3
    weight_decay: float = 0.1
    smoothing: float = 0.1
    balance: float = 0.5
    members: int = 5
    seed: int = 1


class Heads(nn.Module):
    """Several heads that differ in their random start; their shares are averaged."""

    def __init__(self, members: Sequence[Head]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, features: Tensor) -> Tensor:
        """Mean share of each class."""
        return torch.stack([torch.softmax(head(features), 1) for head in self.members]).mean(0)


def train_heads(features: Floats, scenes: npt.NDArray[np.int64], classes: int, plan: HeadPlan) -> Heads:
    """Heads on ``(n, feature)`` features; rare classes weigh more, by the root of their rarity."""
    x, y = torch.from_numpy(features), torch.from_numpy(scenes)
    counts = torch.bincount(y, minlength=classes).clamp_min(1).float()
    weight = (counts.mean() / counts) ** plan.balance
    members = []
    for member in range(plan.members):
        torch.manual_seed(plan.seed * 100 + member)
        head = Head(features.shape[1], classes)
        head.mean.copy_(x.mean(0))
        head.scale.copy_(x.std(0) + 1e-3)
        optimiser = torch.optim.AdamW(head.parameters(), plan.rate, weight_decay=plan.weight_decay)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, plan.steps)
        head.train()
        for _ in range(plan.steps):
            loss = functional.cross_entropy(head(x), y, weight=weight, label_smoothing=plan.smoothing)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        members.append(head.eval())
    return Heads(members).eval()


def cross_validated(
    features: Floats,
    scenes: npt.NDArray[np.int64],
    folds: npt.NDArray[np.int64],
    names: Sequence[str],
    plan: HeadPlan,
) -> Measured:
    """Each fold predicted by heads that saw the others only, pooled.

    Raises:
        OptionError: a class does not occur outside a fold.
    """
    parts = []
    for fold in sorted(set(folds.tolist())):
        held = folds == fold
        lacking = set(range(len(names))) - set(scenes[~held].tolist())
        if lacking:
            raise OptionError(f"No chip outside fold {fold} is '{names[min(lacking)]}'; use fewer folds or "
                              "more chips of it.")  # fmt: skip
        heads = train_heads(features[~held], scenes[~held], len(names), plan)
        with torch.no_grad():
            said = heads(torch.from_numpy(features[held])).argmax(1).numpy()
        parts.append(measured(f"fold {fold}", names, scenes[held], said))
    return pooled(f"Chips of held-out places, {len(parts)} folds", parts)


class SceneClassifier(nn.Module):
    """Raw uint8 chips in; class id, 8-bit and float32 probabilities of the whole chip out."""

    def __init__(self, network: SegmentationNetwork, heads: Heads, first_id: int = 1) -> None:
        super().__init__()
        self.features, self.heads, self.first_id = ChipFeatures(network), heads, first_id

    def forward(self, chips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Legend ids, 8-bit probabilities (0 to 254) and probabilities of whole chips."""
        shares = self.heads(self.features(chips.float()))
        classes = (shares.argmax(1) + self.first_id).to(torch.uint8)
        return classes, (shares * 254 + 0.5).to(torch.uint8), shares
