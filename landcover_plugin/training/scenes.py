"""Chip classification by transfer learning: a frozen encoder's features, and a dense head on them.

The features are computed once and kept; the head is fitted in seconds. A chip is described by what
the segmentation network sees in it: mean and spread of its encoder's channels at three
resolutions, and how much of each land cover there is and how evenly it lies. Of two encoders it is
the one that has learned from photographs.
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


def described(network: SegmentationNetwork, chips: Tensor) -> Tensor:
    """``(N, band, H, W)`` imagery to ``(N, feature)``."""
    seen = network.features(chips)
    found: list[Tensor] = []
    for maps in network.photographs(chips) if network.shape.pretrained else seen:
        mean = maps.mean((2, 3))
        spread = (maps * maps).mean((2, 3)) - mean * mean
        found += [mean, spread.clamp_min(1e-6).sqrt()]
    shares = functional.avg_pool2d(torch.softmax(network.decoded(*seen), 1), 8)
    mean = shares.mean((2, 3))
    spread = (shares * shares).mean((2, 3)) - mean * mean
    return torch.cat([*found, mean, spread.clamp_min(1e-6).sqrt()], 1)


class ChipFeatures(nn.Module):
    """``(N, band, 256, 256)`` imagery to ``(N, feature)``; nothing in it is trained here."""

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = folded(network)
        for parameter in self.parameters():
            parameter.requires_grad_(False)

    def forward(self, chips: Tensor) -> Tensor:
        """Features of every chip."""
        return described(self.network, chips)


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
    """Standardised features, and one dense layer that gives a share for each scene class."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.dense = nn.Linear(features, classes)

    def forward(self, features: Tensor) -> Tensor:
        """Share of each class."""
        return torch.softmax(self.dense(((features - self.mean) / self.scale).clamp(-BOUND, BOUND)), 1)


BOUND = 5.0
"""Standard deviations beyond which a feature says no more."""


@dataclass(frozen=True)
class HeadPlan:
    """How a head learns.

    Args:
        inverse_decay: inverse of the weight decay (``C`` of logistic regression).
        balance: rare classes weigh more, by their rarity to this power: 0 not at all, 1 to be equal.
    """

    inverse_decay: float = 0.005
    balance: float = 0.5


def train_head(features: Floats, scenes: npt.NDArray[np.int64], classes: int, plan: HeadPlan) -> Head:
    """A head on ``(n, feature)`` features, by logistic regression; every class must occur."""
    from sklearn.linear_model import LogisticRegression

    mean, scale = features.mean(0), features.std(0) + 1e-3
    counts = np.bincount(scenes, minlength=classes)
    weight = {k: float((len(scenes) / classes / max(1, counts[k])) ** plan.balance) for k in range(classes)}
    regression = LogisticRegression(C=plan.inverse_decay, max_iter=500, class_weight=weight)
    values = np.clip((features - mean) / scale, -BOUND, BOUND).astype(np.float64)
    regression.fit(values, scenes)
    weights, bias = regression.coef_, regression.intercept_
    if classes == 2:  # scikit-learn keeps one row then
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    head = Head(features.shape[1], classes)
    head.mean.copy_(torch.from_numpy(mean))
    head.scale.copy_(torch.from_numpy(scale))
    head.dense.weight.data.copy_(torch.from_numpy(weights).float())
    head.dense.bias.data.copy_(torch.from_numpy(bias).float())
    return head.eval()


def cross_validated(
    features: Floats,
    scenes: npt.NDArray[np.int64],
    folds: npt.NDArray[np.int64],
    names: Sequence[str],
    plan: HeadPlan,
) -> Measured:
    """Each fold predicted by a head that saw the others only, pooled.

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
        head = train_head(features[~held], scenes[~held], len(names), plan)
        with torch.no_grad():
            said = head(torch.from_numpy(features[held])).argmax(1).numpy()
        parts.append(measured(f"fold {fold}", names, scenes[held], said))
    return pooled(f"Chips of held-out places, {len(parts)} folds", parts)


class SceneClassifier(nn.Module):
    """Raw uint8 chips in; class id, 8-bit and float32 probabilities of the whole chip out."""

    def __init__(self, network: SegmentationNetwork, head: Head, first_id: int = 1) -> None:
        super().__init__()
        self.features, self.head, self.first_id = ChipFeatures(network), head, first_id

    def forward(self, chips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Legend ids, 8-bit probabilities (0 to 254) and probabilities of whole chips."""
        shares = self.head(self.features(chips.float()))
        classes = (shares.argmax(1) + self.first_id).to(torch.uint8)
        return classes, (shares * 254 + 0.5).to(torch.uint8), shares
