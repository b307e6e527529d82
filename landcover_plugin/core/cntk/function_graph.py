"""The functions and variables of a CNTK model, with its blocks dissolved into their contents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from ..protobuf import DamagedError
from .dictionary import Dictionary
from .operators import BLOCK

INPUT, OUTPUT, PARAMETER, CONSTANT, PLACEHOLDER = range(5)
_OUTPUT_SUFFIX = "_Output_0"


@dataclass(frozen=True)
class Function:
    """One operation; ``inputs`` are uids of values."""

    uid: str
    op: int
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Variable:
    """An input of the network (``value`` None), a parameter or a constant.

    Args:
        uid: its name in the file.
        kind: one of the constants of this module.
        shape: in the file's order, the axis that varies fastest first.
        value: in NumPy's order, ``shape`` reversed.
    """

    uid: str
    kind: int
    shape: tuple[int, ...]
    value: npt.NDArray[Any] | None


Node = Union[Function, Variable]


@dataclass(frozen=True)
class FunctionGraph:
    """All functions of a file, and what its placeholders stand for.

    A block's placeholders belong to that block alone, so one table of bindings serves all blocks
    and dissolving them copies nothing.
    """

    root: str
    functions: Mapping[str, Function]
    variables: Mapping[str, Variable]
    bindings: Mapping[str, str] = field(default_factory=dict)

    def node(self, uid: str) -> Node:
        """The function or variable behind the uid of a value; blocks and placeholders are looked through.

        Raises:
            DamagedError: there is none, or placeholders stand for each other.
        """
        for _ in range(len(self.bindings) + len(self.functions) + 1):
            function = self.functions.get(
                uid.removesuffix(_OUTPUT_SUFFIX) if uid.endswith(_OUTPUT_SUFFIX) else ""
            )
            if function is not None and function.op == BLOCK:
                uid = _block_root(function) + _OUTPUT_SUFFIX
            elif function is not None:
                return function
            elif uid in self.bindings:
                uid = self.bindings[uid]
            else:
                return self._variable(uid)
        raise DamagedError("its placeholders stand for each other")

    def _variable(self, uid: str) -> Variable:
        variable = self.variables.get(uid)
        if variable is None:
            raise DamagedError(f"it uses '{uid[:60]}', which it does not hold")
        if variable.kind in (OUTPUT, PLACEHOLDER):
            raise DamagedError(f"nothing is bound to its placeholder '{uid[:60]}'")
        return variable

    def in_order(self) -> list[Node]:
        """Everything the result depends on, each after what it uses itself.

        Raises:
            DamagedError: a function depends on its own result.
        """
        order: dict[str, Node] = {}
        under_way: set[str] = set()
        stack = [self.node(self.root + _OUTPUT_SUFFIX)]
        while stack:
            node = stack[-1]
            if node.uid in order:
                stack.pop()
                continue
            inputs = [self.node(uid) for uid in node.inputs] if isinstance(node, Function) else []
            waiting = [other for other in inputs if other.uid not in order]
            if not waiting:
                order[node.uid] = stack.pop()
            elif node.uid in under_way:
                raise DamagedError("it has a loop, which only recurrent networks have")
            else:
                under_way.add(node.uid)
                stack.extend(waiting)
        return list(order.values())


def function_graph(model: Dictionary) -> FunctionGraph:
    """The graph of a decoded model file.

    Raises:
        DamagedError: names the key that is missing or of the wrong kind.
    """
    if _get(model, "type", str, "") != "CompositeFunction":
        raise DamagedError("it is damaged, or not a CNTK v2 model")
    functions = [_function(entry) for entry in _entries(model, "primitive_functions")]
    variables = [_variable(entry) for entry in _entries(model, "inputs")]
    bindings: dict[str, str] = {}
    for function in functions:
        if function.op == BLOCK:
            for placeholder, value in _block_bindings(function):
                if bindings.setdefault(placeholder, value) != value:
                    raise DamagedError(f"two blocks share the placeholder '{placeholder[:60]}'")
    return FunctionGraph(
        _get(model, "root", str), {f.uid: f for f in functions}, {v.uid: v for v in variables}, bindings
    )


def _function(entry: Dictionary) -> Function:
    inputs = _get(entry, "inputs", list)
    if not all(isinstance(uid, str) for uid in inputs):
        raise DamagedError("a function's inputs are not names")
    attributes = _get(entry, "attributes", dict, {})
    op = _get(entry, "op", int)
    if op == BLOCK:
        attributes = {**entry, **attributes}
    return Function(_get(entry, "uid", str), op, tuple(inputs), attributes)


def _variable(entry: Dictionary) -> Variable:
    kind = _get(entry, "kind", int)
    value = _get(entry, "value", np.ndarray) if kind in (PARAMETER, CONSTANT) else None
    return Variable(_get(entry, "uid", str), kind, _get(entry, "shape", tuple, ()), value)


def _block_root(block: Function) -> str:
    root: str = _get(_get(block.attributes, "block_function_composite", dict), "root", str)
    return root


def _block_bindings(block: Function) -> list[tuple[str, str]]:
    keys = _get(block.attributes, "block_function_composite_arguments_map_keys", list)
    values = _get(block.attributes, "block_function_composite_arguments_map_values", list)
    if len(keys) != len(values) or not all(isinstance(uid, str) for uid in (*keys, *values)):
        raise DamagedError("a block's arguments do not fit its placeholders")
    return list(zip(keys, values))


def _entries(model: Dictionary, key: str) -> list[Dictionary]:
    entries: list[Dictionary] = _get(model, key, list)
    if not all(isinstance(entry, dict) for entry in entries):
        raise DamagedError(f"its '{key}' is not a list of dictionaries")
    return entries


def _get(entry: Mapping[str, Any], key: str, kind: type, *default: Any) -> Any:
    """The value of a key, checked."""
    value = entry.get(key, *default)
    if not isinstance(value, kind):
        raise DamagedError(f"its key '{key}' is {'missing' if value is None else 'of the wrong kind'}")
    return value
