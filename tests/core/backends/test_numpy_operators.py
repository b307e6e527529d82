"""Single operators against ONNX Runtime, over random shapes and attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from landcover_plugin.core.backends.numpy_network import NotKnownHereError, Program
from landcover_plugin.core.backends.numpy_network import strips as strips_module
from landcover_plugin.core.onnx_reader import read_onnx_bytes
from landcover_plugin.core.protobuf import DamagedError

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
helper, numpy_helper = onnx.helper, onnx.numpy_helper

BRIEF = settings(max_examples=60, suppress_health_check=list(HealthCheck))
WIDE = settings(max_examples=200, suppress_health_check=list(HealthCheck))
SEEDS = st.integers(0, 1 << 30)
SIDES = st.integers(1, 3)


def node(operator: str, inputs: list[str] | str = "x", output: str = "y", **attributes: Any) -> Any:
    return helper.make_node(
        operator, inputs.split() if isinstance(inputs, str) else inputs, [output], **attributes
    )


def model_of(nodes: list[Any], feeds: dict[str, Any], arrays: dict[str, Any], opset: int = 17) -> bytes:
    def value(name: str, array: Any) -> Any:
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)

    stored = [numpy_helper.from_array(np.asarray(a), n) for n, a in arrays.items()]
    graph = helper.make_graph(
        nodes, "g", [value(n, a) for n, a in feeds.items()], [onnx.ValueInfoProto(name="y")], stored
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return model.SerializeToString()


def by_ort(model: bytes, feeds: dict[str, Any]) -> Any:
    """ONNX Runtime's answer, or None where it refuses."""
    options = ort.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    try:
        return ort.InferenceSession(model, options).run(["y"], feeds)[0]
    except Exception:
        return None


def agree(
    nodes: list[Any] | Any, feeds: dict[str, Any], opset: int = 17, tolerance: float = 1e-4, **arrays: Any
) -> Any:
    """Run both ways, compare, and give back what NumPy said."""
    nodes = nodes if isinstance(nodes, list) else [nodes]
    model = model_of(nodes, feeds, arrays, opset)
    wanted = by_ort(model, feeds)
    if wanted is None:
        reject()
    before = {name: array.copy() for name, array in feeds.items()}
    program = Program(read_onnx_bytes(model), threads=2)
    found = program.run(feeds, ["y"])[0]
    assert all(np.array_equal(before[name], feeds[name]) for name in feeds), "the input was written into"
    again = program.run(feeds, ["y"])[0]
    assert np.array_equal(found, again, equal_nan=found.dtype.kind == "f"), "a constant was written into"
    program.close()
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    if found.dtype.kind == "f":
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
    else:
        assert np.array_equal(found, wanted)
    return found


def normal(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@WIDE
@given(st.data())
def test_conv_agrees(data: st.DataObject) -> None:
    draw = data.draw
    groups, given_, made = draw(SIDES), draw(SIDES), draw(SIDES)
    kernel = [draw(st.integers(1, 4)) for _ in range(2)]
    size = [draw(st.integers(1, 14)) for _ in range(2)]
    attributes: dict[str, Any] = {
        "group": groups,
        "strides": [draw(SIDES) for _ in range(2)],
        "dilations": [draw(SIDES) for _ in range(2)],
    }
    how = draw(st.sampled_from(["pads", "pads", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if how == "pads":
        attributes["pads"] = [draw(st.integers(0, 4)) for _ in range(4)]
    else:
        attributes["auto_pad"] = how
        assume(how == "VALID" or attributes["dilations"] == [1, 1])
    seed = draw(SEEDS)
    x = normal(seed, draw(SIDES), groups * given_, *size)
    arrays = {"w": normal(seed + 1, groups * made, given_, *kernel)}
    if draw(st.booleans()):
        arrays["b"] = normal(seed + 2, groups * made)
    agree(node("Conv", ["x", *arrays], **attributes), {"x": x}, **arrays)


@WIDE
@given(st.data())
def test_conv_transpose_agrees(data: st.DataObject) -> None:
    draw = data.draw
    groups, given_, made = draw(SIDES), draw(SIDES), draw(SIDES)
    kernel = [draw(st.integers(1, 4)) for _ in range(2)]
    strides = [draw(SIDES) for _ in range(2)]
    dilations = [draw(st.integers(1, 2)) for _ in range(2)]
    attributes = {
        "group": groups,
        "strides": strides,
        "dilations": dilations,
        "pads": [draw(st.integers(0, 2)) for _ in range(4)],
        "output_padding": [draw(st.integers(0, max(s, d) - 1)) for s, d in zip(strides, dilations)],
    }
    seed = draw(SEEDS)
    x = normal(seed, draw(SIDES), groups * given_, draw(st.integers(1, 8)), draw(st.integers(1, 8)))
    arrays = {"w": normal(seed + 1, groups * given_, made, *kernel)}
    if draw(st.booleans()):
        arrays["b"] = normal(seed + 2, groups * made)
    agree(node("ConvTranspose", ["x", *arrays], **attributes), {"x": x}, **arrays)


FOLLOWERS = ("bn", "bias", "minus", "one", "residual", "row", "relu", "clip", "from", "double")


@WIDE
@given(
    st.lists(st.sampled_from(FOLLOWERS), max_size=5), st.sampled_from(["Conv", "ConvTranspose"]), SIDES, SEEDS
)
def test_what_follows_a_convolution_agrees(chain: list[str], kind: str, groups: int, seed: int) -> None:
    channels = 2 * groups
    arrays: dict[str, Any] = {"w": normal(seed, channels, 2, 3, 3), "b": normal(seed, channels)}
    x = normal(seed + 1, 2, channels, 9, 7)
    nodes = [node(kind, "x w b", "v", pads=[1] * 4, group=groups)]
    for n, what in enumerate(chain):
        last = nodes[-1].output[0]
        rng = seed + 10 * n
        if what == "bn":
            for k in "gomv":
                arrays[k + str(n)] = np.abs(normal(rng + ord(k), channels)) + np.float32(0.5)
            nodes.append(
                node("BatchNormalization", [last, *(k + str(n) for k in "gomv")], f"v{n}", epsilon=1e-3)
            )
        elif what in ("bias", "minus", "one", "row", "from"):
            shape = {"one": (), "row": (7,)}.get(what, (channels, 1, 1))
            arrays[f"a{n}"] = normal(rng, *shape) if shape else np.float32(0.7)
            pair = [f"a{n}", last] if what == "from" else [last, f"a{n}"]
            nodes.append(node("Sub" if what in ("minus", "from") else "Add", pair, f"v{n}"))
        elif what == "residual":
            nodes.append(node("Add", ["x", last], f"v{n}"))
        elif what == "double":
            nodes.append(node("Add", [last, last], f"v{n}"))
        elif what == "clip":
            arrays |= {f"lo{n}": np.float32(-0.5), f"hi{n}": np.float32(0.8)}
            nodes.append(node("Clip", [last, f"lo{n}", f"hi{n}"], f"v{n}"))
        else:
            nodes.append(node("Relu", last, f"v{n}"))
    nodes.append(node("Identity", nodes[-1].output[0]))
    agree(nodes, {"x": x}, tolerance=1e-3, **arrays)


def test_a_sum_that_widens_a_convolution_of_one_pixel_agrees() -> None:
    arrays = {"w": normal(1, 3, 4, 1, 1)}
    nodes = [node("GlobalAveragePool", "x", "m"), node("Conv", "m w", "c"), node("Relu", "c", "r")]
    nodes += [node("Conv", "x w", "d"), node("Add", "r d", "s"), node("Relu", "s")]
    agree(nodes, {"x": normal(2, 1, 4, 6, 5)}, **arrays)


def test_a_convolution_that_two_read_stays_as_it_is() -> None:
    arrays = {"w": normal(1, 3, 4, 3, 3)}
    nodes = [node("Conv", "x w", "c"), node("Relu", "c", "r"), node("Sub", "r c")]
    agree(nodes, {"x": normal(2, 1, 4, 6, 5)}, **arrays)


UNARY = [
    "Abs",
    "Ceil",
    "Exp",
    "Floor",
    "Identity",
    "LeakyRelu",
    "Neg",
    "Reciprocal",
    "Relu",
    "Round",
    "Sigmoid",
    "Tanh",
]
BINARY = ("Add", "Sub", "Mul", "Div", "Max", "Min", "Equal", "Greater", "Less", "GreaterOrEqual")


@BRIEF
@given(st.sampled_from(UNARY), st.lists(st.integers(1, 5), min_size=1, max_size=4), SEEDS)
def test_operators_on_one_array_agree(operator: str, shape: list[int], seed: int) -> None:
    agree(node(operator), {"x": 3 * normal(seed, *shape)}, tolerance=2e-4)


@BRIEF
@given(st.sampled_from(BINARY), st.data())
def test_operators_on_two_arrays_agree(operator: str, data: st.DataObject) -> None:
    sides = data.draw(st.lists(st.tuples(st.integers(1, 4), st.sampled_from("=ab")), min_size=1, max_size=4))
    a, b = (tuple(1 if keep == who else side for side, keep in sides) for who in "ab")
    b = b[data.draw(st.integers(0, len(b) - 1)) :]
    dtype = data.draw(st.sampled_from([np.float32, np.int64]))
    seed = data.draw(SEEDS)
    x, c = ((7 * normal(s, *shape)).astype(dtype) for s, shape in ((seed, a), (seed + 1, b)))
    c = np.where(c == 0, dtype(2), c)
    agree(
        node(operator, data.draw(st.sampled_from(["x c", "c x"])).split()),
        {"x": np.where(x == 0, dtype(3), x)},
        c=c,
    )


@BRIEF
@given(
    st.lists(st.sampled_from(["Exp", "Relu", "Slice", "Add", "Double", "Flip", "Softmax"]), max_size=7), SEEDS
)
def test_arrays_that_share_memory_are_never_written_into(chain: list[str], seed: int) -> None:
    arrays = {"one": np.array([1]), "end": np.array([1 << 40]), "three": np.array([3]), "k": np.float32(0.1)}
    nodes = [node("Mul", "x k", "v"), node("Transpose", "v", "t", perm=[0, 1, 3, 2])]
    last = "v"
    for n, what in enumerate(chain):
        name, last = last, f"v{n}"
        if what == "Slice":
            nodes.append(node("Slice", [name, "one", "end", "three"], last))
            nodes.append(node("Concat", [last, last], f"{last}c", axis=3))
            last += "c"
        elif what == "Add":
            nodes.append(node("Add", [name, "k"], last))
        elif what == "Double":
            nodes.append(node("Add", [name, name], last))
        elif what == "Flip":
            nodes += [node("Transpose", name, last + "t", perm=[0, 1, 3, 2]), node("Tanh", name, last + "u")]
            nodes.append(node("Transpose", last + "t", last + "w", perm=[0, 1, 3, 2]))
            nodes.append(node("Add", [last + "w", last + "u"], last))
        else:
            nodes.append(node(what, name, last))
    nodes += [node("ReduceSum", [last], "all", keepdims=0), node("Add", "t all")]
    agree(nodes, {"x": normal(seed, 1, 2, 6, 6)}, tolerance=1e-3, **arrays)


@BRIEF
@given(st.sampled_from(["ReduceMax", "ReduceMin", "ReduceMean", "ReduceSum"]), st.data())
def test_reductions_agree(operator: str, data: st.DataObject) -> None:
    axes = data.draw(st.lists(st.integers(0, 3), unique=True, max_size=4))
    axes = [a - 4 if data.draw(st.booleans()) else a for a in axes]
    opset = data.draw(st.sampled_from([11, 17, 18]))
    x = normal(data.draw(SEEDS), *data.draw(st.lists(st.integers(1, 5), min_size=4, max_size=4)))
    keep = data.draw(st.integers(0, 1))
    if opset >= (13 if operator == "ReduceSum" else 18):
        agree(node(operator, "x a", keepdims=keep), {"x": x}, opset, a=np.array(axes, np.int64))
    else:
        agree(node(operator, "x", keepdims=keep, **({"axes": axes} if axes else {})), {"x": x}, opset)


@BRIEF
@given(st.data())
def test_arg_max_and_softmax_agree(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(1, 6), min_size=2, max_size=4))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    # few different values, so that there are equals
    x = np.random.default_rng(data.draw(SEEDS)).integers(-2, 3, shape).astype(np.float32)
    last = data.draw(st.integers(0, 1))
    agree(node("ArgMax", axis=axis, keepdims=data.draw(st.integers(0, 1)), select_last_index=last), {"x": x})
    agree(node("Softmax", axis=axis), {"x": x}, data.draw(st.sampled_from([11, 17])))


@BRIEF
@given(st.data())
def test_batch_normalization_alone_agrees(data: st.DataObject) -> None:
    channels, seed = data.draw(st.integers(1, 5)), data.draw(SEEDS)
    arrays = {k: np.abs(normal(seed + n, channels)) + np.float32(0.2) for n, k in enumerate("gomv")}
    x = normal(seed, 2, channels, *data.draw(st.lists(st.integers(1, 5), max_size=2)))
    agree(node("BatchNormalization", "x g o m v", epsilon=1e-3), {"x": x}, **arrays)


@WIDE
@given(st.data())
def test_resize_agrees(data: st.DataObject) -> None:
    draw = data.draw
    mode = draw(st.sampled_from(["nearest", "linear"]))
    attributes = {
        "mode": mode,
        "coordinate_transformation_mode": draw(
            st.sampled_from(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])
        ),
    }
    if mode == "nearest":
        attributes["nearest_mode"] = draw(
            st.sampled_from(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"])
        )
    x = normal(draw(SEEDS), 1, 2, draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    if draw(st.booleans()):
        scale = [draw(st.sampled_from([0.5, 1.0, 2.0, 3.0, 4.0])) for _ in range(2)]
        agree(node("Resize", ["x", "", "s"], **attributes), {"x": x}, s=np.array([1, 1, *scale], np.float32))
    else:
        assume(mode == "linear")  # in nearest, the last bit of a size's ratio decides which pixel is taken
        sizes = np.array([1, 2, draw(st.integers(1, 20)), draw(st.integers(1, 20))])
        agree(node("Resize", ["x", "", "", "s"], **attributes), {"x": x}, s=sizes)


@BRIEF
@given(st.data())
def test_slice_agrees(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(1, 7), min_size=1, max_size=4))
    axes = data.draw(st.lists(st.integers(0, len(shape) - 1), unique=True, min_size=1))
    bounds = st.one_of(st.integers(-9, 9), st.sampled_from([2**63 - 1, -(2**63)]))
    numbers = {
        "b": [data.draw(bounds) for _ in axes],
        "e": [data.draw(bounds) for _ in axes],
        "a": axes,
        "p": [data.draw(st.sampled_from([1, 1, 2, 3, -1, -2])) for _ in axes],
    }
    # "to the end", downwards: ONNX Runtime takes it for the begin
    assume(not any(step < 0 and end == 2**63 - 1 for step, end in zip(numbers["p"], numbers["e"])))
    arrays = {name: np.array(row, np.int64) for name, row in numbers.items()}
    agree(node("Slice", "x b e a p"), {"x": normal(data.draw(SEEDS), *shape)}, **arrays)


@BRIEF
@given(st.data())
def test_pad_agrees(data: st.DataObject) -> None:
    mode = data.draw(st.sampled_from(["constant", "edge", "reflect"]))
    lowest = -2 if mode == "constant" else 0
    pads = np.array([0, 0, *(data.draw(st.integers(lowest, 3)) for _ in range(2))] * 2, np.int64)
    x = normal(data.draw(SEEDS), 1, 2, 5, 6)
    agree(node("Pad", "x p c", mode=mode), {"x": x}, p=pads, c=np.float32(1.5))


@BRIEF
@given(st.data())
def test_arrangements_agree(data: st.DataObject) -> None:
    seed = data.draw(SEEDS)
    block = data.draw(st.integers(1, 3))
    n, c, h, w = (data.draw(SIDES) for _ in range(4))
    x = normal(seed, n, c * block**2, h, w)
    agree(node("DepthToSpace", blocksize=block, mode=data.draw(st.sampled_from(["DCR", "CRD"]))), {"x": x})
    agree(node("SpaceToDepth", blocksize=block), {"x": normal(seed, n, c, h * block, w * block)})
    agree(node("Transpose", perm=data.draw(st.permutations(range(4)))), {"x": x})
    agree(node("Concat", "x x", axis=data.draw(st.integers(-4, 3))), {"x": x})
    agree(node("Reshape", "x s"), {"x": x}, s=np.array([0, -1, w], np.int64))
    agree(node("Flatten", axis=data.draw(st.integers(-4, 4))), {"x": x})
    agree(node("Unsqueeze", "x a"), {"x": x}, a=np.array([0, -1], np.int64))
    agree(node("Squeeze", "x a"), {"x": normal(seed, 1, c, 1)}, a=np.array([0, 2], np.int64))
    agree(node("Shape", start=data.draw(st.integers(-4, 3))), {"x": x}, 15)
    agree(node("Expand", "x s"), {"x": normal(seed, c, 1)}, s=np.array([2, 1, 4], np.int64))
    places = np.random.default_rng(seed).integers(-h, h, (2, 2))
    agree(node("Gather", "x p", axis=2), {"x": x}, p=places)
    agree(node("Where", "c x b"), {"x": x}, c=x > 0, b=np.float32(7))
    halves = helper.make_node("Split", ["x", "s"], ["q", "y"], axis=1)
    agree(halves, {"x": normal(seed, 2, 5, 3)}, s=np.array([2, 3], np.int64))


@WIDE
@given(st.data())
def test_pools_agree(data: st.DataObject) -> None:
    draw = data.draw
    kernel = [draw(st.integers(1, 3)) for _ in range(2)]
    attributes: dict[str, Any] = {
        "kernel_shape": kernel,
        "strides": [draw(SIDES) for _ in range(2)],
        "pads": [draw(st.integers(0, k - 1)) for k in kernel * 2],
    }
    operator = draw(st.sampled_from(["MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"]))
    if operator.startswith("Global"):
        attributes = {}
    elif operator == "AveragePool":
        attributes["count_include_pad"] = draw(st.integers(0, 1))
    else:
        attributes["dilations"] = [draw(SIDES) for _ in range(2)]
    x = normal(draw(SEEDS), 2, 3, draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, attributes.get("dilations", (1, 1)))]
    pads = attributes.get("pads", [0] * 4)
    assume(not attributes or all(x.shape[n + 2] + pads[n] + pads[n + 2] >= reach[n] for n in range(2)))
    agree(node(operator, **attributes), {"x": x})


@BRIEF
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(0, 1), st.integers(0, 1), SEEDS)
def test_products_agree(m: int, n: int, k: int, turn_a: int, turn_b: int, seed: int) -> None:
    a, b = normal(seed, m, k), normal(seed + 1, k, n)
    agree(node("MatMul", "x b"), {"x": normal(seed, 2, m, k)}, b=b)
    x, w = (a.T.copy() if turn_a else a), (b.T.copy() if turn_b else b)
    gemm = node("Gemm", "x w c", transA=turn_a, transB=turn_b, alpha=0.5, beta=2.0)
    agree(gemm, {"x": x}, w=w, c=normal(seed, n))


@BRIEF
@given(st.sampled_from([np.uint8, np.int8]), st.integers(0, 127), SEEDS)
def test_8_bit_activations_agree(dtype: type, zero: int, seed: int) -> None:
    x, scale = normal(seed, 1, 3, 5, 6), np.float32(0.03)
    there = node("QuantizeLinear", "x s z", "q")
    back = node("DequantizeLinear", "q s z")
    arrays = {"s": scale, "z": dtype(zero)}
    agree(node("QuantizeLinear", "x s z"), {"x": x}, **arrays)
    agree([there, back], {"x": x}, **arrays)
    after = [node("Relu", "x", "r"), node("QuantizeLinear", "r s z", "q"), back]
    agree(after, {"x": x}, **arrays)


@BRIEF
@given(st.integers(1, 4), SEEDS)
def test_8_bit_weights_agree(channels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.integers(-127, 128, (channels, 2, 3, 3)).astype(np.int8)
    scales = rng.uniform(0.01, 0.1, channels).astype(np.float32)
    nodes = [node("DequantizeLinear", "w s z", "k", axis=0), node("Conv", "x k", pads=[1] * 4)]
    agree(nodes, {"x": normal(seed, 1, 2, 6, 6)}, w=weights, s=scales, z=np.zeros(channels, np.int8))


def test_casts_agree() -> None:
    x = np.array([[0.2, 1.5, 200.7, 254.5]], np.float32)
    for element in (
        onnx.TensorProto.UINT8,
        onnx.TensorProto.INT64,
        onnx.TensorProto.BOOL,
        onnx.TensorProto.DOUBLE,
    ):
        agree(node("Cast", to=element), {"x": x})
    half = [node("Cast", "x", "h", to=onnx.TensorProto.FLOAT16), node("Cast", "h", to=onnx.TensorProto.FLOAT)]
    agree(half, {"x": x}, tolerance=1e-3)


def test_a_strip_of_one_row_gives_the_bits_of_the_whole_image(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = {"w": normal(1, 8, 6, 3, 3), "b": normal(2, 8)}
    x = normal(3, 1, 6, 50, 40)
    model = model_of([node("Conv", "x w b", pads=[1] * 4, strides=[1, 1])], {"x": x}, arrays)
    found = []
    for size in (1, 30_000, 1 << 30):
        monkeypatch.setattr(strips_module, "STRIP_BYTES", size)
        found.append(Program(read_onnx_bytes(model), 3).run({"x": x}, ["y"])[0])
    assert np.allclose(found[0], found[2], atol=1e-5)
    assert np.allclose(found[1], found[2], atol=1e-5)


@pytest.mark.parametrize(
    ("made", "named"),
    [
        (node("Erf"), "^Erf$"),
        (node("Resize", ["x", "", "s"], mode="cubic"), r"Resize \(mode 'cubic'\)"),
        (node("Conv", "x x"), r"Conv \(with a kernel that is computed\)"),
        (node("MaxPool", kernel_shape=[2, 2], ceil_mode=1), r"MaxPool \(with ceil_mode\)"),
        (helper.make_node("Fused", ["x"], ["y"], domain="com.microsoft"), r"^com\.microsoft\.Fused$"),
    ],
)
def test_what_is_not_known_here_is_named(made: Any, named: str) -> None:
    x = normal(1, 1, 1, 4, 4)
    model = model_of([made], {"x": x}, {"s": np.array([1, 1, 2, 2], np.float32)})
    with pytest.raises(NotKnownHereError, match=named):
        Program(read_onnx_bytes(model)).run({"x": x}, ["y"])


@pytest.mark.parametrize(
    ("made", "arrays"),
    [
        (node("Expand", "x s"), {"s": np.array([1 << 20, 1 << 20, 4, 4])}),
        (node("Pad", "x s"), {"s": np.array([1 << 30, 0, 0, 0, 0, 0, 0, 1 << 30])}),
        (node("Resize", ["x", "", "s"]), {"s": np.array([1, 1, 1e6, 1e6], np.float32)}),
        (node("Gather", "x s"), {"s": np.array([7])}),
        (node("Conv", "x w", pads=[1] * 4, strides=[0, 1]), {"w": normal(1, 1, 1, 3, 3)}),
        (node("ConvTranspose", "x w", strides=[60_000, 60_000]), {"w": normal(1, 1, 1, 3, 3)}),
        (node("Reshape", "x s"), {"s": np.array([3, 5])}),
    ],
)
def test_arrays_beyond_reason_cost_nothing(made: Any, arrays: dict[str, Any]) -> None:
    x = normal(1, 1, 1, 4, 4)
    with pytest.raises(DamagedError):
        Program(read_onnx_bytes(model_of([made], {"x": x}, arrays))).run({"x": x}, ["y"])
