from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tiny_model import write_box_model, write_brightest_band_model, write_tiny_model

ort = pytest.importorskip("onnxruntime")


def run(spec, chips):
    session = ort.InferenceSession(str(spec.path))
    return dict(zip(spec.outputs, session.run(list(spec.outputs), {"chips": chips})))


def chips(spec, count=1, seed=0):
    shape = (count, len(spec.bands), spec.chip, spec.chip)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def test_the_tiny_model_gives_every_output_in_its_shape(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "tiny", ids=(7, 0, 200), depth=2)
    answer = run(spec, chips(spec, 2))
    assert answer["classes"].shape == (2, 64, 64)
    assert answer["probabilities8"].shape == answer["probabilities"].shape == (2, 3, 64, 64)
    assert set(np.unique(answer["classes"])) == {0, 7, 200}
    assert answer["probabilities8"].max() <= 254


def test_the_brightest_band_model_names_the_brightest_band(tmp_path: Path) -> None:
    spec = write_brightest_band_model(tmp_path / "brightest", tile=32)
    picture = chips(spec)
    assert np.array_equal(run(spec, picture)["classes"], picture.argmax(1) + 1)


def test_the_box_model_reaches_as_far_as_it_says_and_no_further(tmp_path: Path) -> None:
    spec = write_box_model(tmp_path / "box", tile=16, reach=5, halo=9)
    dark = np.full((1, 4, spec.chip, spec.chip), 100, np.uint8)
    dark[0, 0, spec.chip // 2, spec.chip // 2] = 255
    changed = run(spec, dark)["probabilities"][0, 0] > 0.2501
    rows, cols = np.nonzero(changed)
    assert (rows.max() - rows.min() + 1, cols.max() - cols.min() + 1) == (11, 11)
