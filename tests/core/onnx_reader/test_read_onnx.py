from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landcover_plugin.core.errors import ModelError
from landcover_plugin.core.onnx_reader import file as reader
from landcover_plugin.core.onnx_reader import read_onnx, read_onnx_bytes
from landcover_plugin.core.protobuf import DamagedError
from tests.landcover_data import landcover_data
from tests.tiny_model import tiny_graph

onnx = pytest.importorskip("onnx")
helper = pytest.importorskip("onnx.helper")
numpy_helper = pytest.importorskip("onnx.numpy_helper")

TYPES = ("float32", "float64", "float16", "uint8", "int8", "uint16", "int16", "int32", "int64", "bool")


def tiny() -> bytes:
    outputs = ("classes", "probabilities8", "probabilities")
    return tiny_graph(3, [1, 2, 3], 4, 3, 1, 5, "uint8", outputs, None, 1).SerializeToString()


def model_of(nodes, arrays=(), **options):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "g", [value("x", 1, ["N", 4, None, 8])], [value("y", 1, None)], list(arrays)
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, **options)


def test_nodes_arrays_and_ports_are_those_that_the_onnx_package_reads() -> None:
    data = tiny()
    read, known = read_onnx_bytes(data), onnx.load_model_from_string(data)
    assert read.opset == 13
    assert [n.operator for n in read.nodes] == [n.op_type for n in known.graph.node]
    assert [list(n.inputs) for n in read.nodes] == [list(n.input) for n in known.graph.node]
    assert set(read.arrays) == {i.name for i in known.graph.initializer}
    for array in known.graph.initializer:
        assert np.array_equal(read.arrays[array.name], numpy_helper.to_array(array))
    assert [(v.name, v.dtype, v.shape) for v in read.inputs] == [("chips", "uint8", (None, 3, None, None))]
    assert [v.name for v in read.outputs] == ["classes", "probabilities8", "probabilities"]
    softmax = next(n for n in read.nodes if n.operator == "Softmax")
    assert softmax.integer("axis", -1) == 1
    assert read.nodes[0].integer("to", 0) == onnx.TensorProto.FLOAT


@settings(max_examples=60)
@given(
    st.sampled_from(TYPES), st.lists(st.integers(0, 4), max_size=4), st.booleans(), st.integers(0, 1 << 30)
)
def test_arrays_of_every_type_read_back_equal(dtype: str, shape: list[int], raw: bool, seed: int) -> None:
    array = (np.random.default_rng(seed).normal(0, 60, shape)).astype(dtype)
    array = np.asarray(array)
    if raw:
        stored = numpy_helper.from_array(array, "a")
    else:
        element = helper.np_dtype_to_tensor_dtype(array.dtype)
        stored = helper.make_tensor("a", element, shape, array.reshape(-1))
    read = read_onnx_bytes(
        model_of([helper.make_node("Identity", ["x"], ["y"])], [stored]).SerializeToString()
    )
    assert read.arrays["a"].dtype == array.dtype
    assert read.arrays["a"].shape == array.shape
    assert np.array_equal(read.arrays["a"], array)


def test_attributes_of_every_kind_are_read() -> None:
    node = helper.make_node(
        "Odd", ["x"], ["y"], domain="some.where", whole=-3, real=0.5, word="linear", row=[1, -2, 3], reals=[0.5, 2.0],
        nothing=0, array=numpy_helper.from_array(np.arange(3)),
    )  # fmt: skip
    read = read_onnx_bytes(model_of([node]).SerializeToString()).nodes[0]
    assert read.operator == "some.where.Odd"
    assert read.integer("whole", 0) == -3
    assert read.integer("nothing", 7) == 0
    assert read.real("real", 0) == 0.5
    assert read.text("word", "") == "linear"
    assert read.integers("row") == (1, -2, 3)
    assert read.attributes["reals"] == (0.5, 2.0)
    assert np.array_equal(read.attributes["array"], np.arange(3))
    with pytest.raises(DamagedError, match="attribute 'word' of its some.where.Odd is of the wrong kind"):
        read.integer("word", 0)


def test_what_cannot_be_run_is_refused_with_its_reason() -> None:
    same = helper.make_node("Identity", ["x"], ["y"])
    array = numpy_helper.from_array(np.zeros(3, np.float32), "a")
    away = onnx.TensorProto()
    away.CopyFrom(array)
    away.data_location = onnx.TensorProto.EXTERNAL
    short = onnx.TensorProto()
    short.CopyFrom(array)
    short.dims[0] = 1 << 40
    cases = [
        (model_of([same], [away]), "weights in another file"),
        (model_of([same], [short]), "1099511627776 numbers has 12 bytes"),
        (model_of([helper.make_node("Relu", ["z"], ["y"])]), "Relu reads 'z'"),
        (model_of([same, same]), "there already"),
        (model_of([helper.make_node("Re\nlu", ["x"], ["y"])]), "a name in it cannot be printed"),
        (model_of([helper.make_node("Relu", ["x"], ["q"])]), "gives its output 'y'"),
    ]
    for model, reason in cases:
        with pytest.raises(DamagedError, match=reason):
            read_onnx_bytes(model.SerializeToString())


def test_a_file_that_is_no_network_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(ModelError, match=r"model\.onnx cannot be read"):
        read_onnx(path)
    path.write_bytes(b"PK\x03\x04 not a network")
    with pytest.raises(ModelError, match=r"model\.onnx cannot be read: it .*; import the model again\."):
        read_onnx(path)
    monkeypatch.setattr(reader, "MAX_BYTES", 10)
    with pytest.raises(ModelError, match="too large to run without ONNX Runtime"):
        read_onnx(path)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damaged_files_give_an_error_and_nothing_else(data: st.DataObject) -> None:
    content = bytearray(tiny())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    try:
        read_onnx_bytes(bytes(content))
    except DamagedError as e:
        assert len(str(e)) < 300


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_noise_gives_an_error_and_nothing_else(content: bytes) -> None:
    with pytest.raises(DamagedError):
        read_onnx_bytes(content)


def test_a_real_network_reads_as_the_onnx_package_reads_it(tmp_path: Path) -> None:
    from landcover_plugin.core.cntk import read_cntk

    data = read_cntk(landcover_data("models/cntk/250epochs.model")).model.SerializeToString()
    read, known = read_onnx_bytes(data), onnx.load_model_from_string(data)
    assert [n.operator for n in read.nodes] == [n.op_type for n in known.graph.node]
    assert all(np.array_equal(read.arrays[i.name], numpy_helper.to_array(i)) for i in known.graph.initializer)
