from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from landcover_plugin.training import default_run
from landcover_plugin.training.default_data import READ_BY_EYE, read_own_points
from landcover_plugin.training.default_models import DefaultData
from landcover_plugin.training.earlier_run import EarlierRun
from landcover_plugin.training.network import SegmentationNetwork


@pytest.mark.parametrize(
    ("name", "labels"),
    [("naip-landcover", "the teacher's, the network's"), ("rgb-landcover", "the teacher's, near infrared's")],
)
def test_the_steps_with_all_points_have_the_labels_of_the_steps_before(
    monkeypatch, tmp_path: Path, small_network, name: str, labels: str
) -> None:
    runs: list[tuple[Path, str, int | None]] = []
    own: set[int] = set()
    infrared = tmp_path / "naip-landcover" / "checkpoint.pt"
    measured, last = small_network, SegmentationNetwork(small_network.shape).eval()
    shipped: list[SegmentationNetwork] = []

    def go_on(given, soft, folder, where, steps, start, *, hold, **_):
        runs.append((folder, f"{soft}, the network's", hold))
        own.add(len(given.own))
        return measured

    def train_default(given, soft, folder, where, steps, *, hold, **_):
        runs.append((folder, soft, hold))
        own.add(len(given.own))
        return last if hold is None else measured

    def blended_labels(soft, network, images, *_):
        return soft + (", the network's" if network is measured else ", near infrared's")

    replacements = {
        "read_default_data": lambda: DefaultData([], np.empty(0, np.uint8), [], read_own_points(), tmp_path),
        "soft_labels": lambda *_: "the teacher's",
        "read_earlier_run": lambda *_: EarlierRun(small_network, 1, ""),
        "network_from": lambda path: "near infrared" if path == infrared else measured,
        "go_on": go_on,
        "train_default": train_default,
        "blended_labels": blended_labels,
        "finish_default": lambda _, network, refitted, *__: shipped.append(refitted),
    }
    for part, replacement in replacements.items():
        monkeypatch.setattr(default_run, part, replacement)
    leader = SimpleNamespace(leads=True)
    default_run.run_default(name, tmp_path, tmp_path, leader, print, None, start=tmp_path)  # type: ignore[arg-type]
    assert runs == [(tmp_path / name, labels, 0), (tmp_path / name / "refit", labels, None)]
    only_by_eye = name == "rgb-landcover"
    assert own == {len(read_own_points(files=READ_BY_EYE if only_by_eye else "*.csv"))}
    kept = 0.0 if name == "rgb-landcover" else default_run.REFIT_KEPT
    (network,) = shipped
    wanted = kept * measured.stem[0].weight + (1 - kept) * last.stem[0].weight
    torch.testing.assert_close(network.stem[0].weight, wanted)
