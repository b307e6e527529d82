"""What a Triton server is told about a model folder."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

pytest.importorskip("onnx")

import numpy as np
import onnx

from landcover_plugin.core.model_formats import AssumptionWarning, import_model
from landcover_plugin.core.model_formats.triton import triton_config
from landcover_plugin.core.model_library import list_models
from tests.core.model_formats import onnx_networks as nets
from tests.tiny_model import write_tiny_model


def test_a_free_network_is_batched_with_two_priorities_and_warmed_up_on_one_chip(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "tiny", bands=4, classes=3, tile=64, halo=8)
    text = triton_config(spec, 4, batch_is_free=True, size_is_free=True)
    assert 'name: "tiny"' in text and 'backend: "onnxruntime"' in text
    assert "max_batch_size: 4" in text
    assert 'name: "chips" data_type: TYPE_UINT8 dims: [ 4, -1, -1 ]' in text
    assert 'name: "probabilities" data_type: TYPE_FP32 dims: [ 3, -1, -1 ]' in text
    assert "priority_levels: 2 default_priority_level: 2 preferred_batch_size: [ 2 ]" in text
    assert "instance_group [ { count: 1 } ]" in text
    assert "dims: 4 dims: 80 dims: 80 zero_data: true" in text
    assert text.count("{") == text.count("}") and text.count("[") == text.count("]")


def test_runs_are_no_larger_than_a_request_may_be(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "tiny")
    text = triton_config(spec, 1, batch_is_free=True, size_is_free=True)
    assert "max_batch_size: 1" in text and "preferred_batch_size: [ 1 ]" in text


def test_shipped_models_ask_for_the_same() -> None:
    served = [spec for spec in list_models() if spec.folder and (spec.folder / "config.pbtxt").is_file()]
    assert len(served) >= 4
    for spec in served:
        assert spec.folder
        text = (spec.folder / "config.pbtxt").read_text()
        assert "priority_levels: 2 default_priority_level: 2 preferred_batch_size: [ " in text, spec.name
        assert "instance_group [ { count: 1 } ]" in text and "model_warmup" in text, spec.name


def test_a_network_that_fixes_its_batch_is_served_with_whole_shapes(tmp_path: Path) -> None:
    model = nets.network(batch=1, side=32)
    shape = onnx.numpy_helper.from_array(np.array([1, 4, 32, 32]), "shape")
    model.graph.initializer.append(shape)
    model.graph.node[-1].CopyFrom(onnx.helper.make_node("Reshape", ["conv", "shape"], ["scores"]))
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AssumptionWarning)
        spec = import_model(tmp_path / "m.onnx", tmp_path / "m", overrides={"halo": 4})
    text = (tmp_path / "m" / "config.pbtxt").read_text()
    assert "max_batch_size: 0" in text and "dynamic_batching" not in text
    assert re.search(r'"chips" data_type: TYPE_UINT8 dims: \[ 1, 3, 32, 32 \]', text)
    assert re.search(r'"classes" data_type: TYPE_UINT8 dims: \[ 1, 24, 24 \]', text)
    assert spec.tile == 24
