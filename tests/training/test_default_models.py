from __future__ import annotations

import torch

from landcover_plugin.training.default_models import SHIFT, held_out, shifted


def test_a_shift_is_added_to_every_pixels_logits(small_network) -> None:
    chips = torch.rand(1, 4, 64, 64) * 255
    with torch.no_grad():
        difference = shifted(small_network)(chips) - small_network(chips)
    wanted = torch.tensor(SHIFT)[None, :, None, None].expand_as(difference)
    assert torch.allclose(difference, wanted, atol=1e-4)


def test_the_second_quad_is_held_out_also_when_all_folds_are_learned() -> None:
    assert held_out("m_3708035_ne_1_new", None) and held_out("m_3708035_ne_1_new", 3)
    assert not held_out("m_3708020_sw_1_new", None)
    assert held_out("ohio_03_07", 0) and not held_out("ohio_03_07", None)
