"""Small CNTK v2 model files, written by hand."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from landcover_plugin.core.cntk.dictionary import Axis

Shape = tuple[int, ...]


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def message(*parts: tuple[int, int | bytes]) -> bytes:
    """A protobuf message of varint and bytes fields."""
    out = b""
    for number, value in parts:
        if isinstance(value, bytes):
            out += varint(number << 3 | 2) + varint(len(value)) + value
        else:
            out += varint(number << 3) + varint(value)
    return out


def shape_message(shape: Shape) -> bytes:
    return message((1, b"".join(varint(size) for size in shape)))


def array_message(array: npt.NDArray[np.float32], shape: Shape | None = None) -> bytes:
    """``shape`` is what the file claims, in its own order; by default the truth."""
    values = message((1, array.astype("<f4").tobytes()))
    return message((1, 1), (2, 0), (3, shape_message(shape or array.shape[::-1])), (4, values))


def value(item: Any) -> bytes:
    """A DictionaryValue of any of the types that model files hold."""
    if isinstance(item, Raw):
        return item.data
    if isinstance(item, bool):
        return message((1, 2), (2, 1), (3, int(item)))
    if isinstance(item, int):
        return message((1, 2), (2, 3), (5, item))
    if isinstance(item, float):
        return message((1, 2), (2, 5)) + varint(7 << 3 | 1) + struct.pack("<d", item)
    kinds = {str: 6, tuple: 7, Axis: 8, list: 9, dict: 10, np.ndarray: 11}
    kind = kinds[type(item)]
    content = {
        str: lambda: str(item).encode(),
        tuple: lambda: shape_message(item),
        Axis: lambda: message((1, item.index), (2, b"axis"), (3, 1)),
        list: lambda: message(*((1, value(i)) for i in item)),
        dict: lambda: dictionary(item),
        np.ndarray: lambda: array_message(item),
    }[type(item)]()
    return message((1, 2), (2, kind), (kind + 2, content))


class Raw:
    """A DictionaryValue given as bytes."""

    def __init__(self, kind: int, content: bytes) -> None:
        self.data = message((1, 2), (2, kind), (kind + 2, content))


def dictionary(entries: dict[str, Any]) -> bytes:
    return message(
        (1, 2), *((2, message((1, key.encode()), (2, value(item)))) for key, item in entries.items())
    )


def variable(
    uid: str, kind: int, array: npt.NDArray[np.float32] | Raw | None = None, shape: Shape = ()
) -> dict[str, Any]:
    entry: dict[str, Any] = {"uid": uid, "kind": kind, "data_type": 1, "shape": shape}
    if array is not None:
        entry["value"] = array
    return entry


def function(uid: str, op: int, inputs: list[str], **attributes: Any) -> dict[str, Any]:
    return {"uid": uid, "op": op, "inputs": inputs, "attributes": attributes}


def block(uid: str, root: str, bindings: dict[str, str]) -> dict[str, Any]:
    return {
        **function(uid, 57, list(bindings.values())),
        "block_function_op_name": "Convolution",
        "block_function_composite": {"root": root},
        "block_function_composite_arguments_map_keys": list(bindings),
        "block_function_composite_arguments_map_values": list(bindings.values()),
    }


def model(root: str, functions: list[dict[str, Any]], variables: list[dict[str, Any]]) -> bytes:
    return dictionary(
        {
            "type": "CompositeFunction",
            "version": 3,
            "uid": "c",
            "root": root,
            "primitive_functions": functions,
            "inputs": variables,
        }
    )


def convolution(uid: str, kernel: str, x: str, **attributes: Any) -> dict[str, Any]:
    given = {
        "strides": (1, 1, 3),
        "autoPadding": [True, True, False],
        "lowerPad": (0,),
        "upperPad": (0,),
        "transpose": False,
        "outputShape": (0,),
        "sharing": [True],
    }
    return function(uid, 33, [kernel, x], **{**given, **attributes})


def small_network(kernel: npt.NDArray[np.float32] | Raw, side: int = 16) -> bytes:
    """A 3 x 3 convolution in a block, ReLU, and 4 pixels cut off at each side."""
    _, bands = (2, 3) if isinstance(kernel, Raw) else kernel.shape[:2]
    return model(
        "cols",
        [
            block("b", "conv", {"p": "image"}),
            convolution("conv", "w", "p"),
            function("relu", 3, ["b_Output_0"]),
            function("rows", 14, ["relu_Output_0"], axis=Axis(0), beginIndex=4, endIndex=side - 4),
            function("cols", 14, ["rows_Output_0"], axis=Axis(1), beginIndex=4, endIndex=side - 4),
        ],
        [
            variable("image", 0, shape=(side, side, bands)),
            variable("p", 4),
            variable("w", 2, kernel),
            variable("b_Output_0", 4),
        ],
    )
