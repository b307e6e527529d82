"""Whether a server's model is the one of a ``model.json``, and what its numbers can be compared with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from ..model import ModelSpec
from .answers import DTYPE_OF
from .protocol import Arrays
from .remote import INPUT
from .tensors import DATATYPES

SAME_CLASSES = 0.995
"""Share of equal classes below which two servers do not run the same model."""

_CANARY_PX = 32  # enough pixels for that share to mean something


@dataclass(frozen=True)
class Agreement:
    """What a server's metadata says beyond that it fits.

    Args:
        version: of the model, to be asked for by name; None where the server names none.
        numeric_kind: as the server says it; None where it does not.
        has_fixed_side: whether it takes whole chips only.
    """

    version: str | None
    numeric_kind: str | None
    has_fixed_side: bool


def agree(spec: ModelSpec, metadata: Any, where: str) -> Agreement:
    """Match a server's metadata against a spec.

    Args:
        spec: the model wanted.
        metadata: of the Open Inference Protocol v2, decoded.
        where: the server's address, for errors.

    Raises:
        ModelError: says what does not fit.
    """
    fault = _fault(spec, metadata)
    if fault:
        raise ModelError(
            f"Model '{spec.name}' at {where} does not fit its model.json: {fault}; serve the same "
            "model folder there."
        )
    parameters = metadata.get("parameters")
    kind = parameters.get("numeric_kind") if isinstance(parameters, dict) else None
    sides = _tensors(metadata["inputs"])[INPUT][1][2:]
    return Agreement(_version(metadata), kind if _is_word(kind) else None, any(side > 0 for side in sides))


def canary(spec: ModelSpec, agreement: Agreement) -> npt.NDArray[Any]:
    """A small request that is a real inference, always of the same pixels."""
    return _pattern(spec, spec.chip) if agreement.has_fixed_side else smallest_chip(spec)


def smallest_chip(spec: ModelSpec) -> npt.NDArray[Any]:
    """The smallest chip whose answer tells models apart, for a network that leaves the size free."""
    small = -(-(2 * spec.halo + _CANARY_PX) // spec.stride) * spec.stride
    return _pattern(spec, min(small, spec.chip))


def _pattern(spec: ModelSpec, side: int) -> npt.NDArray[Any]:
    shape = (1, len(spec.bands), side, side)
    # a formula, for random generators differ from release to release
    bits = np.arange(np.prod(shape), dtype=np.uint64) * np.uint64(2654435761) >> np.uint64(15)
    values: npt.NDArray[Any] = (bits & np.uint64(0xFF)).reshape(shape).astype(spec.dtype)
    return values / values.dtype.type(255) if values.dtype.kind == "f" else values


def numeric_kind(agreement: Agreement, server: Any, metadata: Mapping[str, Any], answer: Arrays) -> str:
    """The server's own numeric kind, else one made of its software and of the bits of its canary.

    The address has no part in it: two servers of equal software that answer the same bits are of one
    kind, and one that answers other bits is of another, whatever it calls itself.
    """
    if agreement.numeric_kind:
        return agreement.numeric_kind
    about = server if isinstance(server, dict) else {}
    # gRPC leaves out what is empty
    software = [said or "" for said in (about.get("name"), about.get("version"), metadata.get("platform"))]
    digest = hashlib.sha256(json.dumps(software, default=str).encode())
    for name in sorted(answer):
        digest.update(name.encode() + answer[name].tobytes())
    return f"remote-{digest.hexdigest()[:12]}"


def combined_kind(kinds: Sequence[str]) -> str:
    """One kind for servers that share the work; a mixture has a name of its own."""
    different = sorted(set(kinds))
    if len(different) == 1:
        return different[0]
    return f"mixed-{hashlib.sha256(json.dumps(different).encode()).hexdigest()[:12]}"


def equal_share(a: Arrays, b: Arrays) -> float:
    """Share of equal classes of two canaries; of equal values where there are no classes."""
    name = "classes" if "classes" in a else min(a)
    if name not in b or a[name].shape != b[name].shape:
        return 0.0
    return float((a[name] == b[name]).mean())


def _fault(spec: ModelSpec, metadata: Any) -> str:
    if not isinstance(metadata, dict):
        return "its metadata is not a JSON object"
    if metadata.get("name") not in (None, spec.name):
        return f"it is called '{str(metadata['name'])[:60]}'"
    parameters = metadata.get("parameters")
    found = parameters.get("sha256") if isinstance(parameters, dict) else None
    if isinstance(found, str) and found != spec.sha256:
        return "its file has another SHA-256"
    inputs, outputs = _tensors(metadata.get("inputs")), _tensors(metadata.get("outputs"))
    if list(inputs) != [INPUT]:
        return f"its inputs are {', '.join(inputs)[:100] or 'none'}, not {INPUT}"
    wanted: dict[str, tuple[str, tuple[int, ...]]]
    wanted = {INPUT: (spec.dtype, (1, len(spec.bands), spec.chip, spec.chip))}
    side = [spec.tile] * 2 if spec.task == "segmentation" else []
    for name in spec.outputs:
        channels = [] if name == "classes" else [len(spec.legend)]
        wanted[name] = (DTYPE_OF[name], (1, *channels, *side))
    for name, (dtype, shape) in wanted.items():
        entry = inputs.get(name) or outputs.get(name)
        if entry is None:
            return f"it has no output {name} (it has {', '.join(outputs)[:100] or 'none'})"
        if entry[0] != DATATYPES[dtype]:
            return f"{name} is {entry[0][:20]}, not {DATATYPES[dtype]}"
        # Triton has no outputs without a dimension of their own: a class a chip comes as (N, 1)
        if not _fits(entry[1], shape) and not (len(shape) == 1 and _fits(entry[1], (*shape, 1))):
            return f"{name} has the shape {entry[1][:8]}, which {list(shape)} does not fit"
    return ""


def _tensors(entries: Any) -> dict[str, tuple[str, list[int]]]:
    """Datatype and shape by name; entries that are none are left out."""
    found = {}
    for entry in entries if isinstance(entries, list) else []:
        shape = entry.get("shape") if isinstance(entry, dict) else None
        if isinstance(shape, list) and all(_whole(side) for side in shape):
            found[str(entry.get("name"))[:60]] = (str(entry.get("datatype")), [int(side) for side in shape])
    return found


def _whole(side: Any) -> bool:
    """gRPC's JSON writes whole numbers as texts."""
    return isinstance(side, int) or (
        isinstance(side, str) and side.lstrip("-").isdecimal() and len(side) < 12
    )


def _fits(found: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether a shape with free sides (-1) holds the wanted one."""
    return len(found) == len(wanted) and all(side in (-1, want) for side, want in zip(found, wanted))


def _version(metadata: Mapping[str, Any]) -> str | None:
    """The highest version served; asked for by name, so that another one cannot take its place."""
    versions = metadata.get("versions")
    numbers = [v for v in versions if isinstance(v, str) and v.isdecimal()] if versions else []
    return max(numbers, key=int) if numbers else None


def _is_word(text: Any) -> bool:
    return isinstance(text, str) and 0 < len(text) <= 100 and text.isprintable()
