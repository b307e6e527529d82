from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from landcover_plugin.training import default_folds
from landcover_plugin.training.evaluation import measured
from landcover_plugin.training.loop import Place
from landcover_plugin.training.network import SegmentationNetwork

NAMES = ("water", "tree", "low vegetation", "barren", "impervious")


def counts(title: str, right: int, wrong: int):
    truth = np.repeat([0, 1], [right, wrong])
    return measured(title, NAMES, truth, np.zeros(right + wrong, np.int64))


def test_the_counts_of_folds_are_put_together() -> None:
    found = [[counts("one", 3, 1), counts("two", 0, 2)], [counts("one", 5, 1), counts("two", 2, 0)]]
    one, two = default_folds.pooled(found)
    assert (one.title, one.overall.count, one.overall.value) == ("one, 2 folds", 10, 0.8)
    assert two.matrix[0, 0] == 2 and two.matrix[1, 0] == 2


def test_each_fold_is_held_out_of_the_run_that_is_measured_on_it(
    monkeypatch, tmp_path: Path, small_network: SegmentationNetwork
) -> None:
    trained: list[tuple[str, int, int]] = []

    def train_from_nothing(given, soft, folder, where, steps, *, hold, report):
        trained.append((folder.name, hold, steps))
        assert soft == f"labels without {hold}"
        return small_network

    def measure(predict, given, hold):
        assert trained[-1][1] == hold
        return [counts("California", hold, 1), counts("Ohio", 1, hold), counts("West Virginia", 1, 1)]

    monkeypatch.setattr(default_folds, "read_default_data", SimpleNamespace)
    monkeypatch.setattr(default_folds, "soft_labels", lambda given, hold, *_: f"labels without {hold}")
    monkeypatch.setattr(default_folds, "train_from_nothing", train_from_nothing)
    monkeypatch.setattr(default_folds, "measure", measure)
    said: list[str] = []
    where = Place(0, 1, small_network.head.weight.device)
    california, ohio = default_folds.pooled_folds(tmp_path, where, 7, said.append)
    assert trained == [(f"fold_{k}", k, 7) for k in range(5)] and len(said) == 5
    assert california.overall.count == 0 + 1 + 2 + 3 + 4 + 5 and ohio.overall.value == 5 / 15
    assert "California, 5 folds" in (tmp_path / "folds.md").read_text("utf-8")
