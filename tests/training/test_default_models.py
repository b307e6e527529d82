from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from landcover_plugin.training import default_models
from landcover_plugin.training.checkpoint import Checkpoint, network_from, write_checkpoint
from landcover_plugin.training.default_models import (
    KEPT,
    blended_labels,
    train_from_infrared,
    train_from_nothing,
)
from landcover_plugin.training.network import begun
from landcover_plugin.training.prediction import probabilities


def test_a_networks_opinion_is_blended_into_the_soft_labels(small_network) -> None:
    images = np.random.default_rng(0).integers(0, 255, (2, 4, 64, 64), dtype=np.uint8)
    soft = np.zeros((2, 5, 32, 32), np.uint8)
    soft[:, 2] = 254
    opinion = probabilities(small_network, images).reshape(2, 5, 32, 2, 32, 2).mean((3, 5))
    blended = blended_labels(soft, small_network, images, 0.7)
    assert np.abs(blended - (0.3 * soft + 0.7 * 254 * opinion)).max() <= 0.51


@pytest.mark.parametrize("grows", [False, True])
def test_a_network_from_nothing_goes_on_with_its_own_opinion(
    monkeypatch, tmp_path: Path, small_network, grows: bool
) -> None:
    runs: list[tuple] = []
    shape = replace(small_network.shape, pretrained=grows)
    learned = begun(shape, None, 2)
    run = tmp_path / "run"

    def train_default(given, soft, folder, where, steps, *, hold, report, start=None, **_):
        runs.append((soft, folder, steps, hold, start and start.head.weight.tolist()))
        report(steps, steps, {})
        folder.mkdir(parents=True)
        weights = (learned if start else small_network).state_dict()
        write_checkpoint(folder / "checkpoint.pt", Checkpoint(learned.shape, steps, {}, weights, weights, {}))
        return small_network

    monkeypatch.setattr(default_models, "SHAPE", shape)
    monkeypatch.setattr(default_models, "train_default", train_default)
    monkeypatch.setattr(default_models, "blended_labels", lambda soft, *_: soft + " and its own")
    given, where, reached = SimpleNamespace(images=None), SimpleNamespace(leads=True, world=1), []
    found = train_from_nothing(
        given, "the teacher's", run, where, 800, hold=3, report=lambda step, *_: reached.append(step),  # type: ignore[arg-type]
    )  # fmt: skip
    assert reached == [600, 800]
    assert runs == [
        ("the teacher's", tmp_path / "taught_without_0_3", 600, (0, 3), None),
        ("the teacher's and its own", run / "onward", 200, (3,), small_network.head.weight.tolist()),
    ]
    for name, values in network_from(run / "checkpoint.pt").state_dict().items():
        before, after = small_network.state_dict().get(name), learned.state_dict()[name]
        wanted = after if grows or not values.is_floating_point() else KEPT * before + (1 - KEPT) * after
        assert torch.allclose(values, wanted, atol=1e-6) and torch.equal(values, found.state_dict()[name])


def test_a_network_without_near_infrared_is_taught_by_the_one_with_it_and_goes_on(
    monkeypatch, tmp_path: Path, small_network
) -> None:
    runs: list[tuple] = []
    shape = replace(small_network.shape, bands=3)
    after = begun(shape, None, 2)
    run = tmp_path / "run"

    def train_default(
        given, soft, folder, where, steps, *, start, colour_only, hard_share=None, rate=None, report, **_
    ):
        runs.append((soft, folder, steps, start.shape.bands, colour_only, hard_share, rate))
        report(steps, steps, {})
        folder.mkdir(parents=True)
        weights = after.state_dict()
        write_checkpoint(folder / "checkpoint.pt", Checkpoint(shape, steps, {}, weights, weights, {}))
        return begun(shape, start, 1)

    def blended_labels(soft, network, images, trust):
        return f"{soft}, {trust} of {network.shape.bands} bands' opinion"

    monkeypatch.setattr(default_models, "SHAPE", small_network.shape)
    monkeypatch.setattr(default_models, "train_default", train_default)
    monkeypatch.setattr(default_models, "blended_labels", blended_labels)
    given, where, reached = SimpleNamespace(images=None), SimpleNamespace(leads=True, world=1), []
    found = train_from_infrared(
        given, "weak", run, where, 900, small_network, hold=3, report=lambda step, *_: reached.append(step),  # type: ignore[arg-type]
    )  # fmt: skip
    assert reached == [600, 900]
    assert runs == [
        ("weak, 0.6 of 4 bands' opinion", run / "taught", 600, 4, True, None, None),
        ("weak, 0.85 of 4 bands' opinion", run / "onward", 300, 3, True, 0.35, 1.5e-3),
    ]
    before = begun(shape, small_network, 1).head.weight
    wanted = KEPT * before + (1 - KEPT) * after.head.weight
    assert torch.allclose(found.head.weight, wanted, atol=1e-6)
