from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from landcover_plugin.core.errors import OptionError
from landcover_plugin.core.model import read_model
from landcover_plugin.training.checkpoint import Checkpoint, write_checkpoint
from landcover_plugin.training.earlier_run import HELD_OUT, MEASURED_FORM, fold_held_out, read_earlier_run
from landcover_plugin.training.export import export_model, segmentation_spec


@pytest.fixture
def run(tmp_path: Path, small_network) -> Path:
    """The folder of a run that held out fold 2 of 5."""
    weights = small_network.state_dict()
    write_checkpoint(tmp_path / "checkpoint.pt", Checkpoint(small_network.shape, 9, {}, weights, weights, {}))
    provenance = {HELD_OUT: f"{fold_held_out(2, 5)} (places) until the figures were taken"}
    spec = segmentation_spec("naip-landcover", "Land cover", "", small_network, {}, provenance)
    export_model(small_network, replace(spec, version="3"), tmp_path / MEASURED_FORM)
    return tmp_path


def test_a_run_goes_on_from_the_network_that_was_measured(run: Path, small_network) -> None:
    earlier = read_earlier_run(run, "naip-landcover", 2, 5)
    for name, values in small_network.state_dict().items():
        assert torch.equal(values, earlier.network.state_dict()[name])
    digest = read_model(run / MEASURED_FORM).sha256
    assert (earlier.version, earlier.text.split(", ")[0]) == (
        3,
        "naip-landcover 3",
    ) and digest in earlier.text


def test_a_run_that_saw_the_fold_is_refused(run: Path) -> None:
    with pytest.raises(OptionError, match=r"held out 'fold 2 of 5 .*so fold 0 cannot be held out"):
        read_earlier_run(run, "naip-landcover", 0, 5)


def test_a_run_of_another_model_is_refused(run: Path) -> None:
    with pytest.raises(OptionError, match="made naip-landcover; go on from a run of rgb-landcover"):
        read_earlier_run(run, "rgb-landcover", 2, 5)


def test_a_shipped_model_is_refused_for_it_has_seen_all_points(run: Path) -> None:
    with pytest.raises(OptionError, match="is not the folder of a run that ended.*has seen the points"):
        read_earlier_run(run / MEASURED_FORM, "naip-landcover", 2, 5)
