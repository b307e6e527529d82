"""A model described for people, in plain text."""

from __future__ import annotations

from .bands import title
from .model import ModelSpec


def describe_model(spec: ModelSpec) -> str:
    """Several lines: what the model reads, what it tells apart, and where it came from."""
    size = spec.pixel_size_m
    lines = [
        f"{spec.title} ({spec.name} {spec.version})",
        spec.description,
        f"Reads: {', '.join(title(b) for b in spec.bands)} ({spec.dtype})",
        f"Ground resolution: best {size.best:g} m, from {size.min:g} to {size.max:g} m",
        f"Tiles of {spec.tile} pixels with {spec.halo} pixels around them",
        "Classes:",
        *(f"  {c.id:>3}  {c.colour}  {c.name}" for c in spec.legend),
    ]
    lines += [f"{key}: {value}" for key, value in spec.figures.items()]
    lines += [f"Licence: {spec.licence}"] if spec.licence else []
    lines += [f"Citation: {spec.citation}"] if spec.citation else []
    lines += [f"Folder: {spec.folder}"] if spec.folder else []
    return "\n".join(line for line in lines if line)
