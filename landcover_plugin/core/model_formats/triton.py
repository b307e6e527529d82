"""``config.pbtxt``: how a Triton server serves a model folder."""

from __future__ import annotations

from ..model import ModelSpec

_AT_ONCE = 2
"""Chips that a server puts together. A live request waits for the run under way, and for those it shares
a run with, so more of them would keep it waiting for longer."""
_TYPES = {"uint8": "TYPE_UINT8", "uint16": "TYPE_UINT16", "int16": "TYPE_INT16", "float32": "TYPE_FP32"}


def triton_config(spec: ModelSpec, batch: int, *, batch_is_free: bool, size_is_free: bool) -> str:
    """The text of the file.

    Args:
        spec: of the model.
        batch: chips that a request may hold; activations should stay below 1 GB.
        batch_is_free: whether the graph leaves the number of chips free.
        size_is_free: whether it leaves their size free.
    """
    classes, bands = len(spec.legend), len(spec.bands)
    chip, tile = (-1, -1) if size_is_free else (spec.chip, spec.tile)
    lead = [] if batch_is_free else [batch]
    outputs = {
        "classes": ("TYPE_UINT8", [*lead, tile, tile]),
        "probabilities8": ("TYPE_UINT8", [*lead, classes, tile, tile]),
        "probabilities": ("TYPE_FP32", [*lead, classes, tile, tile]),
    }
    lines = [
        f'name: "{spec.name}"',
        'backend: "onnxruntime"',
        f"max_batch_size: {batch if batch_is_free else 0}",
        f"input [ {_tensor('chips', _TYPES[spec.dtype], [*lead, bands, chip, chip])} ]",
        "output [",
        ",\n".join(f"  {_tensor(name, *outputs[name])}" for name in spec.outputs),
        "]",
    ]
    if batch_is_free:
        lines.append(scheduling(min(_AT_ONCE, batch)))
    warm_dims = " ".join(f"dims: {n}" for n in [*lead, bands, spec.chip, spec.chip])
    lines.append(
        'model_warmup [ { name: "one chip" batch_size: '
        f'{1 if batch_is_free else 0} inputs {{ key: "chips" value {{ data_type: {_TYPES[spec.dtype]} '
        f"{warm_dims} zero_data: true }} }} }} ]"
    )
    return "\n".join(lines) + "\n"


def scheduling(at_once: int) -> str:
    """The part that says which requests go first, and together.

    One instance a device: Triton makes two on a processor, which would share the same cores, and each
    has a run under way that a live request has to wait for.

    Args:
        at_once: chips that a server puts together.
    """
    return (
        "# the live layer asks with priority 1, batch jobs with priority 2\n"
        "dynamic_batching { priority_levels: 2 default_priority_level: 2 "
        f"preferred_batch_size: [ {at_once} ] }}\n"
        "instance_group [ { count: 1 } ]"
    )


def _tensor(name: str, kind: str, dims: list[int]) -> str:
    return f'{{ name: "{name}" data_type: {kind} dims: [ {", ".join(map(str, dims))} ] }}'
