"""The precision that a model's network is written in."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from .errors import ModelError
from .model import ModelSpec

_OF_8_BITS = (b"DequantizeLinear", b"QLinearConv", b"ConvInteger")


def precision_of(spec: ModelSpec) -> str:
    """``int8`` where the file holds 8-bit operators, else ``float32``.

    Raises:
        ModelError: the file cannot be read.
    """
    return _precision(spec.path, spec.sha256)


@lru_cache(maxsize=64)
def _precision(path: Path, sha256: str) -> str:
    try:
        content = path.read_bytes()
    except OSError as e:
        raise ModelError(f"The model file {path} cannot be read ({e.strerror or e}); import it again.") from e
    # names of operators stand in the file as they are
    return "int8" if any(name in content for name in _OF_8_BITS) else "float32"
