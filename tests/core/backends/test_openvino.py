from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from landcover_plugin.core.backends import open_backend
from landcover_plugin.core.backends.trial import trial_chip
from landcover_plugin.core.errors import BackendError, ModelError
from landcover_plugin.core.model import file_sha256
from landcover_plugin.core.model_library import find_model
from tests.tiny_model import write_brightest_band_model, write_tiny_model


def test_without_openvino_it_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(BackendError, match=r"^OpenVINO cannot be imported .*; install openvino.*\.$"):
        open_backend("openvino:cpu", write_tiny_model(tmp_path / "m"))


@pytest.fixture
def openvino() -> None:
    pytest.importorskip("onnx")
    pytest.importorskip(
        "openvino", reason="openvino is not installed (pip install landcover-plugin[openvino])"
    )


@pytest.mark.usefixtures("openvino")
def test_classes_are_those_of_the_network_one_chip_or_many(tmp_path: Path) -> None:
    spec = write_brightest_band_model(tmp_path / "m", halo=4)
    with open_backend("openvino:", spec) as backend:
        assert backend.numeric_kind == "openvino-cpu-float32"
        assert backend.description.startswith("OpenVINO 20")
        chips = np.random.default_rng(0).integers(0, 256, (3, 4, spec.chip, spec.chip), np.uint8)
        answer = backend.submit(chips, ("probabilities8", "classes")).result(20)
    assert np.array_equal(answer["classes"], chips[:, :, 4:-4, 4:-4].argmax(1) + 1)
    assert answer["probabilities8"].shape == (3, 4, 64, 64)


@pytest.mark.usefixtures("openvino")
@pytest.mark.parametrize("name", ["naip-landcover", "rgb-landcover"])
def test_shipped_models_give_the_classes_of_onnx_runtime(name: str) -> None:
    pytest.importorskip("onnxruntime")
    spec = find_model(name)
    chip = trial_chip(spec)
    answers = []
    for url in ("openvino:cpu", "onnxruntime:cpu"):
        with open_backend(url, spec) as backend:
            answers.append(backend.submit(chip, ("classes", "probabilities8")).result(60))
    assert len(np.unique(answers[0]["classes"])) >= 3
    assert (answers[0]["classes"] == answers[1]["classes"]).mean() >= 0.995
    difference = answers[0]["probabilities8"].astype(int) - answers[1]["probabilities8"]
    assert np.abs(difference).max() <= 3


@pytest.mark.usefixtures("openvino")
def test_faults_are_one_sentence(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "m", outputs=("classes",))
    with pytest.raises(BackendError, match=r"^OpenVINO has no device 'moon' here \(available: cpu.*\.$"):
        open_backend("openvino:moon", spec)
    with pytest.raises(ModelError, match=r"no output 'probabilities' \(it has classes\)"):
        open_backend("openvino:", replace(spec, outputs=("classes", "probabilities")))
    spec.path.write_bytes(b"junk" * 100)
    with pytest.raises(ModelError, match="SHA-256 differs"):
        open_backend("openvino:", spec)
    with pytest.raises(ModelError, match="is not a network that OpenVINO can load"):
        open_backend("openvino:", replace(spec, sha256=file_sha256(spec.path)))
