from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from landcover_plugin.training.augmentation import NONE, Radiometry, varied

IMAGES = torch.randint(0, 256, (8, 4, 32, 32), generator=torch.Generator().manual_seed(0)).float()


def test_without_any_amount_nothing_changes() -> None:
    assert (varied(IMAGES, NONE, (1, 2)) - IMAGES).abs().max() <= 1


def test_the_same_seed_gives_the_same_imagery() -> None:
    assert torch.equal(varied(IMAGES, Radiometry(), (1, 2)), varied(IMAGES, Radiometry(), (1, 2)))
    assert not torch.equal(varied(IMAGES, Radiometry(), (1, 2)), varied(IMAGES, Radiometry(), (1, 3)))


def test_values_stay_those_of_eight_bit_imagery() -> None:
    found = varied(IMAGES, replace(Radiometry(), extreme=1.0, noise=1.0, jpeg=1.0), (5,))
    assert found.min() >= 0 and found.max() <= 255
    assert torch.equal(found, found.round())


def test_a_missing_near_infrared_is_zero_and_the_rest_is_kept() -> None:
    found = varied(IMAGES, replace(NONE, without_infrared=1.0), (1,))
    assert (found[:, 3] == 0).all()
    assert (found[:, :3] - IMAGES[:, :3]).abs().max() <= 1


def test_dormant_vegetation_turns_brown_and_bare_ground_stays() -> None:
    meadow = torch.tensor([60.0, 100.0, 50.0, 180.0]).reshape(1, 4, 1, 1).expand(2, 4, 16, 16)
    soil = torch.tensor([150.0, 130.0, 110.0, 150.0]).reshape(1, 4, 1, 1).expand(2, 4, 16, 16)
    plan = replace(NONE, dormant=1.0)
    assert (varied(meadow, plan, (3,))[:, 0] - 60).min() > 3
    assert (varied(soil, plan, (3,)) - soil).abs().max() <= 1


def test_compression_blurs_fine_detail_but_keeps_the_mean() -> None:
    found = varied(IMAGES, replace(NONE, jpeg=1.0), (3,))
    change = found - IMAGES
    assert change.abs().mean() > 2
    assert change.mean().abs() == pytest.approx(0, abs=2)


def test_colours_fade_or_grow_about_their_mean_and_near_infrared_stays() -> None:
    images = torch.rand(64, 4, 16, 16).mul(60).add(90).round()
    changed = varied(images, replace(NONE, saturation=1.0), (1,))
    assert (changed[:, :3].mean(1) - images[:, :3].mean(1)).abs().max() <= 0.5
    assert torch.equal(changed[:, 3], images[:, 3])
    spread = changed[:, :3].std(1).mean((1, 2)) / images[:, :3].std(1).mean((1, 2))
    assert spread.min() < 0.5 and spread.max() > 1.25


def test_a_cast_moves_each_band_by_itself() -> None:
    images = torch.full((32, 4, 16, 16), 120.0)
    moved = varied(images, replace(NONE, cast=16.0), (1,)).mean((2, 3)) - 120
    assert moved.abs().max() <= 16 and moved.std(1).min() > 0.5
