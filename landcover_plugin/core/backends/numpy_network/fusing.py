"""Convolutions with what follows them made one step.

What is joined depends on the whole graph and never on the outputs that somebody asks for, as a
normalisation folded into a kernel changes the last bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ...onnx_reader import OnnxGraph, OnnxNode
from .call import Array, Call, NotKnownHereError
from .elementwise import clip_bounds
from .finish import Clipped, Finish, Plus, Rectified
from .operators import CONVOLUTIONS
from .quantisation import rounding
from .reductions import normalisation

Floats = npt.NDArray[np.float32]


@dataclass(eq=False)
class Joined:
    """A convolution and what is done to its result.

    Args:
        node: of the convolution.
        kernel: as the node has it, a normalisation folded in.
        bias: one number a channel, or None.
        result: name of the last value.
        others: names of arrays that the finishes read.
        finishes: in order.
    """

    node: OnnxNode
    kernel: Floats
    bias: Floats | None
    result: str
    others: list[str] = field(default_factory=list)
    finishes: list[Finish] = field(default_factory=list)

    @property
    def channels(self) -> int:
        """Of the result."""
        if self.node.operator == "Conv":
            return len(self.kernel)
        return self.kernel.shape[1] * self.node.integer("group", 1)


class Fuser:
    """Finds chains that start with a convolution.

    Args:
        graph: for its outputs and version.
        nodes: those that are run.
        constants: values known by now.
    """

    def __init__(self, graph: OnnxGraph, nodes: Sequence[OnnxNode], constants: Mapping[str, Array]) -> None:
        self._opset, self._nodes, self._constants = graph.opset, nodes, constants
        self._readers: dict[str, list[OnnxNode]] = {}
        for node in nodes:
            for name in node.inputs:
                self._readers.setdefault(name, []).append(node)
        self._kept = {o.name for o in graph.outputs}
        self._taken: set[int] = set()

    def joined(self) -> list[OnnxNode | Joined]:
        """The nodes with convolutions joined, each at the place of its chain's last node."""
        chains = {}
        for node in self._nodes:
            if node.operator in CONVOLUTIONS:
                last, chain = self._chain(node)
                chains[id(last)] = chain
        steps: list[OnnxNode | Joined] = []
        for node in self._nodes:
            if id(node) in chains:
                steps.append(chains[id(node)])
            elif id(node) not in self._taken:
                steps.append(node)
        return steps

    def _chain(self, node: OnnxNode) -> tuple[OnnxNode, Joined]:
        kernel = self._array(node, 1)
        bias = self._array(node, 2) if len(node.inputs) > 2 and node.inputs[2] else None
        if kernel is None or (bias is None and len(node.inputs) > 2 and node.inputs[2]):
            raise NotKnownHereError(f"{node.operator} (with a kernel that is computed)")
        if kernel.ndim != 4:
            raise NotKnownHereError(f"{node.operator} (of an image with {kernel.ndim - 2} axes)")
        chain = Joined(node, kernel, bias, node.outputs[0])
        last = node
        self._taken.add(id(node))
        while (following := self._only_reader(chain.result)) is not None and self._take(chain, following):
            self._taken.add(id(following))
            chain.result, last = following.outputs[0], following
        return last, chain

    def _only_reader(self, name: str) -> OnnxNode | None:
        readers = self._readers.get(name, [])
        is_free = len(readers) == 1 and name not in self._kept and id(readers[0]) not in self._taken
        return readers[0] if is_free and readers[0].inputs.count(name) == 1 else None

    def _take(self, chain: Joined, node: OnnxNode) -> bool:
        """Make a node part of the chain, if it is of a kind that can be."""
        if node.operator == "BatchNormalization":
            return not chain.finishes and self._fold(chain, node)
        if node.operator in ("Add", "Sub"):
            return self._take_sum(chain, node)
        finish = self._finish(node)
        if finish is not None:
            chain.finishes.append(finish)
        return finish is not None

    def _finish(self, node: OnnxNode) -> Finish | None:
        if node.operator == "Relu":
            return Rectified()
        if node.operator == "Clip" and all(not n or n in self._constants for n in node.inputs[1:]):
            return Clipped(*clip_bounds(self._call(node)))
        if node.operator == ROUND_TO_8_BIT:
            zero = self._constants.get(node.inputs[2]) if len(node.inputs) > 2 else None
            return rounding(self._constants[node.inputs[1]], zero)
        return None

    def _take_sum(self, chain: Joined, node: OnnxNode) -> bool:
        place = node.inputs.index(chain.result)
        other = node.inputs[1 - place]
        array = self._constants.get(other)
        if array is not None:
            per_channel = _per_channel(array, chain.channels)
            if chain.finishes or per_channel is None or (node.operator == "Sub" and place == 1):
                return False
            sign = 1 if node.operator == "Add" else -1
            chain.bias = np.float32(sign) * per_channel + (0 if chain.bias is None else chain.bias)
            return True
        if node.operator == "Sub":
            return False
        chain.others.append(other)
        chain.finishes.append(Plus())
        return True

    def _fold(self, chain: Joined, node: OnnxNode) -> bool:
        """Fold a normalisation into the kernel and the bias."""
        statistics = [self._array(node, n) for n in range(1, 5)]
        if len(node.outputs) > 1 or any(s is None or s.size != chain.channels for s in statistics):
            return False
        scale, shift = normalisation(self._call(node), *(s for s in statistics if s is not None))
        if chain.node.operator == "Conv":
            chain.kernel = chain.kernel * scale.reshape(-1, 1, 1, 1)
        else:
            groups = chain.node.integer("group", 1)
            given = len(chain.kernel) // groups
            per_row = np.repeat(scale.reshape(groups, 1, -1), given, 1).reshape(len(chain.kernel), -1)
            chain.kernel = chain.kernel * per_row[:, :, None, None]
        chain.bias = shift if chain.bias is None else (chain.bias * scale + shift).astype(np.float32)
        return True

    def _array(self, node: OnnxNode, n: int) -> Floats | None:
        array = self._constants.get(node.inputs[n]) if n < len(node.inputs) else None
        return array if array is not None and array.dtype == np.float32 else None

    def _call(self, node: OnnxNode) -> Call:
        return Call(node, self._opset, [self._constants.get(n) for n in node.inputs])


ROUND_TO_8_BIT = "QuantizeLinear + DequantizeLinear"
"""The operator of a node that stands for that pair."""


def with_rounding(nodes: Sequence[OnnxNode], constants: Mapping[str, Any]) -> list[OnnxNode]:
    """The nodes with each pair of QuantizeLinear and DequantizeLinear made one."""
    made = {node.outputs[0]: node for node in nodes if node.operator == "QuantizeLinear"}
    result = []
    for node in nodes:
        first = made.get(node.inputs[0]) if node.operator == "DequantizeLinear" else None
        if first is not None and _is_pair(first, node, constants):
            result.append(OnnxNode(ROUND_TO_8_BIT, first.inputs, node.outputs))
        else:
            result.append(node)
    return result


def _is_pair(first: OnnxNode, second: OnnxNode, constants: Mapping[str, Any]) -> bool:
    """Whether both have the same scale and zero point, and both are known."""
    arrays = [[constants[name] for name in node.inputs[1:3] if name in constants] for node in (first, second)]
    if not len(arrays[0]) == len(arrays[1]) == len(first.inputs) - 1 == len(second.inputs) - 1 > 0:
        return False
    same = all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(*arrays))
    zero = arrays[0][1] if len(arrays[0]) > 1 else None
    return same and rounding(arrays[0][0], zero) is not None


def _per_channel(array: Array, channels: int) -> Floats | None:
    """One number a channel, where an array is no more than that."""
    if array.dtype != np.float32:
        return None
    if array.size == 1 and array.ndim <= 4:
        return np.full(channels, array.reshape(-1)[0], np.float32)
    is_row = array.shape in ((channels, 1, 1), (1, channels, 1, 1))
    return array.reshape(-1) if is_row else None
