from __future__ import annotations

import pytest
import torch

from landcover_plugin.training.network import NetworkShape, SegmentationNetwork, folded, reach_px


@pytest.mark.parametrize("blocks", [(0, 1, 2), (1, 1, 2), (0, 1, 1)])
def test_nothing_beyond_the_stated_reach_changes_a_tile_that_starts_at_the_stride(blocks) -> None:
    shape = NetworkShape(3, 2, (4, 4, 4), blocks)
    torch.manual_seed(0)
    network = SegmentationNetwork(shape).double().eval()
    chip = torch.rand(1, 3, 256, 256, dtype=torch.float64) * 255
    reach, tile = reach_px(shape), slice(104, 152)
    inside = chip.clone()
    kept = slice(104 - reach, 152 + reach)
    inside[:] = 0
    inside[:, :, kept, kept] = chip[:, :, kept, kept]
    with torch.no_grad():
        difference = (network(chip) - network(inside))[:, :, tile, tile].abs().max()
    assert difference == 0


def test_the_default_network_fits_the_halo_of_64_pixels() -> None:
    assert reach_px(NetworkShape(4, 5)) == 60


def test_folding_batch_normalisation_changes_nothing(small_network) -> None:
    chip = torch.rand(1, 4, 64, 64) * 255
    with torch.no_grad():
        assert torch.allclose(small_network(chip), folded(small_network)(chip), atol=1e-4)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded(small_network).modules())
