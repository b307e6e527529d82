"""Requests and answers of an inference, as the Open Inference Protocol v2 writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.backends import Priority
from ..core.backends.answers import DTYPE_OF, answer_bytes, request_fault
from ..core.backends.protocol import Arrays
from ..core.backends.remote import INPUT
from ..core.backends.tensors import DATATYPES, TensorError, decode, encode, parameters_of, split
from ..core.model import ModelSpec
from .models import VERSION, ServedModel


@dataclass(frozen=True)
class Limits:
    """What a request may be.

    Args:
        body_bytes: of a request, and of the arrays of its answer.
        json_bytes: of a request without raw tensors, which takes many times its size to read.
        pending: requests of a model that wait, run or are being answered; more are refused with 503.
        held_bytes: of all requests that are here, and of answers not yet taken; above it 503.
        chip_pixels: of one chip; those of the model's own chips where None.
        body_s: for a request's body to arrive, and for its answer to be taken.
    """

    body_bytes: int = 64 << 20
    json_bytes: int = 16 << 20
    pending: int = 64
    held_bytes: int = 512 << 20
    chip_pixels: int | None = None
    body_s: float = 60.0


@dataclass(frozen=True)
class InferenceRequest:
    """A request that the model can run.

    Args:
        id: the client's, returned as it is.
        chips: the one input.
        outputs: wanted, in the order asked.
        binary: which of them go back as raw bytes.
        priority: who may overtake whom.
    """

    id: str | None
    chips: npt.NDArray[Any]
    outputs: tuple[str, ...]
    binary: Mapping[str, bool]
    priority: Priority


def read_request(
    model: ServedModel, body: bytearray, header_length: str | None, limits: Limits
) -> InferenceRequest:
    """A request from its body.

    Raises:
        TensorError: says what is wrong with it.
    """
    spec = model.spec
    if header_length is None and len(body) > limits.json_bytes:
        raise TensorError(f"a request without raw tensors may have {limits.json_bytes} bytes")
    message, raw = split(body, header_length)
    request_id = message.get("id")
    if request_id is not None and not (isinstance(request_id, str) and len(request_id) <= 200):
        raise TensorError("'id' must be a text of at most 200 letters")
    parameters = parameters_of(message)
    priority = _priority(parameters)
    outputs, binary = _outputs(spec, message.get("outputs"), bool(parameters.get("binary_data_output")))
    arrays = decode(message.get("inputs"), raw)
    if set(arrays) != {INPUT}:
        raise TensorError(f"the one input is '{INPUT}', not {', '.join(sorted(arrays)) or 'nothing'}"[:300])
    chips = arrays[INPUT]
    fault = request_fault(spec, chips.dtype.name, chips.shape, outputs)
    if fault:
        raise TensorError(fault)
    if model.has_fixed_side and chips.shape[2:] != (spec.chip, spec.chip):
        raise TensorError(f"the model takes chips of {spec.chip} x {spec.chip} pixels only")
    pixels = limits.chip_pixels or spec.chip**2
    if math.prod(chips.shape[2:]) > pixels:
        raise TensorError(
            f"a chip of {chips.shape[2]} x {chips.shape[3]} pixels is above the limit of {pixels}"
        )
    if answer_bytes(spec, outputs, chips.shape) > limits.body_bytes:
        raise TensorError(f"the answer would be above {limits.body_bytes} bytes; send fewer chips at once")
    return InferenceRequest(request_id, chips, outputs, binary, priority)


def write_answer(model: ServedModel, request: InferenceRequest, arrays: Arrays) -> tuple[bytes, int | None]:
    """An answer's body, and the length of its JSON where raw tensors follow it."""
    message: dict[str, Any] = {
        "model_name": model.name,
        "model_version": VERSION,
        "parameters": {"sha256": model.spec.sha256},
    }
    if request.id is not None:
        message["id"] = request.id
    return encode(message, "outputs", arrays, request.binary)


def metadata(model: ServedModel) -> dict[str, Any]:
    """The protocol's model metadata, and the numeric kind among its parameters."""
    spec = model.spec
    return {
        "name": model.name,
        "versions": [VERSION],
        "platform": "onnxruntime_onnx",
        **tensors_of(spec, model.has_fixed_side),
        "parameters": {
            "numeric_kind": model.backend.numeric_kind,
            "description": model.backend.description,
            "sha256": spec.sha256,
            "tile": spec.tile,
            "halo": spec.halo,
        },
    }


def tensors_of(spec: ModelSpec, has_fixed_side: bool) -> dict[str, list[dict[str, Any]]]:
    """Inputs and outputs of a model as the protocol describes them."""
    chip, tile = (spec.chip, spec.tile) if has_fixed_side else (-1, -1)
    sides = [tile, tile] if spec.task == "segmentation" else []
    shapes = {name: [-1, *([] if name == "classes" else [len(spec.legend)]), *sides] for name in spec.outputs}
    chips = {"name": INPUT, "datatype": DATATYPES[spec.dtype], "shape": [-1, len(spec.bands), chip, chip]}
    outputs = [
        {"name": name, "datatype": DATATYPES[DTYPE_OF[name]], "shape": shape}
        for name, shape in shapes.items()
    ]
    return {"inputs": [chips], "outputs": outputs}


def _priority(parameters: Mapping[str, Any]) -> Priority:
    """1 is the highest of the protocol; 0, none and all others are batch."""
    value = parameters.get("priority", 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TensorError("the parameter 'priority' must be a whole number, 0 or more")
    return Priority.LIVE if value == Priority.LIVE else Priority.BATCH


def _outputs(spec: ModelSpec, asked: Any, all_binary: bool) -> tuple[tuple[str, ...], dict[str, bool]]:
    """Names of the outputs wanted, and which of them as raw bytes."""
    if asked is None:
        return spec.outputs, dict.fromkeys(spec.outputs, all_binary)
    if not isinstance(asked, list) or len(asked) > len(DTYPE_OF):
        raise TensorError(f"'outputs' must be a list of at most {len(DTYPE_OF)}")
    binary: dict[str, bool] = {}
    for entry in asked:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or name in binary:
            raise TensorError("an output must be an object with a 'name', each once")
        binary[name[:100]] = bool(parameters_of(entry).get("binary_data", all_binary))
    if not binary:
        return _outputs(spec, None, all_binary)
    return tuple(binary), binary


def as_contiguous(chips: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Chips as a backend takes them: in this machine's byte order, aligned, in one piece."""
    return np.require(chips, chips.dtype.newbyteorder("="), ["C", "A"])
