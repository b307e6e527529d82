from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from landcover_plugin.training import default_run
from landcover_plugin.training.earlier_run import EarlierRun


@pytest.mark.parametrize(
    ("name", "labels"),
    [("naip-landcover", "the teacher's, the network's"), ("rgb-landcover", "the teacher's, near infrared's")],
)
def test_the_steps_with_all_points_have_the_soft_labels_of_the_steps_before(
    monkeypatch, tmp_path: Path, small_network, name: str, labels: str
) -> None:
    runs: list[tuple[Path, str, int | None]] = []
    infrared = tmp_path / "naip-landcover" / "checkpoint.pt"
    measured = SimpleNamespace()

    def go_on(given, soft, folder, where, steps, start, *, hold, **_):
        runs.append((folder, f"{soft}, the network's", hold))
        return measured

    def train_default(given, soft, folder, where, steps, *, hold, **_):
        runs.append((folder, soft, hold))
        return measured

    def blended_labels(soft, network, images, *_):
        return soft + (", the network's" if network is measured else ", near infrared's")

    replacements = {
        "read_default_data": lambda: SimpleNamespace(images=None),
        "soft_labels": lambda *_: "the teacher's",
        "read_earlier_run": lambda *_: EarlierRun(small_network, 1, ""),
        "network_from": lambda path: "near infrared" if path == infrared else measured,
        "go_on": go_on,
        "train_default": train_default,
        "blended_labels": blended_labels,
    }
    for part, replacement in replacements.items():
        monkeypatch.setattr(default_run, part, replacement)
    follower = SimpleNamespace(leads=False)
    default_run.run_default(name, tmp_path, tmp_path, follower, print, None, start=tmp_path)  # type: ignore[arg-type]
    assert runs == [(tmp_path / name, labels, 0), (tmp_path / name / "refit", labels, None)]
