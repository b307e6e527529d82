from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from landcover_plugin.core.errors import OptionError
from landcover_plugin.core.model import read_model
from landcover_plugin.training.earlier_run import HELD_OUT, fold_held_out, read_earlier_run
from landcover_plugin.training.export import export_model, segmentation_spec

CHIPS = np.random.default_rng(0).integers(0, 255, (2, 4, 64, 64), np.uint8)


def model(folder: Path, network) -> Path:
    """A model whose run held out fold 2 of 5."""
    provenance = {HELD_OUT: f"{fold_held_out(2, 5)} (places), and one quad"}
    spec = segmentation_spec("naip-landcover", "Land cover", "", network, {}, provenance)
    return export_model(network, replace(spec, version="3"), folder).folder


def test_a_run_goes_on_from_what_a_model_says(tmp_path: Path, small_network) -> None:
    earlier = read_earlier_run(model(tmp_path, small_network), "naip-landcover", 2, 5, CHIPS)
    chips = torch.from_numpy(CHIPS).float()
    with torch.no_grad():
        torch.testing.assert_close(earlier.network(chips), small_network(chips), rtol=1e-3, atol=1e-3)
    assert (earlier.version, earlier.text.split(", ")[0]) == (3, "naip-landcover 3")
    assert read_model(tmp_path).sha256 in earlier.text


def test_a_model_that_saw_the_fold_is_refused(tmp_path: Path, small_network) -> None:
    with pytest.raises(OptionError, match="held out 'fold 2 of 5 .*so fold 0 cannot"):
        read_earlier_run(model(tmp_path, small_network), "naip-landcover", 0, 5, CHIPS)


def test_another_model_is_refused(tmp_path: Path, small_network) -> None:
    with pytest.raises(OptionError, match="is naip-landcover; go on from rgb-landcover"):
        read_earlier_run(model(tmp_path, small_network), "rgb-landcover", 2, 5, CHIPS)
