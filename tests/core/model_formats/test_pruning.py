"""A graph cut down to one output gives the same numbers with less work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx

from landcover_plugin.core.model_formats.pruning import pruned
from tests.core.model_formats import onnx_networks as nets
from tests.tiny_model import write_tiny_model


def test_a_graph_pruned_to_classes_gives_the_same_classes_with_fewer_nodes(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "tiny")
    whole = onnx.load(str(spec.path))
    lean = pruned(whole, ["classes"])
    assert [o.name for o in lean.graph.output] == ["classes"]
    assert {"Round"} == {n.op_type for n in whole.graph.node} - {n.op_type for n in lean.graph.node}
    assert len(whole.graph.output) == 3
    x = nets.chips(4, spec.chip)
    (expected,) = nets.run(spec.path, x, ["classes"])
    np.testing.assert_array_equal(nets.run_model(lean, x), expected)
