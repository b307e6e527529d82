"""Graphs cut down to what some of their outputs need.

ONNX Runtime computes every output of a graph, also those that are not fetched.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any


def pruned(model: Any, outputs: Sequence[str]) -> Any:
    """A copy of an ``onnx.ModelProto`` with only some of its outputs and what they need."""
    kept = type(model)()
    kept.CopyFrom(model)
    graph = kept.graph
    nodes = needed_nodes(graph, set(outputs))
    used = {name for node in nodes for name in values_read(node)}
    results = [o for o in graph.output if o.name in outputs]
    arrays = [i for i in graph.initializer if i.name in used]
    for field, items in (("node", nodes), ("output", results), ("initializer", arrays)):
        graph.ClearField(field)
        getattr(graph, field).extend(items)
    return kept


def needed_nodes(graph: Any, outputs: Set[str]) -> list[Any]:
    """The nodes that some outputs depend on, in the graph's order."""
    wanted, kept = set(outputs), []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= values_read(node)
    return kept[::-1]


def values_read(node: Any) -> set[str]:
    """Names of the values that a node uses, those of graphs inside it included."""
    names = set(node.input)
    for attribute in node.attribute:
        for inner in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
            for child in inner.node:
                names |= values_read(child)
            names |= {o.name for o in inner.output}
    return names
