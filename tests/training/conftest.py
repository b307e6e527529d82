from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from landcover_plugin.training.chips import TrainingSet, empty_set  # noqa: E402
from landcover_plugin.training.network import NetworkShape, SegmentationNetwork, begun  # noqa: E402

SMALL = NetworkShape(4, 5, (8, 8, 8), (0, 1, 1))


@pytest.fixture
def small_network() -> SegmentationNetwork:
    """A network with settled batch statistics."""
    return _settled(SegmentationNetwork(SMALL))


@pytest.fixture
def listening_network() -> SegmentationNetwork:
    """The same with an encoder that has seen photographs, to which it listens."""
    network = begun(replace(SMALL, pretrained=True), None, 3)
    for part in (network.from4, network.joined8):
        torch.nn.init.normal_(part.weight, std=0.1)
    return _settled(network)


def _settled(network: SegmentationNetwork) -> SegmentationNetwork:
    torch.manual_seed(3)
    network.train()
    for _ in range(4):
        network(torch.rand(2, 4, 64, 64) * 255)
    return network.eval()


@pytest.fixture
def striped_chips() -> TrainingSet:
    """Chips whose brightness tells the class: five grey stripes, all of them labelled."""
    rng = np.random.default_rng(1)
    classes = np.repeat(np.arange(5, dtype=np.uint8), [52, 51, 51, 51, 51])
    labels = np.stack([np.broadcast_to(np.roll(classes, 40 * i), (256, 256)) for i in range(4)])
    images = 30 + 45 * labels[:, None].repeat(4, 1) + rng.integers(-6, 7, (4, 4, 256, 256))
    chips = empty_set([f"chip{i}" for i in range(4)], images.astype(np.uint8), np.zeros(4, np.int64), ["all"])
    chips.hard, chips.hard_weight = labels.copy(), np.full(labels.shape, 64, np.uint8)
    return chips
