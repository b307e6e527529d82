from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from landcover_plugin.training import default_run
from landcover_plugin.training.checkpoint import Checkpoint, write_checkpoint
from landcover_plugin.training.default_data import READ_BY_EYE, read_own_points
from landcover_plugin.training.default_models import DefaultData, shifted
from landcover_plugin.training.earlier_run import EarlierRun
from landcover_plugin.training.network import SegmentationNetwork


@pytest.mark.parametrize(
    ("name", "bands", "labels", "hold"),
    [("naip-landcover", 4, "the teacher's", 0), ("rgb-landcover", 3, "the teacher's, near infrared's", (0,))],
)
def test_what_is_measured_is_shipped_after_going_on_from_unshifted_weights(
    monkeypatch, tmp_path: Path, small_network, name: str, bands: int, labels: str, hold
) -> None:
    earlier = SegmentationNetwork(replace(small_network.shape, bands=bands)).eval()
    runs: list[tuple[Path, str, object, int]] = []
    starts: list[torch.Tensor] = []
    shipped: list[torch.Tensor] = []

    def train(given, soft, folder, where, steps, *, start, hold, **_):
        runs.append((folder, soft, hold, len(given.own)))
        starts.append(start.head.bias)
        return start

    replacements = {
        "read_default_data": lambda: DefaultData([], np.empty(0, np.uint8), [], read_own_points(), tmp_path),
        "calibration": lambda *_: "chips",
        "soft_labels": lambda *_: "the teacher's",
        "read_earlier_run": lambda *_: EarlierRun(shifted(earlier), 1, ""),
        "_infrared": lambda *_: "near infrared",
        "go_on": lambda *args, **named: train(*args[:5], start=args[5], **named),
        "train_default": train,
        "blended_labels": lambda soft, network, images, *_: f"{soft}, near infrared's",
        "finish_default": lambda _, network, *__: shipped.append(network.head.bias),
    }
    for part, replacement in replacements.items():
        monkeypatch.setattr(default_run, part, replacement)
    leader = SimpleNamespace(leads=True)
    default_run.run_default(name, tmp_path, tmp_path, leader, print, None, start=tmp_path)  # type: ignore[arg-type]
    own = read_own_points(files=READ_BY_EYE if name == "rgb-landcover" else "*.csv")
    assert runs == [(tmp_path / name, labels, hold, len(own))]
    torch.testing.assert_close(starts, [earlier.head.bias.data])
    torch.testing.assert_close(shipped, [shifted(earlier).head.bias.data])


def test_the_network_with_near_infrared_is_the_runs_else_the_models(
    monkeypatch, tmp_path: Path, small_network
) -> None:
    asked: list[tuple] = []

    def read_earlier_run(*given):
        asked.append(given)
        return EarlierRun(small_network, 6, "")

    monkeypatch.setattr(default_run, "calibration", lambda *_: "chips")
    monkeypatch.setattr(default_run, "read_earlier_run", read_earlier_run)
    given = DefaultData([], np.empty(0, np.uint8), [], [], tmp_path)
    assert default_run._infrared(tmp_path, tmp_path / "models", given, 2) is small_network
    assert asked == [(tmp_path / "models" / "naip-landcover", "naip-landcover", 2, 5, "chips")]
    weights = small_network.state_dict()
    (tmp_path / "naip-landcover").mkdir()
    write_checkpoint(
        tmp_path / "naip-landcover" / "checkpoint.pt",
        Checkpoint(small_network.shape, 1, {}, weights, weights, {}),
    )
    network = default_run._infrared(tmp_path, tmp_path / "models", given, 2)
    assert torch.equal(network.head.bias, small_network.head.bias) and len(asked) == 1


@pytest.mark.parametrize("lost", [0.0, 0.02])
def test_an_8_bit_form_comes_beside_its_model_only_where_it_is_as_good(
    monkeypatch, tmp_path: Path, lost: float
) -> None:
    run, beside = tmp_path / "run", tmp_path / "models" / "small-8bit"
    beside.mkdir(parents=True)
    (beside / "README.md").write_text("by hand")
    (beside / "model.json").write_text("earlier")

    def quantise_default(spec, given, hold, folder: Path):
        folder.mkdir(parents=True)
        (folder / "model.json").write_text("new")
        return {"california five": 0.9 - lost, "ohio mean recall": 0.1}

    monkeypatch.setattr(default_run, "quantise_default", quantise_default)
    monkeypatch.setattr(default_run, "short_figures", lambda found: found)
    spec, said = SimpleNamespace(name="small", folder=tmp_path / "models" / "small"), []
    found = {"california five": 0.9, "ohio mean recall": 0.9}
    default_run._write_8_bit_form_if_as_good(spec, None, 0, found, run, said.append)  # type: ignore[arg-type]
    assert (beside / "README.md").read_text() == "by hand" and (run / "small-8bit").is_dir()
    assert (beside / "model.json").read_text() == ("earlier" if lost else "new")
    assert any("left out" in line for line in said) == bool(lost)
