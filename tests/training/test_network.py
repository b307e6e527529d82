from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from landcover_plugin.training.network import NetworkShape, SegmentationNetwork, begun, folded, reach_px

SEEN = (6.805939, 7.058879, 5.872204)
"""What the package efficientnet_lite_pytorch 0.1.0 gives."""


@pytest.mark.parametrize("pretrained", [False, True])
@pytest.mark.parametrize("blocks", [(0, 1, 2), (1, 1, 2), (0, 1, 1)])
def test_nothing_beyond_the_stated_reach_changes_a_tile_that_starts_at_the_stride(blocks, pretrained) -> None:
    shape = NetworkShape(3, 2, (4, 4, 4), blocks, pretrained)
    torch.manual_seed(0)
    network = SegmentationNetwork(shape).double().eval()
    for part in network.parameters():
        torch.nn.init.normal_(part, std=0.3)
    chip = torch.rand(1, 3, 320, 320, dtype=torch.float64) * 255
    reach, tile = reach_px(shape), slice(112, 176)
    inside = chip.clone()
    kept = slice(112 - reach, 176 + reach)
    inside[:] = 0
    inside[:, :, kept, kept] = chip[:, :, kept, kept]
    with torch.no_grad():
        difference = (network(chip) - network(inside))[:, :, tile, tile].abs().max()
    assert difference == 0


def test_the_reach_is_the_one_the_halos_are_made_for() -> None:
    assert reach_px(NetworkShape(4, 5)) == 60
    assert reach_px(NetworkShape(4, 5, pretrained=True)) == 91


@pytest.mark.parametrize("bands", [3, 4])
def test_a_network_that_gets_an_encoder_of_photographs_says_the_same_and_learns_to_listen(bands) -> None:
    torch.manual_seed(0)
    small = SegmentationNetwork(NetworkShape(4, 5, (8, 8, 8))).eval()
    large = begun(replace(small.shape, bands=bands, pretrained=True), small, 1)
    chip = torch.rand(2, 4, 64, 64) * 255
    chip[:, bands:] = 110  # what is left out was worth nothing
    with torch.no_grad():
        assert torch.allclose(large(chip[:, :bands]), small(chip), atol=1e-5)
    large.train()(chip[:, :bands]).square().mean().backward()
    assert all(part.weight.grad.any() for part in (large.from4, large.joined8))
    again = begun(large.shape, small, 1).state_dict()
    assert all(
        torch.equal(again[name], value) for name, value in begun(large.shape, small, 1).state_dict().items()
    )


def test_the_encoder_of_photographs_sees_what_its_authors_saw() -> None:
    encoder = begun(NetworkShape(4, 5, pretrained=True), None, 1).pretrained
    rows, cols = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    photograph = torch.stack([4 * rows, 4 * cols, 2 * (rows + cols), 100 + rows])[None]
    with torch.no_grad():
        found = encoder(photograph)
    assert [tuple(x.shape[1:]) for x in found] == [(24, 16, 16), (40, 8, 8), (80, 4, 4)]
    assert [float(x.abs().mean()) for x in found] == pytest.approx(SEEN, rel=1e-4)


def test_folding_batch_normalisation_changes_nothing(small_network) -> None:
    chip = torch.rand(1, 4, 64, 64) * 255
    with torch.no_grad():
        assert torch.allclose(small_network(chip), folded(small_network)(chip), atol=1e-4)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded(small_network).modules())
