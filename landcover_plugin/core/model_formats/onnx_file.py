"""ONNX files, read with bounds, and what their shapes say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, version_converter

from ..errors import ModelError
from ..model import MAX_MODEL_BYTES
from .network import Network

MIN_OPSET = 11
_CONVERTED_OPSET = 13
_PROBE_SIDE, _PROBE_STEP = 512, 512
_MAX_SIDE = 1 << 14
_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16)
_PASSES_ON = (
    "Identity",
    "Cast",
    "Clip",
    "Slice",
    "Squeeze",
    "Unsqueeze",
    "Reshape",
    "Transpose",
    "Resize",
    "Upsample",
)
_PROBABILITIES = ("Softmax", "Sigmoid", "HardSigmoid")


def read_onnx(path: Path) -> Any:
    """The model in a file, without what lies in other files.

    Raises:
        ModelError: no such file, too large, not ONNX, or its weights lie in other files.
    """
    try:
        if path.stat().st_size > MAX_MODEL_BYTES:
            raise ModelError(f"{path} is larger than 1 GB; this plugin does not load such models.")
        model = onnx.load_model_from_string(path.read_bytes())
    except OSError as e:
        raise ModelError(f"{path} cannot be read ({e.strerror or e}); check the path.") from e
    except ModelError:
        raise
    except Exception as e:  # protobuf's errors have no common class
        raise ModelError(f"{path} is not an ONNX file; export the model again.") from e
    if not model.graph.node or not model.graph.output:
        raise ModelError(f"{path} is not an ONNX file, or an empty one; export the model again.")
    if any(_is_external(tensor) for tensor in _tensors(model.graph)):
        raise ModelError(
            f"{path} keeps its weights in other files; save the model with all weights in one ONNX file."
        )
    return model


def _is_external(tensor: Any) -> bool:
    return bool(tensor.external_data) or tensor.data_location == TensorProto.EXTERNAL


def _tensors(graph: Any) -> Iterator[Any]:
    """All tensors of a graph and of the graphs inside it."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            yield from (attribute.sparse_tensor.values, attribute.sparse_tensor.indices)
            if attribute.HasField("g"):
                yield from _tensors(attribute.g)
            for inner in attribute.graphs:
                yield from _tensors(inner)


def onnx_network(model: Any, where: str, output: str | None = None) -> Network:
    """What a segmentation graph reads and gives, by its shapes.

    Args:
        model: from :func:`read_onnx`; raised to a newer operator set where it is very old.
        where: names the file in errors.
        output: name of the output to use, where there are several.

    Raises:
        ModelError: it is no network from one picture to one map.
    """
    try:
        model = _modern(model)
        onnx.checker.check_model(model)
    except Exception as e:  # the checker's and converter's errors have no common class
        raise ModelError(f"{where} is not a valid ONNX model ({_first_line(e)}); export it again.") from e
    given = _only_input(model, where)
    batch, bands, side = _input_sizes(given, where)
    result = _chosen_output(model, where, output)
    probe = side or _PROBE_SIDE
    free, shape = _output_shape(model, given.name, result.name, bands, probe, where)
    if len(shape) not in (3, 4):
        raise ModelError(
            f"{where}: the output '{result.name}' is no map of scores; it has {len(shape)} axes, not 3 or 4."
        )
    margin = _margin(probe, shape[-2:], where)
    if side is None:
        _, larger = _output_shape(model, given.name, result.name, bands, probe + _PROBE_STEP, where)
        if _margin(probe + _PROBE_STEP, larger[-2:], where) != margin:
            raise ModelError(
                f"{where} makes maps of another pixel size than the picture; such networks are not read."
            )
    channels = shape[1] if len(shape) == 4 else 1
    if channels is None or not 1 <= channels <= 254:
        raise ModelError(f"{where}: the output '{result.name}' does not say its number of classes, 1 to 254.")
    return Network(
        model=model,
        input=given.name,
        output=result.name,
        bands=bands,
        channels=channels,
        has_channel_axis=len(shape) == 4,
        side=side,
        margin=margin,
        stride=None,
        batch=None if free else batch,
        activation=_activation(model, result.name, channels),
    )


def _modern(model: Any) -> Any:
    """The model in an operator set that has the operators which wrapping adds."""
    version = opset(model)
    return version_converter.convert_version(model, _CONVERTED_OPSET) if version < MIN_OPSET else model


def opset(model: Any) -> int:
    """The version of the standard operators that a model uses."""
    return int(next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0))


def _only_input(model: Any, where: str) -> Any:
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in stored]
    if len(inputs) != 1:
        raise ModelError(
            f"{where} has {len(inputs)} inputs; only networks that read one picture are imported."
        )
    if inputs[0].type.tensor_type.elem_type not in _FLOATS:
        raise ModelError(
            f"{where}: its input '{inputs[0].name}' is not float; export the model with a float input."
        )
    return inputs[0]


def _input_sizes(given: Any, where: str) -> tuple[int | None, int, int | None]:
    """Batch size, bands and side; None where the graph leaves them free."""
    dims = _dims(given)
    if len(dims) != 4:
        raise ModelError(f"{where}: its input has {len(dims)} axes instead of (N, band, row, col).")
    batch, bands, height, width = dims
    if bands is None or not 1 <= bands <= 64:
        hint = "; its bands come last, export it with bands first" if (width or 99) <= 16 else ""
        raise ModelError(f"{where}: its input does not say its number of bands, 1 to 64{hint}.")
    if height != width or (height is not None and not 1 <= height <= _MAX_SIDE):
        raise ModelError(f"{where}: its input is {width} x {height} pixels; only square pictures are read.")
    return batch, bands, height


def _dims(info: Any) -> list[int | None]:
    return [
        d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None
        for d in info.type.tensor_type.shape.dim
    ]


def _chosen_output(model: Any, where: str, name: str | None) -> Any:
    outputs = {o.name: o for o in model.graph.output}
    if name is None and len(outputs) == 1:
        return next(iter(outputs.values()))
    if name is None or name not in outputs:
        names = ", ".join(n[:40] for n in list(outputs)[:8])
        raise ModelError(f"{where} has the outputs {names}; say which one to use with 'output'.")
    return outputs[name]


def _output_shape(
    model: Any, given: str, result: str, bands: int, side: int, where: str
) -> tuple[bool, list[int | None]]:
    """Whether the batch size is free, and the output's sizes for pictures of a side."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    for info in probe.graph.input:
        if info.name == given:
            _set_dims(info, ["N", bands, side, side])
    del probe.graph.value_info[:]
    for info in probe.graph.output:
        info.type.tensor_type.ClearField("shape")
    try:
        inferred = onnx.shape_inference.infer_shapes(probe, data_prop=True)
    except Exception as e:  # shape inference's errors have no common class
        raise ModelError(f"{where} contradicts itself ({_first_line(e)}); export it again.") from e
    found = next(o for o in inferred.graph.output if o.name == result)
    free = bool(found.type.tensor_type.shape.dim) and found.type.tensor_type.shape.dim[0].dim_param == "N"
    declared = next(o for o in model.graph.output if o.name == result)
    return free, _dims(found) or _dims(declared)


def _set_dims(info: Any, sizes: list[int | str]) -> None:
    del info.type.tensor_type.shape.dim[:]
    for size in sizes:
        dim = info.type.tensor_type.shape.dim.add()
        if isinstance(size, str):
            dim.dim_param = size
        else:
            dim.dim_value = size


def _margin(side: int, sizes: list[int | None], where: str) -> int:
    height, width = sizes
    if height is None or width is None:
        return 0
    missing = side - height
    if height != width or missing < 0 or missing % 2:
        raise ModelError(
            f"{where} makes {width} x {height} pixels out of {side} x {side}; only maps as large as the picture, "
            "or its centre, are read."
        )
    return missing // 2


def _activation(model: Any, output: str, channels: int) -> str:
    """What makes probabilities of the output: nothing, if it comes out of a softmax or sigmoid."""
    makers = {name: node for node in model.graph.node for name in node.output}
    name, seen = output, set[str]()
    while name in makers and name not in seen:
        seen.add(name)
        node = makers[name]
        if node.op_type in _PROBABILITIES or _is_softmax(node, makers):
            return "none"
        if node.op_type not in _PASSES_ON or not node.input:
            break
        name = node.input[0]
    return "sigmoid" if channels == 1 else "softmax"


def _is_softmax(division: Any, makers: dict[str, Any]) -> bool:
    """Whether powers are divided by their own sum, which is a softmax in steps."""
    if division.op_type != "Div":
        return False
    powers, total = (makers.get(name) for name in division.input)
    return (
        powers is not None
        and total is not None
        and (powers.op_type, total.op_type) == ("Exp", "ReduceSum")
        and total.input[0] == division.input[0]
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
