"""``README.md`` of an imported model folder, for people who find the folder."""

from __future__ import annotations

from ..bands import title
from ..model import ModelSpec


def readme(spec: ModelSpec) -> str:
    """What the model reads and tells apart, and where it came from, in Markdown."""
    size = spec.pixel_size_m
    origin = [f"- {key}: {_plain(value)}" for key, value in spec.provenance.items()]
    parts = [
        f"# {spec.title}",
        spec.description,
        f"Reads {', '.join(title(b) for b in spec.bands)} as {spec.dtype}, ground pixels of {size.best:g} m "
        f"({size.min:g} to {size.max:g} m), tiles of {spec.tile} pixels with {spec.halo} pixels around them.",
        "| id | class | colour |\n| --- | --- | --- |\n"
        + "\n".join(f"| {c.id} | {c.name.replace('|', '/')} | {c.colour} |" for c in spec.legend),
        "\n".join(origin),
        f"Licence: {spec.licence or 'not stated'}.",
        spec.citation,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _plain(value: object) -> str:
    return "; ".join(str(item) for item in value) if isinstance(value, list) else str(value)
