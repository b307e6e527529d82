from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch

from landcover_plugin.core.errors import OptionError
from landcover_plugin.training.scenes import (
    HeadPlan,
    SceneClassifier,
    chip_features,
    cross_validated,
    described,
    train_head,
)

PLAN = HeadPlan(inverse_decay=0.1)


def _chips(count: int = 20) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    scenes = np.arange(count) % 2
    images = rng.integers(0, 60, (count, 4, 256, 256)) + 120 * scenes[:, None, None, None]
    return images.astype(np.uint8), scenes


def test_features_are_computed_once_and_kept_for_the_same_network_and_images(small_network, tmp_path) -> None:
    images, _ = _chips(4)
    kept = tmp_path / "features.npz"
    first = chip_features(small_network, images, kept)
    written = kept.stat().st_mtime_ns
    assert np.array_equal(chip_features(small_network, images, kept), first)
    assert kept.stat().st_mtime_ns == written
    assert not np.array_equal(chip_features(small_network, images[::-1].copy(), kept), first)


def test_a_head_tells_dark_from_bright_chips_they_never_saw(small_network) -> None:
    images, scenes = _chips()
    features = chip_features(small_network, images)
    found = cross_validated(features, scenes, np.arange(20) // 4, ["dark", "bright"], PLAN)
    assert found.overall.value == 1.0
    assert found.matrix.sum() == 20


def test_a_class_of_one_fold_only_is_named(small_network) -> None:
    features = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    with pytest.raises(OptionError, match="No chip outside fold 1 is 'rare'"):
        cross_validated(
            features, np.array([0, 0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 1, 1]), ["often", "rare"], PLAN
        )


def test_the_exported_classifier_answers_once_a_chip(small_network, tmp_path) -> None:
    images, scenes = _chips(6)
    head = train_head(chip_features(small_network, images), scenes, 2, PLAN)
    classifier = SceneClassifier(small_network, head).eval()
    with torch.no_grad():
        classes, shares8, shares = classifier(torch.from_numpy(images))
    assert classes.tolist() == (scenes + 1).tolist()
    assert shares.shape == (6, 2) and shares8.dtype == torch.uint8
    assert onnxruntime.__version__


def test_of_two_encoders_the_one_that_knows_photographs_describes_a_chip(listening_network) -> None:
    chips = torch.from_numpy(_chips(2)[0]).float()
    maps = listening_network.photographs(chips)
    found = described(listening_network, chips)
    torch.testing.assert_close(found[:, : maps[0].shape[1]], maps[0].mean((2, 3)))
    assert found.shape == (2, 2 * sum(m.shape[1] for m in maps) + 2 * 5)
