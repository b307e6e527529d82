from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from landcover_plugin.training import default_run
from landcover_plugin.training.checkpoint import Checkpoint, write_checkpoint
from landcover_plugin.training.default_data import READ_BY_EYE, read_own_points
from landcover_plugin.training.default_models import DefaultData
from landcover_plugin.training.earlier_run import EarlierRun


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("name", ["naip-landcover", "rgb-landcover"])
def test_what_is_measured_is_shipped(
    monkeypatch, tmp_path: Path, small_network, name: str, earlier: bool
) -> None:
    runs: list[tuple] = []
    shipped: list[tuple] = []
    colour = name == "rgb-landcover"

    def trains(how: str):
        def train(given, soft, folder, where, steps, *start, hold, infrared=None, **_):
            runs.append((how, soft, folder, steps, hold, len(given.own), *start, infrared))
            return "trained"

        return train

    replacements = {
        "read_default_data": lambda: DefaultData([], np.empty(0, np.uint8), [], read_own_points(), tmp_path),
        "calibration": lambda *_: "chips",
        "soft_labels": lambda *_: "the teacher's",
        "read_earlier_run": lambda *_: EarlierRun("earlier", 1, "of before"),  # type: ignore[arg-type]
        "_infrared": lambda *_: EarlierRun("near infrared", 6, "near infrared 6"),  # type: ignore[arg-type]
        "finish_default": lambda *given: shipped.append(given),
    } | {how: trains(how) for how in ("go_on", "train_from_infrared", "train_from_nothing")}
    for part, replacement in replacements.items():
        monkeypatch.setattr(default_run, part, replacement)
    leader, start = SimpleNamespace(leads=True), tmp_path if earlier else None
    default_run.run_default(name, tmp_path, tmp_path, leader, print, None, start=start)  # type: ignore[arg-type]
    own = len(read_own_points(files=READ_BY_EYE if colour else "*.csv"))
    run = ("the teacher's", tmp_path / name, default_run.STEPS[name], 0, own)
    if earlier:
        wanted = ("go_on", *run, "earlier", "near infrared" if colour else None)
    elif colour:
        wanted = ("train_from_infrared", *run, "near infrared", None)
    else:
        wanted = ("train_from_nothing", *run, None)
    assert runs == [wanted]
    assert [s[:2] for s in shipped] == [(name, "trained")]
    assert shipped[0][-2:] == (("of before", "2") if earlier else ("near infrared 6" if colour else "", "1"))


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
    assert default_run._infrared(tmp_path, tmp_path / "models", given, 2).network is small_network
    assert asked == [(tmp_path / "models" / "naip-landcover", "naip-landcover", 2, 5, "chips")]
    weights = small_network.state_dict()
    (tmp_path / "naip-landcover").mkdir()
    write_checkpoint(
        tmp_path / "naip-landcover" / "checkpoint.pt",
        Checkpoint(small_network.shape, 1, {}, weights, weights, {}),
    )
    network = default_run._infrared(tmp_path, tmp_path / "models", given, 2).network
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
