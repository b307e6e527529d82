from __future__ import annotations

import numpy as np
import pytest
import torch

from landcover_plugin.core.errors import ModelError
from landcover_plugin.core.model_library import find_model
from landcover_plugin.training.export import export_model, segmentation_spec
from landcover_plugin.training.warm_start import network_of


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (2, 4, 64, 64), dtype=np.uint8)


@pytest.mark.parametrize("which", ["small_network", "listening_network"])
def test_a_network_that_was_exported_comes_back_as_it_was(which, request, images, tmp_path) -> None:
    network = request.getfixturevalue(which)
    spec = export_model(network, segmentation_spec("m", "m", "m", network, {}, {}), tmp_path / "m")
    back = network_of(spec, images)
    assert back.shape == network.shape
    chips = torch.from_numpy(images).float()
    with torch.no_grad():
        assert (back(chips) - network(chips)).abs().max() < 1e-3


def test_it_says_about_the_same_while_it_learns(small_network, images, tmp_path) -> None:
    spec = export_model(
        small_network, segmentation_spec("m", "m", "m", small_network, {}, {}), tmp_path / "m"
    )
    back = network_of(spec, images)
    chips = torch.from_numpy(images).float()
    with torch.no_grad():
        settled, learning = back(chips), back.train()(chips)
    assert (settled - learning).abs().max() < 0.01 * settled.abs().max()


@pytest.mark.parametrize("name", ["naip-landcover-8bit", "naip-scene"])
def test_a_model_that_is_no_such_network_is_refused(name, images) -> None:
    with pytest.raises(ModelError, match=f"'{name}' was not trained by this program"):
        network_of(find_model(name), images)
