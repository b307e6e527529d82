"""CNTK's operator numbers, and which of them this importer knows."""

from __future__ import annotations

RELU = 3
SLICE = 14
RESHAPE = 16
PLUS = 19
MINUS = 20
CONVOLUTION = 33
REDUCE_ELEMENTS = 39
BATCH_NORMALIZATION = 40
SPLICE = 43
BLOCK = 57

_NAMES = {
    0: "Negate",
    1: "Sigmoid",
    2: "Tanh",
    RELU: "ReLU",
    4: "Exp",
    5: "Log",
    6: "Sqrt",
    10: "Softmax",
    11: "Hardmax",
    12: "TransposeAxes",
    SLICE: "Slice",
    15: "Dropout",
    RESHAPE: "Reshape",
    17: "Pooling",
    PLUS: "Plus",
    MINUS: "Minus",
    21: "ElementTimes",
    31: "Times",
    CONVOLUTION: "Convolution",
    34: "SquaredError",
    35: "CrossEntropyWithSoftmax",
    REDUCE_ELEMENTS: "ReduceElements",
    BATCH_NORMALIZATION: "BatchNormalization",
    41: "Clip",
    42: "Select",
    SPLICE: "Splice",
    44: "Combine",
    51: "LogSoftmax",
    BLOCK: "Block",
    58: "Unpooling",
    62: "NoOp",
    64: "ELU",
    83: "Pad",
    84: "Crop",
}


def operator_name(op: int) -> str:
    """CNTK's name of an operator, with its number."""
    return f"{_NAMES.get(op, 'of an unknown name')} ({op})"
