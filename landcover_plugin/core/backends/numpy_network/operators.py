"""All operators that NumPy runs, by name; convolutions are prepared apart, as their kernels are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...onnx_reader import OnnxNode
from .arrangement import ARRANGEMENT
from .call import NotKnownHereError, Operator
from .elementwise import ELEMENTWISE
from .pooling import POOLING
from .quantisation import QUANTISATION
from .reductions import REDUCTIONS
from .resizing import RESIZING

CONVOLUTIONS = ("Conv", "ConvTranspose")
OPERATORS: Mapping[str, Operator] = {
    **ARRANGEMENT,
    **ELEMENTWISE,
    **POOLING,
    **QUANTISATION,
    **REDUCTIONS,
    **RESIZING,
}


def check_known(nodes: Iterable[OnnxNode]) -> None:
    """Refuse nodes of operators that are not known here.

    Raises:
        NotKnownHereError: names them.
    """
    unknown = sorted({n.operator for n in nodes} - set(OPERATORS) - set(CONVOLUTIONS))
    if unknown:
        raise NotKnownHereError(", ".join(unknown[:4]))
