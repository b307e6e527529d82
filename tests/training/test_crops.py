from __future__ import annotations

import numpy as np
import pytest
import torch

from landcover_plugin.training.chips import UNLABELLED
from landcover_plugin.training.crops import CropPlan, CropSource, share_of

PLAN = CropPlan(side=64, anchored=0.5, zoom=(0.7, 1.8))


def test_a_step_has_the_same_crops_whenever_it_is_asked(striped_chips) -> None:
    first, again = (CropSource(striped_chips, PLAN, 5, seed=4).crops(17, 6) for _ in range(2))
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, CropSource(striped_chips, PLAN, 5, seed=4).crops(18, 6).images)


def test_processes_share_the_batch_that_one_process_would_see(striped_chips) -> None:
    source = CropSource(striped_chips, PLAN, 5, seed=4)
    whole = source.crops(3, 7)
    parts = [source.crops(3, 7, share_of(7, rank, 2)) for rank in range(2)]
    assert [len(p.images) for p in parts] == [3, 4]
    assert torch.allclose(whole.images, torch.cat([p.images for p in parts]))


def test_labels_stay_on_the_pixels_that_they_belong_to(striped_chips) -> None:
    crops = CropSource(striped_chips, CropPlan(side=64, zoom=(1, 1), turned=0), 5, seed=1).crops(0, 16)
    labelled = crops.hard_weight > 0
    grey = crops.images.mean(1)
    for k in range(5):
        assert (grey[labelled & (crops.hard == k)].mean() - (30 + 45 * k)).abs() < 2


def test_crops_lie_around_anchors_of_classes_drawn_evenly(striped_chips) -> None:
    striped_chips.hard[:] = UNLABELLED
    striped_chips.hard_weight[:] = 0
    for col in range(20):
        striped_chips.label_square(0, 128, 100 + col, 0)
    striped_chips.label_square(1, 128, 128, 1)
    plan = CropPlan(side=64, anchored=1.0, zoom=(1, 1), turned=0)
    crops = CropSource(striped_chips, plan, 5, seed=2).crops(0, 200)
    holds = [(((crops.hard == k) & (crops.hard_weight > 0)).flatten(1).any(1)).float().mean() for k in (0, 1)]
    assert holds[1] == pytest.approx(0.5, abs=0.1)
    assert holds[0] == pytest.approx(0.5, abs=0.1)


def test_nothing_outside_a_chip_is_learned(striped_chips) -> None:
    crops = CropSource(striped_chips, CropPlan(side=128, zoom=(3.0, 3.0)), 5, seed=2).crops(0, 8)
    beyond = crops.hard_weight == 0
    assert 0.2 < beyond[crops.zoom > 2].float().mean() < 0.9


def test_a_batch_smaller_than_the_number_of_processes_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be shared by 4"):
        share_of(3, 0, 4)


def test_shares_of_a_batch_cover_it_once() -> None:
    found = np.concatenate([np.arange(10)[share_of(10, r, 3)] for r in range(3)])
    assert found.tolist() == list(range(10))
