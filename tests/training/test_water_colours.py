"""Chips whose water has another colour."""

from __future__ import annotations

import numpy as np
import pytest

from landcover_plugin.training.water_colours import WATER, chips_with_water, recoloured


@pytest.fixture()
def pond() -> tuple[np.ndarray, np.ndarray]:
    """A blue pond in the upper half of a meadow, and the share of water."""
    rng = np.random.default_rng(0)
    image = np.full((4, 256, 256), 120, np.uint8)
    image[:, :128] = np.array([30, 45, 70, 10], np.uint8)[:, None, None]
    image += rng.integers(0, 6, image.shape, np.uint8)
    share = np.zeros((128, 128), np.uint8)
    share[:64] = 254
    return image, share


def test_the_ground_and_the_near_infrared_stay_and_the_water_changes(pond):
    image, share = pond
    changed = recoloured(image, share, 3)
    assert np.array_equal(changed[:, 128:], image[:, 128:])
    assert np.array_equal(changed[3], image[3])
    assert np.abs(changed[:3, :128].mean((1, 2)) - image[:3, :128].mean((1, 2))).max() > 10


def test_colours_differ_by_seed_and_are_the_same_for_the_same(pond):
    image, share = pond
    means = {tuple(recoloured(image, share, seed)[:3, :128].mean((1, 2)).round()) for seed in range(20)}
    assert len(means) > 15
    assert np.array_equal(recoloured(image, share, 7), recoloured(image, share, 7))


def test_waves_stay(pond):
    image, share = pond
    changed = recoloured(image, share, 1).astype(float)
    waves, before = changed[1, :100] - changed[1, :100].mean(), image[1, :100] - image[1, :100].mean()
    assert np.corrcoef(waves.ravel(), before.ravel())[0, 1] > 0.7


def test_chips_with_some_sure_water_are_found():
    soft = np.zeros((3, 5, 128, 128), np.uint8)
    soft[1, WATER, :8] = 254
    soft[2, WATER] = 120
    assert chips_with_water(soft).tolist() == [1]
