from __future__ import annotations

import numpy as np
import pytest

from landcover_plugin.training import weak_teacher
from landcover_plugin.training.default_weak_labels import TILT, adjusted

pytest.importorskip("sklearn", reason="the weak teacher needs the extra 'train'")


@pytest.fixture
def chip() -> tuple[np.ndarray, np.ndarray]:
    """Left half dark and smooth, right half bright and rough."""
    rng = np.random.default_rng(0)
    image = np.full((4, 256, 256), 60.0)
    image[:, :, 128:] = 180 + 20 * rng.standard_normal((4, 256, 128))
    opinion = rng.integers(0, 50, (5, 256, 256))
    return image.clip(0, 255).astype(np.uint8), opinion.astype(np.uint8)


def test_trees_fitted_to_a_few_points_label_the_whole_chip_softly(chip) -> None:
    maps = weak_teacher.features(*chip)
    assert maps.shape == (72, 256, 256) and np.isfinite(maps).all()
    at = [(40 * i + 20, col) for i in range(6) for col in (40, 210)]
    samples = np.stack([weak_teacher.at_square(maps, r, c) for r, c in at])
    trees = weak_teacher.fitted_trees(samples, np.array([0, 1] * 6))
    shares = weak_teacher.soft_labels(trees, maps)
    assert shares.shape == (2, 128, 128)
    assert (shares[0, :, :56] > 200).mean() > 0.95
    assert (shares[1, :, 72:] > 200).mean() > 0.95


def test_shares_are_tilted_in_california_and_mixed_with_2018_in_ohio() -> None:
    shares = np.full((5, 128, 128), 51, np.uint8)
    opinion = np.zeros((5, 256, 256), np.uint8)
    opinion[4] = 254
    california = adjusted(shares, opinion, 0)[:, 0, 0] / 254
    assert california == pytest.approx(TILT / TILT.sum(), abs=0.01)
    ohio = adjusted(shares, opinion, 1)[:, 0, 0] / 254
    assert ohio == pytest.approx([0.12, 0.12, 0.12, 0.32, 0.32], abs=0.01)
    assert np.array_equal(adjusted(shares, opinion, 2), shares)
