from __future__ import annotations

import math

import numpy as np
import pytest

from landcover_plugin.training import figures
from landcover_plugin.training.evaluation import measured, pooled

TRUTH = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 255])
SAID = np.array([0, 0, 1, 1, 1, 2, 2, 0, 2, 0])


def test_rows_of_the_confusion_matrix_are_truth_and_the_unknown_is_left_out() -> None:
    matrix = figures.confusion_matrix(TRUTH, SAID, 3)
    assert matrix.tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 3]]
    assert figures.overall_accuracy(matrix).value == pytest.approx(7 / 9)


def test_class_figures_are_those_of_the_textbook() -> None:
    first = figures.class_figures(figures.confusion_matrix(TRUTH, SAID, 3), ["a", "b", "c"])[0]
    assert (first.recall.value, first.precision.value) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert first.iou == pytest.approx(0.5)
    assert first.f1 == pytest.approx(2 / 3)


def test_the_interval_of_90_in_100_is_wilsons() -> None:
    found = figures.share(90, 100)
    assert (found.low, found.high) == (pytest.approx(0.8256, abs=1e-4), pytest.approx(0.9448, abs=1e-4))
    assert math.isnan(figures.share(0, 0).value)


def test_merging_classes_forgives_confusion_between_them() -> None:
    matrix = figures.merged(figures.confusion_matrix(TRUTH, SAID, 3), (0, 0, 1))
    assert matrix.tolist() == [[5, 0], [1, 3]]


def test_strata_count_by_their_area() -> None:
    right = np.array([True] * 8 + [False, True])
    stratum = np.array([1] * 8 + [2, 2])
    found = figures.area_weighted_accuracy(right, stratum, {1: 0.2, 2: 0.8})
    assert found.value == pytest.approx(0.2 * 1 + 0.8 * 0.5)
    assert found.low < found.value < found.high


def test_folds_are_pooled_by_their_counts() -> None:
    parts = [measured("a", ["x", "y", "z"], TRUTH, SAID), measured("b", ["x", "y", "z"], TRUTH, TRUTH % 255)]
    assert pooled("both", parts).matrix.sum() == 18
    assert "| x |" in pooled("both", parts).as_text()
