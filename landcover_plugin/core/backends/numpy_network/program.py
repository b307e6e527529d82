"""A graph made ready to run: constants computed, convolutions joined, arrays freed once they are dead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...onnx_reader import OnnxGraph, OnnxNode
from .blas_threads import one_blas_thread
from .call import Array, Call, Operator
from .convolution import Convolution
from .fusing import ROUND_TO_8_BIT, Fuser, Joined, with_rounding
from .operators import CONVOLUTIONS, OPERATORS, check_known
from .quantisation import rounding
from .strips import Strips

_MAX_FOLDED_BYTES = 64 << 20


@dataclass(frozen=True, eq=False)
class _Step:
    """What runs: names of what it reads and gives."""

    run: Callable[[Sequence[Array | None], Array | None], Array | tuple[Array, ...]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class Program:
    """Runs a graph, one caller at a time.

    Args:
        graph: of an ONNX file.
        threads: that share the work of a convolution.

    Raises:
        NotKnownHereError: an operator that is not known here.
        DamagedError: operators that do not fit together, where that shows before anything runs.
    """

    def __init__(self, graph: OnnxGraph, threads: int = 1) -> None:
        self._strips = Strips(threads)
        needed = _needed(graph.nodes, {o.name for o in graph.outputs})
        check_known(needed)
        self._constants = {name: _single(array) for name, array in graph.arrays.items()}
        self._opset = graph.opset
        left = self._folded(needed)
        left = with_rounding(left, self._constants)
        left = _needed(left, {o.name for o in graph.outputs})
        self._steps = [self._step(part) for part in Fuser(graph, left, self._constants).joined()]
        used = {name for step in self._steps for name in step.inputs} | {o.name for o in graph.outputs}
        self._constants = {name: array for name, array in self._constants.items() if name in used}
        self._plans: dict[tuple[str, ...], list[tuple[_Step, tuple[str, ...]]]] = {}

    def run(self, feeds: Mapping[str, Array], outputs: Sequence[str]) -> list[Array]:
        """The outputs for some inputs; only what they need is computed.

        Raises:
            DamagedError: arrays that do not fit the operators.
            NotKnownHereError: a use of an operator that is not known here.
        """
        with one_blas_thread():
            return self._run(feeds, outputs)

    def _run(self, feeds: Mapping[str, Array], outputs: Sequence[str]) -> list[Array]:
        values: dict[str, Array] = {**self._constants, **feeds}
        shared = set(values)
        for step, dead in self._plan(tuple(outputs)):
            given = [values[name] if name else None for name in step.inputs]
            spare = next((values[n] for n in step.inputs if n in dead and n not in shared), None)
            with np.errstate(all="ignore"):
                made = step.run(given, spare)
            for name, array in zip(step.outputs, made if isinstance(made, tuple) else (made,)):
                if name:
                    values[name] = array
                    _note_shared(shared, name, array, step.inputs, given, spare)
            for name in dead:
                values.pop(name, None)
        return [values[name] for name in outputs]

    def close(self) -> None:
        """End the threads."""
        self._strips.close()

    def _folded(self, nodes: Sequence[OnnxNode]) -> list[OnnxNode]:
        """Compute what depends on constants alone; the other nodes come back."""
        left = []
        for node in nodes:
            is_known = all(not name or name in self._constants for name in node.inputs)
            if not is_known or node.operator in CONVOLUTIONS or len(node.outputs) > 1:
                left.append(node)
                continue
            given = [self._constants[name] if name else None for name in node.inputs]
            with np.errstate(all="ignore"):
                made = OPERATORS[node.operator](Call(node, self._opset, given))
            if isinstance(made, np.ndarray) and made.nbytes <= _MAX_FOLDED_BYTES:
                self._constants[node.outputs[0]] = _single(made)
            else:
                left.append(node)
        return left

    def _step(self, part: OnnxNode | Joined) -> _Step:
        if isinstance(part, Joined):
            run = Convolution(part.node, part.kernel, part.bias, part.finishes, self._strips)
            return _Step(partial(_convolve, run), (part.node.inputs[0], *part.others), (part.result,))
        if part.operator == ROUND_TO_8_BIT:
            zero = self._constants[part.inputs[2]] if len(part.inputs) > 2 else None
            finish = rounding(self._constants[part.inputs[1]], zero)
            return _Step(partial(_round, finish), part.inputs[:1], part.outputs)
        operator = OPERATORS[part.operator]
        return _Step(partial(_operate, operator, part, self._opset), part.inputs, part.outputs)

    def _plan(self, outputs: tuple[str, ...]) -> list[tuple[_Step, tuple[str, ...]]]:
        """The steps that some outputs need, each with the values that are dead after it."""
        if outputs not in self._plans:
            steps = _needed(self._steps, set(outputs))
            alive, plan = set(outputs) | set(self._constants), []
            for step in reversed(steps):
                dead = {name for name in (*step.inputs, *step.outputs) if name} - alive
                alive |= dead
                plan.append((step, tuple(dead)))
            self._plans[outputs] = plan[::-1]
        return self._plans[outputs]


def _convolve(run: Convolution, given: Sequence[Array | None], spare: Array | None) -> Array:
    x, *others = (array for array in given if array is not None)
    return run(x, others)


def _round(finish: Any, given: Sequence[Array | None], spare: Array | None) -> Array:
    rounded: Array = finish.apply(given[0], None, spare)
    return rounded


def _operate(
    operator: Operator, node: OnnxNode, opset: int, given: Sequence[Array | None], spare: Array | None
) -> Array | tuple[Array, ...]:
    return operator(Call(node, opset, given, spare))


def _single(array: Array) -> Array:
    """Half precision made single, as the processor computes in that."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _needed(parts: Sequence[Any], outputs: set[str]) -> list[Any]:
    """The nodes or steps that some values depend on, in order."""
    wanted, kept = set(outputs), []
    for part in reversed(parts):
        if wanted.intersection(part.outputs):
            kept.append(part)
            wanted.update(name for name in part.inputs if name)
    return kept[::-1]


def _note_shared(
    shared: set[str],
    name: str,
    array: Array,
    inputs: Sequence[str],
    given: Sequence[Array | None],
    spare: Array | None,
) -> None:
    """Remember values that lie in the same memory: nothing may be written into those."""
    for other, source in zip(inputs, given):
        if source is not None and source is not spare and np.may_share_memory(array, source):
            shared.update((name, other))
        elif (
            source is not None
            and source is spare
            and array is not spare
            and np.may_share_memory(array, source)
        ):
            shared.add(name)
